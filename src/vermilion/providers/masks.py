"""Masks: people paint white where a picture is to change; some vendors want exactly those places transparent."""

import io

from PIL import Image, ImageOps

from vermilion.providers.errors import Rejected

_MASK_MAX_PIXELS = 64 * 2**20


def as_transparency(mask: bytes) -> bytes:
    """A PNG that is transparent where `mask` is white, and opaque where it is black.

    A mask that has transparent places already is left as it is. Raises `Rejected` when it is no readable picture.
    Takes a while: call it beside the loop.
    """
    alpha, grey = _read(mask)
    return mask if alpha is not None else _png(grey, ImageOps.invert(grey))


def in_both_ways(mask: bytes) -> bytes:
    """A PNG that is white and transparent where `mask` says change, and black and opaque elsewhere.

    For a vendor of whom one cannot know which of the two it looks at. Raises like `as_transparency`.
    """
    alpha, grey = _read(mask)
    change = grey if alpha is None else ImageOps.invert(alpha)
    return _png(change, ImageOps.invert(change))


def cut_out(picture: bytes, mask: bytes) -> bytes:
    """A PNG of the picture that is transparent where `mask` says change; the mask is scaled to the picture's size.

    Raises like `as_transparency`.
    """
    alpha, grey = _read(mask)
    change = grey if alpha is None else ImageOps.invert(alpha)
    try:
        with Image.open(io.BytesIO(picture)) as opened:
            if opened.width * opened.height > _MASK_MAX_PIXELS:
                raise Rejected("The picture is too large.")
            whole = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise Rejected("The picture cannot be read.") from error
    whole.putalpha(ImageOps.invert(change.resize(whole.size, Image.Resampling.BILINEAR)))
    return _encoded(whole)


def _read(mask: bytes) -> tuple[Image.Image | None, Image.Image]:
    """The mask's transparency, where it has any, and its brightness."""
    try:
        with Image.open(io.BytesIO(mask)) as picture:
            if picture.width * picture.height > _MASK_MAX_PIXELS:
                raise Rejected("The mask is too large.")
            grey = picture.convert("RGB").convert("L")
            if picture.has_transparency_data:
                alpha = picture.convert("RGBA").getchannel("A")
                if alpha.getextrema()[0] < 255:  # type: ignore[operator]
                    return alpha, grey
            return None, grey
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise Rejected("The mask is no readable picture.") from error


def _png(grey: Image.Image, alpha: Image.Image) -> bytes:
    return _encoded(Image.merge("LA", (grey, alpha)).convert("RGBA"))


def _encoded(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
