"""From an order (prompt, seed, size, source pictures) to the bytes of a picture.

The same order always gives the same bytes on the same machine. Runs in the easel's process.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Order:
    """What to paint. `sources` are encoded input pictures; with any, the first is transformed."""

    prompt: str
    seed: int
    width: int
    height: int
    format: str
    sources: tuple[bytes, ...] = ()
    black: bool = False


def paint(order: Order) -> bytes:
    """Paint and encode one order."""
    return encode(Image.new("RGB", (order.width, order.height), "black"), order.format)


def draw_plain(width: int, height: int, format_: str) -> bytes:
    """One plain picture, made quickly: a soft vertical wash."""
    wash = Image.linear_gradient("L").resize((width, height))
    return encode(Image.merge("RGB", (wash, wash, wash)), format_)


def encode(picture: Image.Image, format_: str) -> bytes:
    """JPEG, PNG or WebP bytes."""
    buffer = io.BytesIO()
    if format_ == "png":
        picture.save(buffer, "PNG", compress_level=4)
    elif format_ == "webp":
        picture.save(buffer, "WEBP", quality=88, method=2)
    else:
        picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def read_size(data: bytes) -> Size:
    """Width and height of an encoded picture; `ValueError` when it cannot be read."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return picture.size
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("not a readable picture") from error
