"""Masks: people paint white where a picture is to change; some vendors want exactly those places transparent.

A file of a few kilobytes may hold a huge picture, and these are unfolded in the process that serves everybody. So the
header is read first, what is too large is refused in words, and one at a time is worked on.
"""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageOps

from vermilion.providers.errors import Rejected

MAX_PIXELS = 16 * 2**20
"""4096 × 4096: as much as the largest picture any of the vendors makes, and about 100 MB while it is worked on."""

_FORMATS = ("PNG", "JPEG", "WEBP")
_PLAIN = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})
"""Modes whose brightness Pillow reads without unfolding them into colours first."""
_COMPRESSION = 1
"""A cut photograph takes many times as long at the usual level, and is hardly smaller."""

_turn = threading.Lock()


def as_transparency(mask: bytes) -> bytes:
    """A PNG that is transparent where `mask` is white, and opaque where it is black.

    A mask that has transparent places already is left as it is. Raises `Rejected` when it is no readable picture, or
    has more than `MAX_PIXELS`. Takes a while: call it beside the loop.
    """
    with _turn:
        change, transparent = _read(mask)
        return mask if transparent else _png(change)


def in_both_ways(mask: bytes) -> bytes:
    """A PNG that is white and transparent where `mask` says change, and black and opaque elsewhere.

    For a vendor of whom one cannot know which of the two it looks at. Raises like `as_transparency`.
    """
    with _turn:
        return _png(_read(mask)[0])


def cut_out(picture: bytes, mask: bytes) -> bytes:
    """A PNG of the picture that is transparent where `mask` says change; the mask is scaled to the picture's size.

    Raises like `as_transparency`, for the picture, too.
    """
    with _turn:
        change = _read(mask)[0]
        with _opened(picture, "picture") as opened:
            ImageOps.exif_transpose(opened, in_place=True)
            whole = opened if opened.mode in {"RGB", "RGBA"} else opened.convert("RGB")
            if change.size != whole.size:
                change = change.resize(whole.size, Image.Resampling.BILINEAR)
            whole.putalpha(ImageOps.invert(change))
            return _encoded(whole)


def _read(mask: bytes) -> tuple[Image.Image, bool]:
    """How much is to change at each place, 255 for all of it, and whether transparency is what said so."""
    with _opened(mask, "mask") as picture:
        if picture.has_transparency_data:
            alpha = (picture if "A" in picture.getbands() else picture.convert("RGBA")).getchannel("A")
            if alpha.getextrema()[0] < 255:  # type: ignore[operator]
                return ImageOps.invert(alpha), True
        plain = picture if picture.mode in _PLAIN else picture.convert("RGB")
        return plain.convert("L"), False


@contextmanager
def _opened(content: bytes, name: str) -> Iterator[Image.Image]:
    """The picture, of which only the header was looked at; whatever is wrong with it is told as `Rejected`."""
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise Rejected(_too_large(name))
            yield picture
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Rejected(_too_large(name)) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise Rejected(f"The {name} is no readable PNG, JPEG or WebP picture.") from error


def _too_large(name: str) -> str:
    return f"The {name} is too large: within a mask, at most {MAX_PIXELS // 2**20} megapixels can be worked on."


def _png(change: Image.Image) -> bytes:
    return _encoded(Image.merge("RGBA", (change, change, change, ImageOps.invert(change))))


def _encoded(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=_COMPRESSION)
    return file.getvalue()
