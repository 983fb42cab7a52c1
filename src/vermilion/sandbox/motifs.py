"""What several scenes share: skies, suns, stained paper, birds."""

from __future__ import annotations

import random

from PIL import Image, ImageChops, ImageDraw

from .brushes import Point, Size, disc, fade, lay, levels, noise, scaled, shape, soften, vertical
from .palette import Colour, Palette, mix


def sky(size: Size, palette: Palette, rng: random.Random) -> Image.Image:
    """Paper with a wash of colour from above and a little warmth at the horizon."""
    top = mix(palette.paper, palette.washes[1], rng.uniform(0.35, 0.7))
    canvas = vertical(
        size, [(0.0, top), (0.45, palette.paper), (0.75, mix(palette.paper, palette.bloom, 0.16)), (1.0, palette.paper)]
    )
    clouds = ImageChops.multiply(levels(noise(rng, size, (3, 7), 5), 90, 255), fade(size, [(0.0, 0.55), (0.6, 0.0)]))
    lay(canvas, mix(palette.paper, (255, 255, 255), 0.5), clouds)
    return canvas


def sun(canvas: Image.Image, palette: Palette, rng: random.Random, centre: Point, radius: float) -> None:
    """A vermilion disc, printed: a little uneven, with a breath of light around it."""
    size = canvas.size
    face = disc(size, centre, radius)
    lay(canvas, mix(palette.accent, palette.paper, 0.45), scaled(soften(disc(size, centre, radius * 1.5), radius), 0.4))
    lay(canvas, palette.accent, ImageChops.multiply(face, levels(noise(rng, size, (14, 14), 4), -420, 200)))
    lower = ImageChops.multiply(face, fade(size, [(0.0, 0.0), (centre[1] / size[1], 0.0), (1.0, 0.95)]))
    lay(canvas, mix(palette.accent, palette.paper, 0.7), lower)


def flock(canvas: Image.Image, palette: Palette, rng: random.Random, around: Point) -> None:
    unit = min(canvas.size) / 100

    def draw(pen: ImageDraw.ImageDraw, k: float) -> None:
        for _ in range(rng.randint(4, 7)):
            x, y = around[0] + rng.gauss(0, 7) * unit, around[1] + rng.gauss(0, 3.4) * unit
            span, lift = rng.uniform(0.9, 1.7) * unit, rng.uniform(0.3, 0.6) * unit
            wing = [
                (x - span, y - lift),
                (x - span * 0.4, y - lift * 1.2),
                (x, y),
                (x + span * 0.5, y - lift * 1.3),
                (x + span, y - lift * 0.6),
            ]
            pen.line([(a * k, b * k) for a, b in wing], fill=215, width=max(2, round(0.3 * unit * k)), joint="curve")

    lay(canvas, palette.ink, shape(canvas.size, draw))


def ground(size: Size, palette: Palette, rng: random.Random) -> Image.Image:
    """Stained paper for what is painted close up."""
    canvas = vertical(
        size,
        [
            (0.0, mix(palette.paper, palette.washes[0], 0.55)),
            (0.5, palette.paper),
            (1.0, mix(palette.paper, palette.washes[0], 0.35)),
        ],
    )
    lay(
        canvas, mix(palette.paper, palette.washes[1], 0.55), scaled(levels(noise(rng, size, (3, 2), 5), 120, 255), 0.42)
    )
    return canvas


def tint_disc(
    canvas: Image.Image, palette: Palette, rng: random.Random, face_of: tuple[Point, float], colour: Colour
) -> None:
    """A stained disc, given its centre and radius: a moon, or a sun seen close."""
    centre, radius = face_of
    face = ImageChops.multiply(disc(canvas.size, centre, radius), levels(noise(rng, canvas.size, (9, 9), 4), -260, 210))
    lay(
        canvas,
        mix(colour, palette.paper, 0.6),
        scaled(soften(disc(canvas.size, centre, radius * 1.25), radius * 0.7), 0.5),
    )
    lay(canvas, colour, scaled(face, 0.93))
