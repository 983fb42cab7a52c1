"""The passing pictures of a sampler at work: blurred and noisy first, clearer with every step; small, and quick."""

from __future__ import annotations

import hashlib
import io
import random
from functools import lru_cache

from PIL import Image, ImageFilter

from .pictures import compose

_SIDE = 192
_QUALITY = 70


@lru_cache(maxsize=8)
def _small(prompt: str, size: tuple[int, int]) -> Image.Image:
    return compose(prompt, 0, size)


def passing_picture(prompt: str, size: tuple[int, int], share: float) -> bytes:
    """A JPEG of how far a picture of `size` for this prompt is, `share` (0 to 1) of the way."""
    scale = _SIDE / max(size)
    small = (max(128, round(size[0] * scale)), max(128, round(size[1] * scale)))
    clear = _small(prompt, small)
    seed = int.from_bytes(hashlib.blake2b(f"{prompt}{share}".encode(), digest_size=4).digest())
    noise = Image.frombytes("RGB", small, random.Random(seed).randbytes(small[0] * small[1] * 3))
    blurred = clear.filter(ImageFilter.GaussianBlur(12 * (1 - share)))
    buffer = io.BytesIO()
    Image.blend(blurred, noise, 0.75 * (1 - share)).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
