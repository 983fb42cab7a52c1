"""Landscapes: ink mountains in mist, and a pagoda among them."""

from __future__ import annotations

import random

from PIL import Image, ImageChops, ImageDraw

from .brushes import Point, Size, below, fade, ink_edge, lay, levels, noise, ridge, scaled, shape
from .motifs import flock, sky, sun
from .palette import Palette, mix


def mountains(size: Size, palette: Palette, rng: random.Random) -> Image.Image:
    """Range behind range, ink at the ridges and mist in the valleys."""
    width, height = size
    canvas = sky(size, palette, rng)
    side = rng.choice((0.24, 0.3, 0.68, 0.74))
    radius = min(size) * rng.uniform(0.085, 0.13)
    sun(canvas, palette, rng, (width * side, height * rng.uniform(0.2, 0.3)), radius)
    layers = rng.choice((5, 6, 6))
    for layer in range(layers):
        nearness = layer / (layers - 1)
        base = height * (0.46 + 0.44 * nearness**1.15)
        amplitude = height * (0.12 - 0.035 * nearness) * rng.uniform(0.75, 1.25)
        line = ridge(rng, width, base, amplitude, peaks=rng.uniform(1.2, 2.6) + nearness)
        _range(canvas, palette, rng, line, nearness)
        if layer == layers - 2:
            flock(canvas, palette, rng, (width * (1 - side), height * rng.uniform(0.16, 0.3)))
        if layer == layers - 1:
            _pines(canvas, palette, rng, line)
    return canvas


def pagoda(size: Size, palette: Palette, rng: random.Random) -> Image.Image:
    """A pagoda above the mist, mountains behind it."""
    width, height = size
    canvas = sky(size, palette, rng)
    at = rng.choice((0.3, 0.36, 0.64, 0.7))
    sun(
        canvas,
        palette,
        rng,
        (width * (at + rng.uniform(-0.03, 0.05)), height * 0.36),
        min(size) * rng.uniform(0.17, 0.22),
    )
    for nearness in (0.05, 0.3):
        line = ridge(rng, width, height * (0.6 + 0.18 * nearness), height * 0.11, peaks=rng.uniform(1.4, 2.4))
        _range(canvas, palette, rng, line, nearness)
    foot, tall = height * 0.8, height * 0.56
    lay(canvas, palette.ink, scaled(_tower(size, rng, (width * at, foot), tall), 0.94))
    for nearness in (0.78, 1.0):
        line = ridge(rng, width, height * (0.64 + 0.24 * nearness), height * 0.06, peaks=rng.uniform(1.5, 3))
        _range(canvas, palette, rng, line, nearness)
    _pines(canvas, palette, rng, line)
    flock(canvas, palette, rng, (width * (1 - at), height * 0.24))
    return canvas


def _range(canvas: Image.Image, palette: Palette, rng: random.Random, line: list[Point], nearness: float) -> None:
    """One range of mountains under a line; `nearness` goes from 0 (farthest) to 1."""
    size, height = canvas.size, canvas.height
    mask = below(size, line)
    far, near = mix(palette.washes[0], palette.washes[1], 0.55), palette.ink
    colour = (
        mix(far, palette.washes[2], min(1.0, nearness * 2))
        if nearness < 0.5
        else mix(palette.washes[2], near, (nearness - 0.5) * 1.9)
    )
    # The body of the mountain is a pale wash; the brush's load of ink sits at the ridge.
    top = min(y for _, y in line) / height
    foot = min(1.0, top + 0.42)
    body = ImageChops.multiply(mask, fade(size, [(0.0, 0.85), (top, 0.85), (foot, 0.12 + 0.5 * nearness**2)]))
    streaks = levels(noise(rng, size, (26, 4), 4, 0.6), -120, 235)
    lay(canvas, colour, scaled(ImageChops.multiply(body, streaks), 0.72))
    edge = ImageChops.multiply(
        ink_edge(mask, height * (0.05 + 0.05 * nearness)), levels(noise(rng, size, (40, 9), 3), 10, 220)
    )
    lay(canvas, mix(colour, near, 0.45), scaled(edge, 0.85))
    if nearness < 1:
        mist = ImageChops.multiply(levels(noise(rng, size, (3, 9), 4), 60, 250), mask)
        band = fade(size, [(0.0, 0.0), (min(0.99, top + 0.1), 0.0), (min(1.0, top + 0.27), 0.95), (1.0, 0.95)])
        lay(canvas, mix(palette.paper, (255, 255, 255), 0.25), ImageChops.multiply(mist, band))


