"""Pictures with transparent places: results that have them, and edits that keep what a mask protects."""

from __future__ import annotations

import io

from PIL import Image, ImageOps

from .pictures import encode


def with_transparent_ground(data: bytes, format_: str) -> bytes:
    """The picture's middle, fading out into transparency. `format_` is png or webp."""
    with Image.open(io.BytesIO(data)) as picture:
        middle = picture.convert("RGBA")
    fade = ImageOps.invert(Image.radial_gradient("L")).point(
        [min(255, max(0, (value - 70) * 4)) for value in range(256)]
    )
    middle.putalpha(fade.resize(middle.size))
    return encode(middle, format_)


def within_mask(before: bytes, after: bytes, mask: bytes, format_: str) -> bytes:
    """`after` where the mask is transparent, and `before` where it is opaque; all of the size of `after`."""
    with (
        Image.open(io.BytesIO(after)) as changed,
        Image.open(io.BytesIO(before)) as kept,
        Image.open(io.BytesIO(mask)) as places,
    ):
        protected = places.convert("RGBA").getchannel("A").resize(changed.size)
        whole = changed.convert("RGB")
        whole.paste(ImageOps.fit(kept.convert("RGB"), changed.size), (0, 0), protected)
    return encode(whole, format_)
