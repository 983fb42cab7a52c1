"""Landscapes: ink mountains in mist, a pagoda among them, woodblock seas."""

from __future__ import annotations

import math
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
    polygon,
    ridge,
    scaled,
    shape,
    soften,
    vertical,
)
from .palette import Palette, mix


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
        _range(canvas, palette, rng, line, nearness, height)
        if layer == layers - 2:
            _flock(canvas, palette, rng, (width * (1 - side), height * rng.uniform(0.16, 0.3)))
        if layer == layers - 1:
            _pines(canvas, palette, rng, line)
    return canvas


def _range(
    canvas: Image.Image, palette: Palette, rng: random.Random, line: list[Point], nearness: float, height: int
) -> None:
    size = canvas.size
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


def _flock(canvas: Image.Image, palette: Palette, rng: random.Random, around: Point) -> None:
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
        _range(canvas, palette, rng, line, nearness, height)
    foot, tall = height * 0.8, height * 0.56
    lay(canvas, palette.ink, scaled(_tower(size, rng, (width * at, foot), tall), 0.94))
    for nearness in (0.78, 1.0):
        line = ridge(rng, width, height * (0.64 + 0.24 * nearness), height * 0.06, peaks=rng.uniform(1.5, 3))
        _range(canvas, palette, rng, line, nearness, height)
    _pines(canvas, palette, rng, line)
    _flock(canvas, palette, rng, (width * (1 - at), height * 0.24))
    return canvas


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
            roof = [
                (x - eave, top - lift * 0.25), (x - eave * 0.72, top + lift * 0.32), (x + eave * 0.72, top + lift * 0.32), (x + eave, top - lift * 0.25),
                (x + eave * 0.62, top - lift * 0.2), (x + body * 0.8, top - lift * 0.95), (x - body * 0.8, top - lift * 0.95), (x - eave * 0.62, top - lift * 0.2),
            ]  # fmt: skip
            pen.polygon([(px * k, py * k) for px, py in roof], fill=255)
            y, wide, storey = top - lift * 0.9, wide * 0.87, storey * 0.93
        pen.polygon(
            [((x - wide * 0.12) * k, y * k), ((x + wide * 0.12) * k, y * k), (x * k, (y - tall * 0.13) * k)], fill=255
        )

    return shape(size, draw)


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
    _flock(canvas, palette, rng, (width * (1 - side), height * 0.2))
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
