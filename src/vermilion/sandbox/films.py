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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
from PIL import Image, ImageChops, ImageDraw, ImageFont

from .edits import load
from .pictures import FINE_CANVAS_PIXELS, compose

FORMAT = "mp4"
CONTENT_TYPE = "video/mp4"

# A pan at this rate is smooth enough, and half the work of a cinema's.
FRAMES_PER_SECOND = 12
_MAX_FRAMES = 240
# How much larger than a frame the picture is, which is how far the window can wander.
_ROOM = 1.14
_LABEL = "S A N D B O X"
_LABEL_SPEAKING = "S A N D B O X   S P E A K I N G"
# How far the lips are open, one after another, as shares of their height.
_OPENINGS = (0.1, 0.6, 1.0, 0.4, 0.8, 0.2, 0.5, 0.9)
_FRAMES_PER_OPENING = 2
# Colours in the encoder's planes: luma, blue, red.
_WHITE, _LIPS, _MOUTH = (235, 128, 128), (105, 105, 190), (30, 124, 140)

Planes = list[Image.Image]
"""A picture as an encoder takes it: luma, and in half the size blue and red."""
_Stamp = tuple[tuple[Image.Image, Image.Image], tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class FilmOrder:
    """What to film. Sizes in pixels are made even. `sources` are encoded pictures: the first frame, and the last.

    With `sources` the film begins as the first and, where there is a second, ends as it. One that is `speaking` is the
    same film with lips that move on it.
    """

    prompt: str
    seed: int
    width: int
    height: int
    seconds: float
    sources: tuple[bytes, ...] = ()
    black: bool = False
    speaking: bool = False

    @property
    def format(self) -> str:
        return FORMAT

    def key(self) -> str:
        """Equal for orders that give the same film."""
        digest = hashlib.blake2b(digest_size=16)
        about = (self.prompt, self.seed, self.width, self.height, self.seconds, self.black, self.speaking)
        digest.update(repr(about).encode())
        for source in self.sources:
            digest.update(hashlib.blake2b(source, digest_size=16).digest())
        return f"film-{digest.hexdigest()}"


def film(order: FilmOrder, canvas_pixels: int = FINE_CANVAS_PIXELS) -> bytes:
    """Paint, film and encode one order."""
    size = (even(order.width), even(order.height))
    large = (even(size[0] * _ROOM), even(size[1] * _ROOM))
    stills = [_still(order, source, large) for source in order.sources[:2]] or [_painted(order, large, canvas_pixels)]
    frames = _panned([planes_of(still) for still in stills], size, frame_count(order.seconds))
    return encoded(frames, size, speaking=order.speaking)


def plain_film(width: int, height: int, seconds: float) -> bytes:
    """One plain film, made quickly: a soft vertical wash that drifts."""
    size = (even(width), even(height))
    wash = Image.linear_gradient("L").resize((even(size[0] * _ROOM), even(size[1] * _ROOM)))
    planes = planes_of(Image.merge("RGB", (wash, wash, wash)))
    return encoded(_panned([planes], size, frame_count(seconds)), size)


def stamped_film(data: bytes, stamp: str) -> bytes:
    """The same film under other bytes: players skip the box that holds the stamp."""
    text = stamp.encode()
    return data + struct.pack(">I", len(text) + 8) + b"free" + text


def _painted(order: FilmOrder, size: tuple[int, int], canvas_pixels: int) -> Image.Image:
    if order.black:
        return Image.new("RGB", size)
    return compose(order.prompt, order.seed, size, canvas_pixels)


def _still(order: FilmOrder, source: bytes, size: tuple[int, int]) -> Image.Image:
    return Image.new("RGB", size) if order.black else load(source, size)


def encoded(frames: Iterable[Planes], size: tuple[int, int], *, speaking: bool = False) -> bytes:
    """The film of these frames, each as its planes of `size`; on a `speaking` one lips move."""
    stamps = [_stamp(_label(size, _LABEL_SPEAKING if speaking else _LABEL), _WHITE)]
    mouths = [[*stamps, *_mouth(size, opening)] for opening in _OPENINGS] if speaking else [stamps]
    # The muxer opens its file again to put the index at the front, so this one has a name.
    with tempfile.NamedTemporaryFile(suffix=f".{FORMAT}") as file:
        with av.open(file.name, "w", format=FORMAT, options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", rate=FRAMES_PER_SECOND)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            stream.options = {"preset": "ultrafast", "crf": "27"}
            stream.thread_count = 1
            frame = av.VideoFrame(*size, "yuv420p")
            for index, planes in enumerate(frames):
                _fill(frame, planes, mouths[index // _FRAMES_PER_OPENING % len(mouths)])
                frame.pts = index
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return Path(file.name).read_bytes()


def _fill(frame: av.VideoFrame, planes: Planes, stamps: Sequence[_Stamp]) -> None:
    """Lay a picture into the frame, and the stamps onto it."""
    for number, plane in enumerate(frame.planes):
        # Lines of a plane may be longer than the picture is wide.
        view = planes[number].crop((0, 0, plane.line_size, plane.height))
        for masks, colour in stamps:
            view.paste(colour[number], (0, 0), masks[min(number, 1)])
        plane.update(view.tobytes())


def _panned(stills: Sequence[Planes], size: tuple[int, int], frames: int) -> Iterator[Planes]:
    """Windows wandering over one still, or over two that dissolve into each other."""
    for index, (x, y) in enumerate(_path(stills[0][0].size, size, frames)):
        views = []
        for still in stills:
            boxes = [(x, y, x + size[0], y + size[1])]
            boxes += [(x // 2, y // 2, (x + size[0]) // 2, (y + size[1]) // 2)] * 2
            views.append([plane.crop(box) for plane, box in zip(still, boxes, strict=True)])
        if len(views) > 1:
            share = index / max(1, frames - 1)
            yield [Image.blend(first, last, share) for first, last in zip(*views, strict=True)]
        else:
            yield views[0]


def planes_of(still: Image.Image) -> Planes:
    """A picture in `RGB`, of even sides, as an encoder takes it."""
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


def _stamp(mask: Image.Image, colour: tuple[int, int, int]) -> _Stamp:
    return (mask, mask.reduce(2)), colour


def _mouth(size: tuple[int, int], opening: float) -> list[_Stamp]:
    """Lips a little below the middle, and the dark between them."""
    x, y, unit = size[0] / 2, size[1] * 0.62, min(size) * 0.09
    lips, between = (_LIPS, unit, unit * (0.35 + 0.4 * opening)), (_MOUTH, unit * 0.72, unit * 0.5 * opening)
    stamps = []
    for colour, wide, high in (lips, between):
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).ellipse((x - wide, y - high, x + wide, y + high), fill=255)
        stamps.append(_stamp(mask, colour))
    return stamps


def _label(size: tuple[int, int], text: str) -> Image.Image:
    """A mask of words in the lower left corner, soft around the edges so that they read on any ground."""
    mask = Image.new("L", size)
    font = ImageFont.load_default(max(9, round(min(size) * 0.032)))
    margin = max(6, round(min(size) * 0.035))
    pen = ImageDraw.Draw(mask)
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    at = (margin - left, size[1] - margin - bottom)
    pen.text(at, text, font=font, fill=255)
    box = (margin // 2, at[1] + top - margin // 2, round(margin * 1.5 + right - left), size[1] - margin // 2)
    ground = Image.new("L", size)
    ImageDraw.Draw(ground).rounded_rectangle(box, radius=margin // 2, fill=70)
    return ImageChops.lighter(mask, ground)


def frame_count(seconds: float) -> int:
    """How many frames a film of this length has here."""
    return max(2, min(_MAX_FRAMES, round(seconds * FRAMES_PER_SECOND)))


def even(pixels: float) -> int:
    """The nearest side an encoder takes."""
    return max(16, round(pixels / 2) * 2)
