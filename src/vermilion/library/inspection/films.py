"""Video and sound: the whole container is read, its keyframes and its sound decoded, its true length measured."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageStat

from vermilion.library.inspection.media import DURATION_MAX_SECONDS, PIXELS_MAX, Media, Unreadable
from vermilion.library.inspection.thumbnails import shrink, thumbhash_of, write_webp

_DEMUXERS = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "audio/mp4": "mov",
    "video/webm": "matroska",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
}

_VIDEO_CODECS = {"h264", "hevc", "av1", "vp8", "vp9", "mpeg4", "prores"}
_AUDIO_CODECS = {"mp3", "mp3float", "aac", "alac", "opus", "vorbis", "flac"}
_POSTER_FRAMES_MAX = 150
_POSTER_SECONDS_MAX = 6.0
_BLACK_MEAN_MAX = 16
_BLACK_SPREAD_MAX = 8
_MISSING_SECONDS_MAX = 1.0
_MISSING_SHARE_MAX = 0.05


def inspect_film(path: Path, content_type: str, thumbnail: Path) -> Media:
    """Read a video or sound file wholly; raises `Unreadable`, or what FFmpeg raises on damage.

    The demuxer is fixed by the type that was told from the content, and only plain files may be opened: a
    playlist inside a film cannot make the house read other files or call out.
    """
    with _opened(path, content_type) as container:
        pictures = [
            stream for stream in container.streams.video if not stream.disposition & av.stream.Disposition.attached_pic
        ]
        if content_type.startswith("video/") and pictures:
            return _inspect_video(container, pictures[0], content_type, thumbnail)
        if content_type == "video/mp4" and container.streams.audio:
            return _inspect_audio(container, container.streams.audio[0], "audio/mp4")
        if content_type.startswith("audio/") and container.streams.audio:
            return _inspect_audio(container, container.streams.audio[0], content_type)
    raise Unreadable("asset.unreadable", "The file holds neither pictures nor sound.")


@contextmanager
def _opened(path: Path, content_type: str) -> Iterator[InputContainer]:
    with av.open(
        str(path),
        format=_DEMUXERS[content_type],
        container_options={"protocol_whitelist": "file"},
        metadata_errors="replace",
    ) as container:
        declared = _declared_seconds(container)
        if declared is not None and declared > DURATION_MAX_SECONDS:
            raise _too_long()
        yield container


def _inspect_video(container: InputContainer, stream: VideoStream, content_type: str, thumbnail: Path) -> Media:
    codec = stream.codec_context
    if codec.codec.canonical_name not in _VIDEO_CODECS:
        raise Unreadable("asset.type_refused", f"Videos coded as {codec.codec.canonical_name} are not kept.")
    if codec.width * codec.height > PIXELS_MAX:
        raise Unreadable("asset.too_many_pixels", f"The video's frames have {codec.width} × {codec.height} pixels.")
    codec.thread_count = 1
    poster = _Poster()
    end_seconds = 0.0
    keyframes = 0
    for packet in container.demux(stream):
        if packet.is_corrupt:
            raise _broken_off()
        if packet.size and packet.pts is not None and packet.time_base is not None:
            end_seconds = max(end_seconds, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            if end_seconds > DURATION_MAX_SECONDS:
                raise _too_long()
        if not packet.size:
            continue
        # Once the poster is chosen, keyframes alone show that the rest can be decoded too.
        if poster.chosen and not packet.is_keyframe:
            continue
        if poster.chosen:
            codec.flush_buffers()
        keyframes += packet.is_keyframe
        for frame in codec.decode(packet):
            poster.consider(frame)
    for frame in codec.decode(None):
        poster.consider(frame)
    start = float(stream.start_time * stream.time_base) if stream.start_time and stream.time_base else 0.0
    seconds = max(end_seconds - start, 0.0)
    _refuse_if_shorter_than_declared(seconds, _declared_seconds(container, stream))
    frame_shown = poster.best
    if frame_shown is None or keyframes == 0:
        raise Unreadable("asset.unreadable", "No picture of the video could be decoded.")
    return _shown(frame_shown, stream, content_type, seconds, thumbnail)


def _shown(frame: VideoFrame, stream: VideoStream, content_type: str, seconds: float, thumbnail: Path) -> Media:
    width, height = frame.width, frame.height
    shape = stream.sample_aspect_ratio
    if shape and shape.numerator > 0 and shape.denominator > 0 and shape != 1:
        width = min(max(round(width * shape), 1), 16 * frame.width)
    scale = min(1.0, 2 * 640 / max(width, height))
    # FFmpeg shrinks to twice the size while converting colours; the last step is the same as for pictures.
    picture = frame.reformat(width=max(round(width * scale), 1), height=max(round(height * scale), 1), format="rgb24")
    small = shrink(_image_of(picture))
    turn = round(frame.rotation) % 360
    if turn:
        small = small.rotate(turn, expand=True)
    if turn in (90, 270):
        width, height = height, width
    blur = thumbhash_of(small)
    write_webp(small, thumbnail)
    return Media("video", content_type, width, height, round(seconds, 3), blur, thumbnail)


def _inspect_audio(container: InputContainer, stream: AudioStream, content_type: str) -> Media:
    codec = stream.codec_context
    name = codec.codec.canonical_name
    if name not in _AUDIO_CODECS and not name.startswith("pcm_"):
        raise Unreadable("asset.type_refused", f"Sound coded as {name} is not kept.")
    codec.thread_count = 1
    seconds = 0.0
    for packet in container.demux(stream):
        if packet.is_corrupt:
            raise _broken_off()
        for frame in codec.decode(packet if packet.size else None):
            seconds += frame.samples / frame.sample_rate
        if seconds > DURATION_MAX_SECONDS + 1:
            raise _too_long()
    if seconds == 0:
        raise Unreadable("asset.unreadable", "No sound could be decoded.")
    _refuse_if_shorter_than_declared(seconds, _declared_seconds(container, stream))
    return Media("audio", content_type, None, None, round(seconds, 3), None, None)


@dataclass
class _Poster:
    """The first frame that is not black, or the brightest of the beginning when all of it is."""

    best: VideoFrame | None = None
    chosen: bool = False
    _seen: int = 0
    _best_mean: float = field(default=-1.0)

    def consider(self, frame: VideoFrame) -> None:
        if self.chosen:
            return
        self._seen += 1
        light = ImageStat.Stat(_image_of(frame.reformat(width=64, height=36, format="rgb24")).convert("L"))
        if light.mean[0] > self._best_mean:
            self.best, self._best_mean = frame, light.mean[0]
        bright = light.mean[0] > _BLACK_MEAN_MAX or light.stddev[0] > _BLACK_SPREAD_MAX
        late = self._seen >= _POSTER_FRAMES_MAX or (frame.time is not None and frame.time > _POSTER_SECONDS_MAX)
        self.chosen = bright or late


def _image_of(frame: VideoFrame) -> Image.Image:
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    return image


def _declared_seconds(container: InputContainer, stream: VideoStream | AudioStream | None = None) -> float | None:
    """How long the file says it is, in the stream's own words where there are any."""
    if stream is not None and stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / av.time_base


def _refuse_if_shorter_than_declared(seconds: float, declared: float | None) -> None:
    if declared is not None and declared - seconds > max(_MISSING_SECONDS_MAX, declared * _MISSING_SHARE_MAX):
        raise _broken_off()


def _broken_off() -> Unreadable:
    return Unreadable("asset.unreadable", "The file breaks off before its end.")


def _too_long() -> Unreadable:
    return Unreadable("asset.too_long", f"The file plays longer than {DURATION_MAX_SECONDS:.0f} seconds.")