def _pines(canvas: Image.Image, palette: Palette, rng: random.Random, line: list[Point]) -> None:
    """A few wind-bent pines on the nearest ridge."""
    unit = min(canvas.size) / 100
    start = rng.choice((0.08, 0.66))
    spots = sorted(rng.uniform(start, start + 0.26) for _ in range(rng.randint(4, 7)))

    def draw(pen: ImageDraw.ImageDraw, k: float) -> None:
        for spot in spots:
            x, y = line[min(len(line) - 1, int(spot * len(line)))]
            tall, lean = rng.uniform(6, 12) * unit, rng.uniform(-0.16, 0.16)
            pen.line(
                [(x * k, (y + unit) * k), ((x + lean * tall) * k, (y - tall) * k)],
                fill=255,
                width=round(0.5 * unit * k),
            )
            for level in range(rng.randint(4, 6)):
                share = 0.34 + level * 0.13
                cx, cy = x + lean * tall * share, y - tall * share
                half = tall * (0.42 - share * 0.3) * rng.uniform(0.8, 1.25)
                shift = rng.uniform(-0.45, 0.45) * half
                for _ in range(9):
                    dx, dy = (
                        rng.gauss(0, 0.42) * half + shift,
                        rng.gauss(0, 0.16) * unit - abs(rng.gauss(0, 0.4)) * unit,
                    )
                    w, h = rng.uniform(0.28, 0.5) * half, rng.uniform(0.25, 0.5) * unit
                    pen.ellipse([(cx + dx - w) * k, (cy + dy - h) * k, (cx + dx + w) * k, (cy + dy + h) * k], fill=235)

    lay(canvas, mix(palette.ink, palette.washes[3], 0.15), shape(canvas.size, draw))


def _tower(size: Size, rng: random.Random, foot: Point, tall: float) -> Image.Image:
    storeys = rng.choice((5, 6, 7))

    def draw(pen: ImageDraw.ImageDraw, k: float) -> None:
        x, y = foot
        wide, storey = tall * 0.15, tall * 0.8 / storeys
        for _ in range(storeys):
            body, eave, lift = wide * 0.62, wide * 1.12, storey * 0.3
            pen.polygon(
                [
                    (px * k, py * k)
                    for px, py in (
                        (x - body, y),
                        (x + body, y),
                        (x + body * 0.94, y - storey),
                        (x - body * 0.94, y - storey),
                    )
                ],
                fill=205,
            )
            for column in (-0.62, -0.2, 0.2, 0.62):
                cx = x + column * body * 1.5
                pen.line([(cx * k, y * k), (cx * k, (y - storey) * k)], fill=255, width=max(2, round(tall * 0.006 * k)))
            top = y - storey
            half_roof = [
                (eave, top - lift * 0.25),
                (eave * 0.62, top - lift * 0.2),
                (body * 0.8, top - lift * 0.95),
            ]
            roof = [(x - eave * 0.72, top + lift * 0.32), (x + eave * 0.72, top + lift * 0.32)]
            roof += [(x + dx, ry) for dx, ry in half_roof] + [(x - dx, ry) for dx, ry in half_roof[::-1]]
            pen.polygon([(px * k, py * k) for px, py in roof], fill=255)
            y, wide, storey = top - lift * 0.9, wide * 0.87, storey * 0.93
        pen.polygon(
            [((x - wide * 0.12) * k, y * k), ((x + wide * 0.12) * k, y * k), (x * k, (y - tall * 0.13) * k)], fill=255
        )

    return shape(size, draw)
