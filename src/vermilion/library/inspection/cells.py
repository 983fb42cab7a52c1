"""Several results in one picture, side by side: cut into files of their own, without losing a pixel."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

from vermilion.library.inspection.images import open_image
from vermilion.library.inspection.media import Unreadable

_COMPRESS_LEVEL = 4
"""zlib's effort: a third of the time of its default 6, for about 4 % more bytes."""


def cut_image(path: Path, content_type: str, targets: Sequence[Path], columns: int, rows: int) -> None:
    """Write the cells of a grid, row by row, as PNG of the same colours; raises `Unreadable`, or what Pillow raises.

    Where the sides are no multiple of the cells, neighbours differ by a pixel and none is lost.
    """
    with open_image(path, content_type) as image:
        # Decoded wholly before the first cell is written: half a grid is no grid.
        image.load()
        profile = image.info.get("icc_profile")
        whole = ImageOps.exif_transpose(image)
    if whole.mode not in {"L", "LA", "RGB", "RGBA", "I;16"}:
        whole = whole.convert("RGBA" if whole.has_transparency_data else "RGB")
        profile = None if image.mode == "CMYK" else profile
    if whole.width < columns or whole.height < rows:
        raise Unreadable("asset.unreadable", f"A picture of {whole.width} × {whole.height} pixels holds no grid.")
    across = [whole.width * column // columns for column in range(columns + 1)]
    down = [whole.height * row // rows for row in range(rows + 1)]
    boxes = [
        (across[column], down[row], across[column + 1], down[row + 1])
        for row in range(rows)
        for column in range(columns)
    ]
    for box, target in zip(boxes, targets, strict=True):
        _write(whole.crop(box), target, profile)


def _write(cell: Image.Image, target: Path, profile: bytes | None) -> None:
    cell.info.clear()
    cell.save(target, "PNG", compress_level=_COMPRESS_LEVEL, icc_profile=profile)
