"""Lip-sync: a video's face is found first, words become sound, and then the job can be said.

`identify-face` and `tts` answer at once and hand over no job, so a lost answer there leaves nothing in doubt. An
address that does not know `identify-face` speaks the older form, which takes video and words in one request. Facts:
Kling's pages on lip-sync and speech; the sources of public relays.
"""

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from vermilion.providers.contract import Call, InputFile
from vermilion.providers.errors import Drifted, Rejected, Unreachable
from vermilion.providers.kling_answers import data_of
from vermilion.providers.kling_bodies import NO_ADDRESS
from vermilion.providers.kling_errors import before_submit, complaint_of
from vermilion.providers.wire import Answer

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Answer]]
"""Post a body to a path, as a question."""

OLDER_ENDPOINT = "v1/videos/lip-sync"
SPEECH_MIN_MS = 2000
"""Kling wants sound and face to meet for at least two seconds."""


def source_of(call: Call) -> dict[str, str]:
    """Which video: the one the followed-up generation made, or one the person gave. Raises `Rejected`."""
    given = _given(call, "video")
    video_id = (call.parent or {}).get("video_id")
    if given is not None and given.url is not None:
        return {"video_url": given.url}
    # Without an address to fetch it from, a video that Kling made is still known to it by its id.
    if not isinstance(video_id, str):
        raise Rejected("Begin with a video that Kling made, or give one." if given is None else NO_ADDRESS)
    return {"video_id": video_id}


async def prepare(call: Call, ask: Ask) -> tuple[str, dict[str, Any]]:
    """The endpoint and the body of a lip-sync job. Raises what the steps before it say, never `Ambiguous`."""
    source = source_of(call)
    answer = await ask("v1/videos/identify-face", source)
    if answer.status in {404, 405} and _names_no_video(answer):
        return OLDER_ENDPOINT, {"input": source | await _older_words(call)}
    session = _told(answer)
    face = _face(session)
    starts_ms, ends_ms = _whole(face.get("start_time")), _whole(face.get("end_time"))
    sound, length_ms = await _sound(call, ask)
    cut_ms = min(length_ms or ends_ms - starts_ms, ends_ms - starts_ms)
    if cut_ms < SPEECH_MIN_MS:
        raise Rejected("Face and sound must meet for at least two seconds.")
    return call.endpoint, {
        "session_id": str(session.get("session_id")),
        "face_choose": [
            {
                "face_id": str(face.get("face_id")),
                **sound,
                "sound_start_time": 0,
                "sound_end_time": cut_ms,
                "sound_insert_time": starts_ms,
                "sound_volume": 1,
                "original_audio_volume": call.params.get("original_audio_volume", 1),
            }
        ],
    }


async def _sound(call: Call, ask: Ask) -> tuple[dict[str, str], int | None]:
    """The sound and its length in ms where it is known: the person's file, or their words spoken."""
    given = _given(call, "audio")
    if given is not None:
        length = None if given.duration_seconds is None else int(given.duration_seconds * 1000)
        return {"sound_file": base64.b64encode(await given.read()).decode()}, length
    speech = _told(await ask("v1/audio/tts", {"text": call.prompt, **_voice(call)}))
    result = speech.get("task_result")
    audios = result.get("audios") if isinstance(result, dict) else None
    spoken = audios[0] if isinstance(audios, list) and audios and isinstance(audios[0], dict) else {}
    if not spoken.get("id"):
        raise Unreachable("Kling spoke the words and did not name the sound.")
    try:
        length = int(float(spoken.get("duration")) * 1000)  # type: ignore[arg-type]  # it may be missing
    except (TypeError, ValueError):
        length = None
    return {"audio_id": str(spoken["id"])}, length


async def _older_words(call: Call) -> dict[str, Any]:
    given = _given(call, "audio")
    if given is None:
        return {"mode": "text2video", "text": call.prompt, **_voice(call)}
    sound = base64.b64encode(await given.read()).decode()
    return {"mode": "audio2video", "audio_type": "file", "audio_file": sound}


def _voice(call: Call) -> dict[str, Any]:
    language, _, voice_id = str(call.params.get("voice", "")).partition(":")
    return {"voice_id": voice_id, "voice_language": language, "voice_speed": call.params.get("voice_speed", 1.0)}


def _told(answer: Answer) -> dict[str, Any]:
    said = complaint_of(answer)
    if said is not None:
        raise before_submit(answer, said)
    try:
        data = data_of(answer)
    except Drifted as error:
        raise Unreachable(error.message, vendor_message=error.vendor_message) from error
    if not isinstance(data, dict):
        raise Unreachable("Kling's answer holds nothing.", vendor_message=answer.text(200))
    return data


def _names_no_video(answer: Answer) -> bool:
    """Whether it is the path that is unknown, and not the video."""
    said = complaint_of(answer)
    return said is None or said.code != 1203


def _face(session: Mapping[str, Any]) -> Mapping[str, Any]:
    faces = session.get("face_data")
    known = [face for face in faces if isinstance(face, dict)] if isinstance(faces, list) else []
    if not known:
        raise Rejected("Kling finds no face in this video.")
    # The one that is seen longest.
    return max(known, key=lambda face: _whole(face.get("end_time")) - _whole(face.get("start_time")))


def _whole(told: Any) -> int:
    try:
        return int(told)
    except (TypeError, ValueError):
        return 0


def _given(call: Call, role: str) -> InputFile | None:
    return next((given for given in call.inputs if given.role == role), None)
