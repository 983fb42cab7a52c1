"""From an order (prompt, seed, size, source pictures) to the bytes of a picture.

The same order always gives the same bytes on the same machine. Runs in the easel's process.
"""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from .brushes import Size, grain, lay, scaled, vignette
from .edits import edit, load
from .palette import Palette, choose_palette, choose_subject, mix
from .scenes_ink import flow, marble
from .scenes_land import mountains, pagoda
from .scenes_night import night
from .scenes_plants import bamboo, blossom
from .scenes_sea import sea

Scene = Callable[[Size, Palette, random.Random], Image.Image]

FINE_CANVAS_PIXELS = 1_150_000
"""Brushwork bears being enlarged from this many, and time is bounded."""
QUICK_CANVAS_PIXELS = 160_000
"""Where nobody looks closely, and the next one is waited for."""

SCENES: dict[str, Scene] = {
    "mountains": mountains,
    "sea": sea,
    "night": night,
    "blossom": blossom,
    "bamboo": bamboo,
    "marble": marble,
    "flow": flow,
    "pagoda": pagoda,
}

_MIN_PAINTED_SIDE = 128
_MIN_SIGNED_SIDE = 96
# The seal's character 朱, as strokes on a field of 10 by 10.
_SEAL_STROKES = (
    ((3.6, 1.4), (2.4, 3.9)),
    ((2.9, 3.0), (7.6, 3.0)),
    ((1.4, 5.2), (8.6, 5.2)),
    ((5.0, 1.2), (5.0, 8.9)),
    ((4.9, 5.3), (3.4, 7.3), (1.5, 8.5)),
    ((5.1, 5.3), (6.6, 7.3), (8.5, 8.5)),
)


@dataclass(frozen=True, slots=True)
class Order:
    """What to paint. `sources` are encoded input pictures; with any, the first is transformed.

    `watermark` are words for the lower right corner, above the seal.
    """

    prompt: str
    seed: int
    width: int
    height: int
    format: str
    sources: tuple[bytes, ...] = ()
    black: bool = False
    watermark: str = ""

    def key(self) -> str:
        """Equal for orders that give the same picture."""
        digest = hashlib.blake2b(digest_size=16)
        about = (self.prompt, self.seed, self.width, self.height, self.format, self.black, self.watermark)
        digest.update(repr(about).encode())
        for source in self.sources:
            digest.update(hashlib.blake2b(source, digest_size=16).digest())
        return digest.hexdigest()


def paint(order: Order, canvas_pixels: int = FINE_CANVAS_PIXELS) -> bytes:
    """Paint and encode one order; what is larger than the canvas is painted on it and enlarged."""
    if order.black:
        return encode(Image.new("RGB", (order.width, order.height)), order.format)
    picture, palette = _composed(order.prompt, order.seed, (order.width, order.height), order.sources, canvas_pixels)
    if min(picture.size) >= _MIN_SIGNED_SIDE:
        _sign(picture, palette)
    if order.watermark:
        font = ImageFont.load_default(max(12, picture.height // 40))
        at = (picture.width * 0.97, picture.height * 0.93)
        ImageDraw.Draw(picture).text(at, order.watermark, font=font, fill="white", anchor="rb")
    return encode(picture, order.format)


def compose(prompt: str, seed: int, size: Size, canvas_pixels: int = FINE_CANVAS_PIXELS) -> Image.Image:
    """The painting for a prompt, in `RGB`, neither signed nor encoded."""
    return _composed(prompt, seed, size, (), canvas_pixels)[0]


def _composed(
    prompt: str, seed: int, size: Size, sources: tuple[bytes, ...], canvas_pixels: int
) -> tuple[Image.Image, Palette]:
    # The subject follows the prompt alone, so that several pictures of one request belong together.
    words = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:8])
    about = random.Random(words)
    subject = choose_subject(prompt, about)
    rng = random.Random(words ^ (seed * 2_654_435_761))
    palette = choose_palette(prompt, subject, rng)
    painted = _painted_size(*size, canvas_pixels)
    if sources:
        picture = edit([load(source, painted) for source in sources[:4]], palette, rng)
    else:
        picture = SCENES[subject](painted, palette, rng)
    picture = vignette(grain(picture, rng, 0.085), 0.13)
    if painted != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    return picture, palette


