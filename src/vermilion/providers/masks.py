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
    try:
        with Image.open(io.BytesIO(mask)) as picture:
            if picture.width * picture.height > _MASK_MAX_PIXELS:
                raise Rejected("The mask is too large.")
            if picture.has_transparency_data:
                alpha = picture.convert("RGBA").getchannel("A")
                if alpha.getextrema()[0] < 255:  # type: ignore[operator]
                    return mask
            grey = picture.convert("RGB").convert("L")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise Rejected("The mask is no readable picture.") from error
    cut = Image.merge("LA", (grey, ImageOps.invert(grey))).convert("RGBA")
    file = io.BytesIO()
    cut.save(file, "PNG")
    return file.getvalue()
