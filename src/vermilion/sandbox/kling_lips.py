"""Kling's lip-sync: finding faces, speaking words, and the jobs of the current and the older form.

Facts: Kling's pages on lip-sync and speech; the older form as relays still serve it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
import math
import struct
import uuid
import wave
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import av

from .kling_replies import Refusal
from .kling_requests import Asked
from .kling_work import made_by
from .stage import Stage, Unreachable

SESSION_SECONDS = 24 * 3600.0
_REMEMBERED = 2_000
_VIDEO_MAX_BYTES = 100 * 1024 * 1024
_SOUND_MAX_BYTES = 5 * 1024 * 1024
_MEETING_MIN_MS = 2000
_CHARACTERS_PER_SECOND = 4.0


@dataclass(frozen=True, slots=True)
class _Session:
    account: str
    seconds: float
    parent_id: str | None
    """The video of this account that was shown; None for one from elsewhere, whose file is on the shelf."""
    expires_at: float


@dataclass(frozen=True, slots=True)
class _Shown:
    """A video whose face shall speak: one of this account, or the file of one from elsewhere."""

    seconds: float
    parent_id: str | None
    film: bytes | None


class Lips:
    """Sessions and spoken sounds of one sandbox; they live as long as it does."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._sounds: OrderedDict[str, float] = OrderedDict()

    def clear(self) -> None:
        self._sessions.clear()
        self._sounds.clear()

    async def identify(self, account: str, body: Mapping[str, Any], *, faceless: bool) -> dict[str, Any]:
        """The faces of a video: one, seen from a little after the start to the end."""
        shown = await self._video(account, body)
        seconds, session_id = shown.seconds, uuid.uuid4().hex
        expires_at = self._stage.now() + SESSION_SECONDS
        self._sessions[session_id] = _Session(account, seconds, shown.parent_id, expires_at)
        if shown.film is not None:
            self._stage.shelf.put(_shelf_name(session_id), shown.film, "video/mp4", expires_at)
        if len(self._sessions) > _REMEMBERED:
            self._sessions.popitem(last=False)
        face = {"face_id": "0", "face_image": "", "start_time": 100, "end_time": int(seconds * 1000)}
        return {"session_id": session_id, "face_data": [] if faceless else [face], "final_unit_deduction": "0.05"}

    def speak(self, body: Mapping[str, Any], base: str) -> dict[str, Any]:
        """Words as sound, at once."""
        text, voice = body.get("text"), body.get("voice_id")
        if not isinstance(text, str) or not 0 < len(text) <= 1000:
            raise Refusal(1201, "text is invalid")
        pace = _voice(voice, body)
        sound_id = uuid.uuid4().hex
        seconds = max(2.0, len(text) / _CHARACTERS_PER_SECOND / pace)
        self._sounds[sound_id] = seconds
        if len(self._sounds) > _REMEMBERED:
            self._sounds.popitem(last=False)
        audio = {"id": sound_id, "url": f"{base}/files/speech/{sound_id}.wav", "duration": f"{seconds:.2f}"}
        return {"task_id": uuid.uuid4().hex, "task_status": "succeed", "task_result": {"audios": [audio]}}

    def sound(self, sound_id: str) -> bytes | None:
        """A spoken sound's file."""
        seconds = self._sounds.get(sound_id)
        return None if seconds is None else hum(seconds)

    async def read(self, account: str, body: Mapping[str, Any]) -> Asked:
        """A job of the current form; raises `Refusal`."""
        session = self._sessions.get(str(body.get("session_id")))
        if session is None or session.account != account or self._stage.now() > session.expires_at:
            raise Refusal(1201, "session_id is invalid")
        faces = body.get("face_choose")
        if not isinstance(faces, list) or len(faces) != 1 or not isinstance(faces[0], dict):
            raise Refusal(1201, "face_choose must hold exactly one face")
        face = faces[0]
        if face.get("face_id") != "0":
            raise Refusal(1201, "face_id is invalid")
        length_ms = await self._length_ms(face)
        begins, ends, at = (_milliseconds(face, f"sound_{name}_time") for name in ("start", "end", "insert"))
        if length_ms is not None and ends > length_ms:
            raise Refusal(1201, "sound_end_time is after the end of the sound")
        if ends - begins < _MEETING_MIN_MS or min(at + ends - begins, session.seconds * 1000) - max(at, 100) < 1900:
            raise Refusal(1201, "sound and face must meet for at least two seconds")
        for name in ("sound_volume", "original_audio_volume"):
            value = face.get(name, 1)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 2:
                raise Refusal(1201, f"{name} is invalid")
        kept = self._stage.shelf.get(_shelf_name(str(body["session_id"])))
        if session.parent_id is None and kept is None:
            raise Refusal(1201, "session_id is invalid")
        return self._speaking(_Shown(session.seconds, session.parent_id, kept.data if kept else None))

    async def read_older(self, account: str, body: Mapping[str, Any]) -> Asked:
        """A job of the older form; raises `Refusal`."""
        given = body.get("input")
        if not isinstance(given, dict):
            raise Refusal(1201, "input is required")
        shown = await self._video(account, given)
        if given.get("mode") == "text2video":
            if not isinstance(given.get("text"), str) or not 0 < len(given["text"]) <= 120:
                raise Refusal(1201, "text is invalid")
            _voice(given.get("voice_id"), given)
        elif given.get("mode") == "audio2video":
            if given.get("audio_type") == "file":
                _check_decoded(given.get("audio_file"))
            elif given.get("audio_type") != "url" or not given.get("audio_url"):
                raise Refusal(1201, "audio_type is invalid")
            else:
                await self._check_sound(given["audio_url"])
        else:
            raise Refusal(1201, "mode is invalid")
        return self._speaking(shown)

    def _speaking(self, shown: _Shown) -> Asked:
        """The film that was shown, speaking."""
        return Asked("video", "lip-sync", "", seconds=shown.seconds, parent_id=shown.parent_id, film=shown.film)

    async def _length_ms(self, face: Mapping[str, Any]) -> int | None:
        audio_id, file = face.get("audio_id"), face.get("sound_file")
        if bool(audio_id) == bool(file):
            raise Refusal(1201, "exactly one of audio_id and sound_file is required")
        if not audio_id:
            await self._check_sound(file)
            return None
        seconds = self._sounds.get(str(audio_id))
        if seconds is None:
            raise Refusal(1201, "audio_id is invalid")
        return int(seconds * 1000) + 10

    async def _check_sound(self, file: Any) -> None:
        """A sound by its address, or as base64; raises `Refusal`."""
        if not isinstance(file, str) or not file.startswith(("http://", "https://")):
            _check_decoded(file)
            return
        try:
            await self._stage.read_url(file, _SOUND_MAX_BYTES)
        except Unreachable as error:
            raise Refusal(1201, f"the sound cannot be read: {error}") from error

    async def _video(self, account: str, body: Mapping[str, Any]) -> _Shown:
        video_id, url = body.get("video_id"), body.get("video_url")
        if bool(video_id) == bool(url):
            raise Refusal(1201, "exactly one of video_id and video_url is required")
        if video_id:
            parent = made_by(self._stage, account, str(video_id))
            return _Shown(float(parent.notes["seconds"]), str(video_id), None)
        try:
            data = await self._stage.read_url(str(url), _VIDEO_MAX_BYTES)
        except Unreachable as error:
            raise Refusal(1201, f"video_url cannot be read: {error}") from error
        seconds = await asyncio.to_thread(_length_seconds, data)
        if not 2 <= seconds <= 60:
            raise Refusal(1201, "the video must be 2 to 60 seconds long")
        return _Shown(seconds, None, data)


