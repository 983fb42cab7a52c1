"""Sizes as requests write them: pixels, shapes, resolutions, and fal's own words."""

import re
from typing import Any, Final

from vermilion.dialects.bodies import SIDE_MAX_PIXELS, PixelSize
from vermilion.dialects.choosing import WIDTH_HEIGHT
from vermilion.kit import Invalid

_PIXELS: Final = re.compile(r"^\s*(\d{2,5})\s*[xX×*]\s*(\d{2,5})\s*$")
_RATIO: Final = re.compile(r"^\s*\d{1,4}\s*:\s*\d{1,4}\s*$")

_IMAGE_SIZES: Final = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
"""fal's words for `image_size`: width and height in pixels, as its schemas say them."""


def size_fields(size: str, *, field: str = "size") -> dict[str, Any]:
    """`1024x768` as pixels, `16:9` as a shape, `2K` as a resolution; `adaptive` and `auto` leave it to the model.

    Raises `Invalid` (`request.invalid`), naming the field, for pixels that no picture has.
    """
    pixels = _PIXELS.match(size)
    if pixels:
        width, height = int(pixels[1]), int(pixels[2])
        if not (1 <= width <= SIDE_MAX_PIXELS and 1 <= height <= SIDE_MAX_PIXELS):
            raise Invalid("request.invalid", f"{field} must have sides of 1 to {SIDE_MAX_PIXELS} pixels.", field=field)
        return {WIDTH_HEIGHT: {"width": width, "height": height}}
    if ":" in size:
        return {"aspect_ratio": size}
    if size.lower() in {"adaptive", "auto"}:
        return {}
    return {"resolution": size.upper()}


def image_size_fields(size: str | PixelSize) -> dict[str, Any]:
    """`square_hd` and its like, `1024x768` and `{width, height}` as pixels, `16:9` as a shape; `auto` says nothing.

    Raises `Invalid` (`request.invalid`) for anything else.
    """
    if isinstance(size, PixelSize):
        return {WIDTH_HEIGHT: {"width": size.width, "height": size.height}}
    word = size.strip().lower()
    if word in _IMAGE_SIZES:
        width, height = _IMAGE_SIZES[word]
        return {WIDTH_HEIGHT: {"width": width, "height": height}}
    if word == "original":
        return {"aspect_ratio": word}
    if word == "auto" or _PIXELS.match(word) or _RATIO.match(word):
        return size_fields(word.replace(" ", ""), field="image_size")
    raise Invalid(
        "request.invalid",
        f"image_size must be one of {', '.join(_IMAGE_SIZES)}, or auto; or pixels, as 1024x768 or as an object with"
        " width and height; or a shape such as 16:9.",
        field="image_size",
    )
