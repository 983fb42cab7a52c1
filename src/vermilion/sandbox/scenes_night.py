"""A deep night sky."""

from __future__ import annotations

import random

from PIL import Image, ImageChops, ImageDraw

from .brushes import (
    Point,
    Size,
    below,
    disc,
    fade,
    ink_edge,
    lay,
    levels,
    noise,
    ridge,
    scaled,
    shape,
    soften,
    vertical,
)
from .palette import Palette, mix


def night(size: Size, palette: Palette, rng: random.Random) -> Image.Image:
    """A deep sky: the milky way, a moon with its halo, a constellation, dark hills and their lake."""
    width, height = size
    ink = mix(palette.ink, (8, 12, 28), 0.55)
    dusk = mix(palette.washes[3], palette.accent, 0.12)
    canvas = vertical(
        size,
        [
            (0.0, ink),
            (0.45, mix(ink, palette.washes[3], 0.75)),
            (0.68, mix(dusk, palette.bloom, 0.45)),
            (0.8, mix(palette.bloom, palette.accent, 0.25)),
            (1.0, ink),
        ],
    )
    # The band of the milky way is cut from the middle of a larger cloud, so that turning it leaves no corners.
    cloud = noise(rng, (width * 2, height * 2), (7, 6), 6, 0.6).reduce(2)
    turned = cloud.resize((width * 2, height * 2)).rotate(rng.uniform(-25, 25), Image.Resampling.BILINEAR)
    way = turned.crop((width // 2, height // 2, width // 2 + width, height // 2 + height))
    lay(
        canvas,
        mix(palette.washes[0], palette.bloom, 0.3),
        scaled(ImageChops.multiply(levels(way, 110, 255), fade(size, [(0.0, 0.9), (0.62, 0.0)])), 0.5),
    )
    _stars(canvas, palette, rng)
    side = rng.choice((0.25, 0.72))
    _moon(canvas, palette, rng, (width * side, height * rng.uniform(0.24, 0.34)), min(size) * rng.uniform(0.07, 0.11))
    _constellation(canvas, palette, rng, (width * (1 - side), height * 0.3))
    for nearness in (0.0, 0.5, 1.0):
        line = ridge(rng, width, height * (0.72 + 0.1 * nearness), height * 0.075, peaks=rng.uniform(1.3, 2.8))
        mask = below(size, line)
        lay(canvas, mix(mix(dusk, palette.bloom, 0.3), ink, 0.35 + 0.6 * nearness), mask)
        lay(
            canvas,
            mix(palette.bloom, dusk, nearness),
            scaled(ink_edge(mask, height * 0.035), 0.3 * (1 - nearness * 0.7)),
        )
        mist = ImageChops.multiply(
            ImageChops.multiply(mask, levels(noise(rng, size, (3, 12), 4), 90, 255)),
            fade(size, [(0.0, 0.0), (0.7, 0.0), (0.86, 0.55), (1.0, 0.1)]),
        )
        if nearness < 1:
            lay(canvas, mix(palette.bloom, dusk, 0.5), mist)
    return canvas


def _stars(canvas: Image.Image, palette: Palette, rng: random.Random) -> None:
    width, height = canvas.size
    unit = min(canvas.size) / 1000

    def draw(pen: ImageDraw.ImageDraw, k: float) -> None:
        for _ in range(560):
            x, y = rng.random() * width, rng.random() ** 1.3 * height * 0.74
            r = (0.35 + 1.6 * rng.random() ** 6) * unit + 0.25
            pen.ellipse([(x - r) * k, (y - r) * k, (x + r) * k, (y + r) * k], fill=rng.randint(90, 255))

    mask = shape(canvas.size, draw)
    white = mix(palette.paper, (255, 255, 255), 0.7)
    lay(canvas, white, scaled(soften(mask, 3 * unit + 1), 0.9))
    lay(canvas, white, mask)


def _moon(canvas: Image.Image, palette: Palette, rng: random.Random, centre: Point, radius: float) -> None:
    size = canvas.size
    for spread, strength in ((4.2, 0.2), (2.1, 0.34)):
        lay(
            canvas,
            mix(palette.paper, palette.bloom, 0.3),
            scaled(soften(disc(size, centre, radius * spread * 0.6), radius * spread * 0.5), strength),
        )
    face = disc(size, centre, radius)
    if rng.random() < 0.45:
        shift = rng.choice((-0.52, 0.52))
        face = ImageChops.subtract(
            face, disc(size, (centre[0] + radius * shift, centre[1] - radius * 0.16), radius * 0.96)
        )
    lay(canvas, mix(palette.paper, (255, 255, 255), 0.3), face)
    seas = ImageChops.multiply(face, levels(noise(rng, size, (18, 14), 4), 130, 255))
    lay(canvas, mix(palette.washes[1], palette.paper, 0.3), scaled(seas, 0.5))


def _constellation(canvas: Image.Image, palette: Palette, rng: random.Random, around: Point) -> None:
    unit = min(canvas.size) / 100
    x, y = around[0] - 16 * unit, around[1]
    points: list[Point] = []
    for _ in range(rng.randint(6, 8)):
        points.append((x, y))
        x, y = x + rng.uniform(3.5, 7) * unit, y + rng.uniform(-6, 6) * unit
    lay(
        canvas,
        palette.paper,
        scaled(
            shape(
                canvas.size,
                lambda pen, k: pen.line(
                    [(a * k, b * k) for a, b in points], fill=255, width=max(2, round(0.16 * unit * k))
                ),
            ),
            0.45,
        ),
    )

    def dots(pen: ImageDraw.ImageDraw, k: float) -> None:
        for a, b in points:
            r = rng.uniform(0.3, 0.62) * unit
            pen.ellipse([(a - r) * k, (b - r) * k, (a + r) * k, (b + r) * k], fill=255)

    stars = shape(canvas.size, dots)
    lay(canvas, palette.bloom, scaled(soften(stars, 2.4 * unit), 1.0))
    lay(canvas, (255, 252, 244), stars)
