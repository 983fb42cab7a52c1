"""A film that somebody brought, speaking: its own pictures, with lips that move on them.

Runs in the easel's process.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass

import av
from PIL import Image

from .films import FORMAT, FRAMES_PER_SECOND, Planes, encoded, even, frame_count

_SHORT_SIDE_MAX = 720


@dataclass(frozen=True, slots=True)
class DubOrder:
    """Which film shall speak: a file whose frames can be read."""

    film: bytes
    seconds: float

    @property
    def format(self) -> str:
        return FORMAT

    def key(self) -> str:
        """Equal for orders that give the same film."""
        return f"dub-{self.seconds}-{hashlib.blake2b(self.film, digest_size=16).hexdigest()}"


def dub(order: DubOrder) -> bytes:
    """Read, change and encode one order."""
    with av.open(io.BytesIO(order.film), "r") as container:
        codec = container.streams.video[0].codec_context
        scale = min(1.0, _SHORT_SIDE_MAX / min(codec.width, codec.height))
        size = (even(codec.width * scale), even(codec.height * scale))
        return encoded(_frames(container, size, frame_count(order.seconds)), size, speaking=True)


def _frames(container: av.container.InputContainer, size: tuple[int, int], count: int) -> Iterator[Planes]:
    """The film's pictures at this room's pace: some are left out, and some shown twice."""
    shown = 0
    for frame in container.decode(video=0):
        if shown >= count:
            return
        due = int(float(frame.time or 0.0) * FRAMES_PER_SECOND) + 1
        if shown < due:
            planes = _planes(frame.reformat(width=size[0], height=size[1], format="yuv420p"))
        while shown < min(due, count):
            yield planes
            shown += 1


def _planes(frame: av.VideoFrame) -> Planes:
    # Lines of a plane may be longer than the picture is wide.
    lines = (Image.frombytes("L", (plane.line_size, plane.height), bytes(plane)) for plane in frame.planes)
    return [whole.crop((0, 0, plane.width, plane.height)) for whole, plane in zip(lines, frame.planes, strict=True)]
