"""A woodblock sea."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageChops, ImageDraw

from .brushes import Point, Size, below, fade, ink_edge, lay, levels, noise, polygon, scaled, shape, vertical
from .motifs import flock, sun
from .palette import Palette, mix


def sea(size: Size, palette: Palette, rng: random.Random) -> Image.Image:
    """A woodblock sea: graded sky, a far peak, and rows of swelling waves with foam."""
    width, height = size
    deep = palette.washes[3]
    canvas = vertical(
        size,
        [
            (0.0, mix(palette.washes[2], deep, 0.5)), (0.16, mix(palette.paper, palette.washes[1], 0.4)),
            (0.38, palette.paper), (0.5, mix(palette.paper, palette.bloom, 0.35)), (1.0, palette.paper),
        ],
    )  # fmt: skip
    horizon = height * rng.uniform(0.4, 0.48)
    side = rng.choice((0.27, 0.33, 0.66, 0.72))
    sun(
        canvas,
        palette,
        rng,
        (width * side, horizon - height * rng.uniform(0.07, 0.16)),
        min(size) * rng.uniform(0.11, 0.16),
    )
    _far_peak(canvas, palette, rng, (width * (1 - side), horizon), min(width * 0.24, height * 0.32))
    rows = rng.choice((9, 10, 11))
    for row in range(rows):
        depth = row / (rows - 1)
        _wave_row(canvas, palette, rng, horizon + (height * 1.02 - horizon) * depth**1.35, depth)
        if row == rows // 3:
            _boat(
                canvas,
                palette,
                (width * (side + (0.26 if side < 0.5 else -0.3)), horizon + height * 0.075),
                min(size) * 0.05,
            )
    flock(canvas, palette, rng, (width * (1 - side), height * 0.2))
    return canvas


def _far_peak(canvas: Image.Image, palette: Palette, rng: random.Random, foot: Point, tall: float) -> None:
    x, y = foot

    def slope(share: float, side: int) -> Point:
        return x + side * tall * (0.1 + 1.15 * share**1.5), y - tall * 0.62 * (1 - share)

    outline = [slope(index / 20, -1) for index in range(20, -1, -1)] + [slope(index / 20, 1) for index in range(21)]
    mask = polygon(canvas.size, outline)
    lay(
        canvas,
        mix(palette.washes[1], palette.washes[2], 0.6),
        ImageChops.multiply(
            mask,
            fade(
                canvas.size,
                [(0.0, 1.0), (foot[1] / canvas.height - 0.1, 0.95), (foot[1] / canvas.height, 0.25), (1.0, 0.0)],
            ),
        ),
    )
    snow = [slope(index / 20, -1) for index in range(7, -1, -1)] + [slope(index / 20, 1) for index in range(8)]
    teeth = 9
    left, right = slope(0.35, -1), slope(0.35, 1)
    for tooth in range(1, teeth):
        share = 1 - tooth / teeth
        snow.append(
            (
                left[0] + (right[0] - left[0]) * share,
                left[1] - tall * (0.13 if tooth % 2 else -0.02) * rng.uniform(0.6, 1.2),
            )
        )
    lay(canvas, mix(palette.paper, (255, 255, 255), 0.6), scaled(polygon(canvas.size, snow), 0.95))


def _wave_row(canvas: Image.Image, palette: Palette, rng: random.Random, base: float, depth: float) -> None:
    """One band of water; nearer bands are larger, deeper in colour and carry more foam."""
    width, _ = canvas.size
    unit = min(canvas.size) / 100
    length = (7 + 44 * depth**1.15) * unit * rng.uniform(0.85, 1.2)
    swell = (0.6 + 12.5 * depth**1.1) * unit * rng.uniform(0.8, 1.2)
    phase, drift = rng.uniform(0, math.tau), rng.uniform(0.5, 1.6)
    line: list[Point] = []
    step = max(2, round(unit * 0.35))
    for x in range(-step, width + 2 * step, step):
        angle = x / length * math.tau + phase + 0.5 * math.sin(x / length * drift + phase)
        # A trochoid: flat troughs, pointed crests leaning with the wind.
        crest = (1 - abs(math.sin(angle / 2 + 0.25 * math.sin(angle)))) ** 1.5
        line.append((x, base - swell * crest * (0.75 + 0.25 * math.sin(x / length * 1.7 + phase))))
    tone = (
        mix(palette.washes[1], palette.washes[2], min(1.0, depth * 2.2))
        if depth < 0.45
        else mix(palette.washes[2], palette.ink, (depth - 0.45) * 1.15)
    )
    tone = mix(tone, palette.washes[0] if rng.random() < 0.5 else palette.ink, rng.uniform(0.0, 0.2))
    mask = below(canvas.size, line)
    lay(canvas, tone, mask)
    light = mix(tone, palette.paper, 0.42)
    lay(
        canvas,
        light,
        scaled(
            ImageChops.multiply(
                ink_edge(mask, swell * 0.9 + unit), levels(noise(rng, canvas.size, (10, 30), 3), -60, 255)
            ),
            0.75,
        ),
    )

    def lines(pen: ImageDraw.ImageDraw, k: float) -> None:
        for echo in range(2 + round(5 * depth)):
            drop = (echo + 1) * swell * 0.2 + echo * 0.15 * unit
            flatter = 0.86 ** (echo + 1)
            points = [(x * k, (base - (base - y) * flatter + drop) * k) for x, y in line]
            pen.line(points, fill=max(24, 130 - 15 * echo), width=max(1, round((0.12 + 0.2 * depth) * unit * k)))

    lay(canvas, palette.paper, shape(canvas.size, lines))

    def foam(pen: ImageDraw.ImageDraw, k: float) -> None:
        pen.line([(x * k, y * k) for x, y in line], fill=225, width=max(2, round((0.16 + 0.34 * depth) * unit * k)))
        for x, y in line:
            height_share = (base - y) / swell
            if height_share > 0.55 and rng.random() < 0.75:
                for _ in range(1 + round(3 * depth)):
                    r = rng.uniform(0.1, 0.62) * unit * (0.25 + depth)
                    px, py = (
                        x + rng.gauss(0, 1.3) * unit * depth,
                        y - rng.uniform(-0.7, 1.7) * unit * depth * height_share,
                    )
                    pen.ellipse([(px - r) * k, (py - r) * k, (px + r) * k, (py + r) * k], fill=235)

    lay(canvas, mix(palette.paper, (255, 255, 255), 0.5), shape(canvas.size, foam))


def _boat(canvas: Image.Image, palette: Palette, at: Point, span: float) -> None:
    x, y = at
    hull = [
        (x - span, y - span * 0.14),
        (x - span * 0.7, y + span * 0.16),
        (x + span * 0.6, y + span * 0.16),
        (x + span, y - span * 0.22),
        (x + span * 0.5, y - span * 0.02),
        (x - span * 0.6, y),
    ]
    sail = [
        (x - span * 0.05, y - span * 0.05),
        (x - span * 0.02, y - span * 1.35),
        (x + span * 0.5, y - span * 1.05),
        (x + span * 0.58, y - span * 0.2),
    ]
    lay(canvas, mix(palette.paper, (255, 255, 255), 0.4), scaled(polygon(canvas.size, sail), 0.96))
    lay(canvas, palette.ink, polygon(canvas.size, hull))