def draw_plain(width: int, height: int, format_: str) -> bytes:
    """One plain picture, made quickly: a soft vertical wash."""
    wash = Image.linear_gradient("L").resize((width, height))
    return encode(Image.merge("RGB", (wash, wash, wash)), format_)


def encode(picture: Image.Image, format_: str) -> bytes:
    """JPEG, PNG or WebP bytes."""
    buffer = io.BytesIO()
    if format_ == "png":
        picture.save(buffer, "PNG", compress_level=2)
    elif format_ == "webp":
        picture.save(buffer, "WEBP", quality=88, method=2)
    else:
        picture.save(buffer, "JPEG", quality=91)
    return buffer.getvalue()


def read_size(data: bytes) -> Size:
    """Width and height of an encoded picture; `ValueError` when it cannot be read."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return picture.size
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("not a readable picture") from error


@cache
def seal(side: int) -> bytes:
    """The seal by itself, as PNG."""
    picture = Image.new("RGBA", (side, side))
    picture.paste((200, 50, 27, 255), (0, 0), _stamp(side))
    return encode(picture, "png")


def _stamp(side: int) -> Image.Image:
    """Where the seal is red: a field with rounded corners and the character left out."""
    k = 4
    stamp = Image.new("L", (side * k, side * k), 0)
    pen = ImageDraw.Draw(stamp)
    pen.rounded_rectangle((0, 0, side * k - 1, side * k - 1), radius=side * k * 0.14, fill=255)
    for points in _SEAL_STROKES:
        inside = [((0.9 + px * 0.82) * side * k / 10, (0.85 + py * 0.82) * side * k / 10) for px, py in points]
        pen.line(inside, fill=0, width=max(2, round(side * k * 0.085)), joint="curve")
    return stamp.reduce(k)


def _painted_size(width: int, height: int, canvas_pixels: int) -> Size:
    """Within what brushes can handle: not too many pixels, and no side too thin for a stroke."""
    scale = min(1.0, (canvas_pixels / (width * height)) ** 0.5)
    return max(_MIN_PAINTED_SIDE, round(width * scale)), max(_MIN_PAINTED_SIDE, round(height * scale))


def _sign(picture: Image.Image, palette: Palette) -> None:
    """A small red seal in the lower right corner, and beside it the word SANDBOX."""
    unit = min(picture.size)
    side = max(10, round(unit * 0.042))
    margin = round(side * 0.75)
    x, y = picture.width - margin - side, picture.height - margin - side
    stamp = _stamp(side)
    box = (x, y, x + side, y + side)
    red = mix(palette.accent, (190, 30, 20), 0.5)
    picture.paste(mix(palette.paper, (255, 255, 255), 0.3), box, scaled(stamp.point(lambda value: 255), 0.72))
    picture.paste(red, box, stamp)
    font = ImageFont.load_default(max(7, round(side * 0.3)))
    text = "S A N D B O X"
    left, top, right, bottom = font.getbbox(text)
    mask = Image.new("L", picture.size, 0)
    at = (x - (right - left) - side * 0.42, y + side - (bottom - top) - side * 0.12 - top)
    ImageDraw.Draw(mask).text(at, text, font=font, fill=255)
    corner = picture.crop((max(0, int(at[0])), max(0, y), x, y + side)).convert("L")
    dark = (corner.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)) or 0) < 128  # type: ignore[operator]
    lay(picture, palette.paper if dark else palette.ink, scaled(mask, 0.7))
