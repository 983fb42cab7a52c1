"""Several paintings side by side on one sheet, as vendors that make four at a time send them.

Runs in the easel's process. The same order always gives the same bytes on the same machine.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, replace

from PIL import Image, ImageOps

from .pictures import Order, encode, paint


@dataclass(frozen=True, slots=True)
class SheetOrder:
    """`columns` × `rows` paintings of one prompt, with seeds counted up row by row; the sizes are the whole sheet's.

    With `mask` only its white places are painted, in each cell anew, and the first source is kept elsewhere.
    """

    prompt: str
    seed: int
    width: int
    height: int
    format: str
    columns: int = 2
    rows: int = 2
    sources: tuple[bytes, ...] = ()
    mask: bytes | None = None
    black: bool = False

    def key(self) -> str:
        """Equal for orders that give the same sheet."""
        about = hashlib.blake2b(repr((self.columns, self.rows)).encode() + (self.mask or b""), digest_size=8)
        return f"sheet-{about.hexdigest()}-{self.cell(0).key()}"

    def cell(self, index: int) -> Order:
        """One painting of the sheet by itself, without its mask."""
        size = (self.width // self.columns, self.height // self.rows)
        # Under a mask the first source stays as it is, and is no model for what is painted.
        sources = () if self.mask is not None else self.sources
        return Order(self.prompt, self.seed + index, *size, self.format, sources, self.black)


def paint_sheet(order: SheetOrder, canvas_pixels: int) -> bytes:
    """Paint and encode one sheet."""
    sheet = Image.new("RGB", (order.width, order.height))
    for index in range(order.columns * order.rows):
        column, row = index % order.columns, index // order.columns
        cell = order.cell(index)
        sheet.paste(_painted(order, cell, canvas_pixels), (column * cell.width, row * cell.height))
    return encode(sheet, order.format)


def _painted(order: SheetOrder, cell: Order, canvas_pixels: int) -> Image.Image:
    painted = _decoded(paint(replace(cell, format="png"), canvas_pixels))
    if order.mask is None or not order.sources:
        return painted
    return _within(painted, order.sources[0], order.mask)


def _within(painted: Image.Image, before: bytes, mask: bytes) -> Image.Image:
    with Image.open(io.BytesIO(before)) as kept, Image.open(io.BytesIO(mask)) as places:
        white = places.convert("RGB").convert("L").resize(painted.size)
        base = ImageOps.fit(kept.convert("RGB"), painted.size)
    base.paste(painted, (0, 0), white)
    return base


def _decoded(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGB")