def _shelf_name(session_id: str) -> str:
    return f"face_{session_id}"


def hum(seconds: float) -> bytes:
    """A soft tone as a WAV file: a sound that is audibly nobody's voice."""
    rate = 8000
    count = int(min(seconds, 120.0) * rate)
    samples = (int(6000 * math.sin(index * 2 * math.pi * 220 / rate)) for index in range(count))
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return file.getvalue()


def _length_seconds(data: bytes) -> float:
    try:
        with av.open(io.BytesIO(data), "r") as container:
            next(container.decode(video=0))
            return float(container.duration or 0) / av.time_base
    except (av.error.FFmpegError, ValueError, IndexError, StopIteration) as error:
        raise Refusal(1201, "the video must be MP4 or MOV") from error


def _voice(voice: Any, body: Mapping[str, Any]) -> float:
    """The pace of a voice that may speak; raises `Refusal`."""
    if not isinstance(voice, str) or not voice or body.get("voice_language", "zh") not in {"zh", "en"}:
        raise Refusal(1201, "voice_id or voice_language is invalid")
    pace = body.get("voice_speed", 1.0)
    if isinstance(pace, bool) or not isinstance(pace, int | float) or not 0.8 <= pace <= 2.0:
        raise Refusal(1201, "voice_speed is invalid")
    return float(pace)


def _check_decoded(file: Any) -> None:
    try:
        data = base64.b64decode(file, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise Refusal(1201, "the sound is not base64") from error
    if not 0 < len(data) <= _SOUND_MAX_BYTES:
        raise Refusal(1201, "the sound is too large")


def _milliseconds(face: Mapping[str, Any], name: str) -> int:
    value = face.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Refusal(1201, f"{name} is required")
    return value
