"""Transforming pictures that a client handed in: recolour, reprint, blend; visibly, and differently per seed."""

from __future__ import annotations

import io
import random

from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

from .brushes import Size, lay, levels, noise, scaled
from .palette import Palette, mix

_MAX_SOURCE_PIXELS = 64 * 1024 * 1024


def load(data: bytes, size: Size) -> Image.Image:
    """A picture in `RGB`, cropped to fill `size`. `ValueError` when it cannot be read."""
    try:
        picture = Image.open(io.BytesIO(data))
        if picture.width * picture.height > _MAX_SOURCE_PIXELS:
            raise ValueError("too many pixels")
        picture.draft("RGB", size)
        upright = ImageOps.exif_transpose(picture)
        return ImageOps.fit(upright.convert("RGB"), size, Image.Resampling.BICUBIC)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("not a readable picture") from error


def edit(sources: list[Image.Image], palette: Palette, rng: random.Random) -> Image.Image:
    """The first source, reworked in the palette under a drifting stain of colour; further sources are blended in."""
    base = sources[0]
    for other in sources[1:]:
        base = Image.composite(other, base, scaled(levels(noise(rng, base.size, (3, 3), 3), 96, 160), 0.85))
    manner = rng.choice((_duotone, _print, _wash))
    worked = manner(base, palette, rng)
    stain = mix(palette.paper, rng.choice((palette.accent, palette.washes[1], palette.bloom)), 0.6)
    tinted = ImageChops.multiply(worked, Image.new("RGB", base.size, stain))
    return Image.composite(tinted, worked, scaled(levels(noise(rng, base.size, (4, 3), 4), 110, 255), 0.75))


def _duotone(base: Image.Image, palette: Palette, rng: random.Random) -> Image.Image:
    """Two inks on paper, with a share of the old colours left."""
    grey = ImageOps.autocontrast(base.convert("L"), cutoff=1)
    toned = ImageOps.colorize(grey, palette.ink, palette.paper, mid=mix(palette.accent, palette.washes[2], 0.35))
    return Image.blend(toned, base, 0.18)


def _print(base: Image.Image, palette: Palette, rng: random.Random) -> Image.Image:
    """A woodblock print: few flat tones under dark contours."""
    flat = base.filter(ImageFilter.MedianFilter(7)).convert("L")
    tones = ImageOps.posterize(ImageOps.autocontrast(flat, cutoff=1), 3)
    toned = ImageOps.colorize(tones, palette.ink, palette.paper, mid=palette.washes[2], midpoint=110)
    mixed = Image.blend(toned, ImageEnhance.Color(base).enhance(1.3), 0.28)
    contour = levels(flat.filter(ImageFilter.FIND_EDGES), 18, 90)
    lay(mixed, palette.ink, scaled(contour, 0.8))
    return mixed


def _wash(base: Image.Image, palette: Palette, rng: random.Random) -> Image.Image:
    """A wet painting: softened, bleeding into paper at the edges, warm lights."""
    soft = Image.blend(base.filter(ImageFilter.ModeFilter(7)), base, 0.25)
    glow = ImageChops.screen(
        soft, ImageOps.colorize(ImageOps.invert(soft.convert("L")), (0, 0, 0), mix((0, 0, 0), palette.accent, 0.4))
    )
    mixed = Image.blend(soft, glow, 0.75)
    frame = Image.radial_gradient("L").resize(base.size, Image.Resampling.BICUBIC)
    bleed = ImageChops.multiply(levels(frame, 130, 235), levels(noise(rng, base.size, (6, 5), 5), 20, 190))
    lay(mixed, palette.paper, bleed)
    return mixed
