"""From an order to the bytes of a short film: a slow pan over a painted picture, labelled, as MP4 (H.264).

The picture is converted to the encoder's planes once, and each frame is a window of them, so that a
film costs little more than its encoding. Runs in the easel's process. The same order always gives
the same bytes on the same machine.
"""

from __future__ import annotations

import hashlib
import math
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

import av
from PIL import Image, ImageChops, ImageDraw, ImageFont

from .edits import load
from .pictures import compose

FORMAT = "mp4"
CONTENT_TYPE = "video/mp4"

# A pan at this rate is smooth enough, and half the work of a cinema's.
_FRAMES_PER_SECOND = 12
_MAX_FRAMES = 240
# How much larger than a frame the picture is, which is how far the window can wander.
_ROOM = 1.14
_LABEL = "S A N D B O X"


@dataclass(frozen=True, slots=True)
class FilmOrder:
    """What to film. Sizes in pixels are made even. `sources` are encoded pictures: the first frame, and the last.

    With `sources` the film begins as the first and, where there is a second, ends as it.
    """

    prompt: str
    seed: int
    width: int
    height: int
    seconds: float
    sources: tuple[bytes, ...] = ()
    black: bool = False

    @property
    def format(self) -> str:
        return FORMAT

    def key(self) -> str:
        """Equal for orders that give the same film."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(repr((self.prompt, self.seed, self.width, self.height, self.seconds, self.black)).encode())
        for source in self.sources:
            digest.update(hashlib.blake2b(source, digest_size=16).digest())
        return f"film-{digest.hexdigest()}"


def film(order: FilmOrder) -> bytes:
    """Paint, film and encode one order."""
    width, height = _even(order.width), _even(order.height)
    large = (_even(width * _ROOM), _even(height * _ROOM))
    stills = [_still(order, source, large) for source in order.sources[:2]] or [_painted(order, large)]
    return _encoded(stills, (width, height), frames=_frames(order.seconds))


def plain_film(width: int, height: int, seconds: float) -> bytes:
    """One plain film, made quickly: a soft vertical wash that drifts."""
    size = (_even(width), _even(height))
    wash = Image.linear_gradient("L").resize((_even(size[0] * _ROOM), _even(size[1] * _ROOM)))
    return _encoded([Image.merge("RGB", (wash, wash, wash))], size, frames=_frames(seconds))


def stamped_film(data: bytes, stamp: str) -> bytes:
    """The same film under other bytes: players skip the box that holds the stamp."""
    text = stamp.encode()
    return data + struct.pack(">I", len(text) + 8) + b"free" + text


def _painted(order: FilmOrder, size: tuple[int, int]) -> Image.Image:
    if order.black:
        return Image.new("RGB", size)
    return compose(order.prompt, order.seed, size)


def _still(order: FilmOrder, source: bytes, size: tuple[int, int]) -> Image.Image:
    return Image.new("RGB", size) if order.black else load(source, size)


def _encoded(stills: list[Image.Image], size: tuple[int, int], *, frames: int) -> bytes:
    """The film of one still, or of two dissolving into each other."""
    width, height = size
    planes = [_planes(still) for still in stills]
    mask = _label(size)
    label = (mask, mask.reduce(2))
    path = list(_path(stills[0].size, size, frames))
    # The muxer opens its file again to put the index at the front, so this one has a name.
    with tempfile.NamedTemporaryFile(suffix=f".{FORMAT}") as file:
        with av.open(file.name, "w", format=FORMAT, options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", rate=_FRAMES_PER_SECOND)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.options = {"preset": "ultrafast", "crf": "27"}
            stream.thread_count = 1
            frame = av.VideoFrame(width, height, "yuv420p")
            for index, corner in enumerate(path):
                _fill(frame, planes, corner, share=index / max(1, frames - 1), label=label)
                frame.pts = index
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return Path(file.name).read_bytes()


def _fill(
    frame: av.VideoFrame,
    stills: list[list[Image.Image]],
    corner: tuple[int, int],
    *,
    share: float,
    label: tuple[Image.Image, Image.Image],
) -> None:
    """Lay the window at `corner` into the frame: of the first still, or so far on the way to the second."""
    for number, plane in enumerate(frame.planes):
        half, mask = (1, label[0]) if number == 0 else (2, label[1])
        # Lines of a plane may be longer than the picture is wide; a wider window fills them.
        x, y = corner[0] // half, corner[1] // half
        box = (x, y, x + plane.line_size, y + plane.height)
        view = stills[0][number].crop(box)
        if len(stills) > 1:
            view = Image.blend(view, stills[1][number].crop(box), share)
        view.paste(235 if number == 0 else 128, (0, 0), mask)
        plane.update(view.tobytes())


def _planes(still: Image.Image) -> list[Image.Image]:
    luma, blue, red = still.convert("YCbCr").split()
    # From the full range to that of video, without which players show blacks grey and colours loud.
    narrow = luma.point([16 + round(value * 219 / 255) for value in range(256)])
    chroma = [128 + round((value - 128) * 224 / 255) for value in range(256)]
    return [narrow, blue.reduce(2).point(chroma), red.reduce(2).point(chroma)]


def _path(large: tuple[int, int], size: tuple[int, int], frames: int) -> list[tuple[int, int]]:
    """Upper left corners of the window: an arc that begins and ends gently, in even pixels."""
    room_x, room_y = large[0] - size[0], large[1] - size[1]
    corners = []
    for index in range(frames):
        share = index / max(1, frames - 1)
        eased = share * share * (3 - 2 * share)
        lift = math.sin(eased * math.pi) * 0.5
        corners.append((round(room_x * eased) // 2 * 2, round(room_y * (0.75 - lift)) // 2 * 2))
    return corners


def _label(size: tuple[int, int]) -> Image.Image:
    """A mask of the word SANDBOX in the lower left corner, soft around the edges so that it reads on any ground."""
    mask = Image.new("L", size)
    font = ImageFont.load_default(max(9, round(min(size) * 0.032)))
    margin = max(6, round(min(size) * 0.035))
    pen = ImageDraw.Draw(mask)
    left, top, right, bottom = pen.textbbox((0, 0), _LABEL, font=font)
    at = (margin - left, size[1] - margin - bottom)
    pen.text(at, _LABEL, font=font, fill=255)
    box = (margin // 2, at[1] + top - margin // 2, round(margin * 1.5 + right - left), size[1] - margin // 2)
    ground = Image.new("L", size)
    ImageDraw.Draw(ground).rounded_rectangle(box, radius=margin // 2, fill=70)
    return ImageChops.lighter(mask, ground)


def _frames(seconds: float) -> int:
    return max(2, min(_MAX_FRAMES, round(seconds * _FRAMES_PER_SECOND)))


def _even(pixels: float) -> int:
    return max(16, round(pixels / 2) * 2)
