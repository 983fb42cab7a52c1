"""Without a subject: marbled ink, and lines carried by a current."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageDraw

from .brushes import Point, Size, lay, levels, noise, scaled, stroke
from .motifs import ground, tint_disc
from .palette import Colour, Palette


def marble(size: Size, palette: Palette, rng: random.Random) -> Image.Image:
    """Suminagashi: drops of ink let onto water one in another, then combed by a breath of wind.

    A drop of radius r at C moves every point P around it to C + (P - C)·sqrt(1 + r²/|P - C|²).
    """
    width, height = size
    canvas = ground(size, palette, rng)
    reach = math.hypot(width, height)
    colours = [
        palette.ink,
        palette.washes[3],
        palette.washes[2],
        palette.paper,
        palette.washes[1],
        palette.paper,
        palette.washes[3],
        palette.paper,
    ]
    rings: list[tuple[Colour, list[Point]]] = []
    columns, rows = (3, 2) if width >= height else (2, 3)
    centres = [
        ((column + rng.uniform(0.15, 0.85)) / columns * width, (row + rng.uniform(0.15, 0.85)) / rows * height)
        for column in range(columns)
        for row in range(rows)
    ]
    centres.append((width * rng.uniform(0.42, 0.58), height * rng.uniform(0.42, 0.58)))
    rng.shuffle(centres)
    for number in range(64):
        cx, cy = centres[number % len(centres)]
        cx, cy = cx + rng.gauss(0, 0.012) * reach, cy + rng.gauss(0, 0.012) * reach
        r = reach * rng.uniform(0.04, 0.1)
        square = r * r
        for index, (colour, points) in enumerate(rings):
            moved = []
            for x, y in points:
                dx, dy = x - cx, y - cy
                factor = math.sqrt(1 + square / (dx * dx + dy * dy + 0.01))
                moved.append((cx + dx * factor, cy + dy * factor))
            rings[index] = (colour, moved)
        colour = palette.accent if number in {20, 45, 63} else rng.choice(colours)
        rings.append(
            (
                colour,
                [(cx + r * math.cos(a * math.tau / 120), cy + r * math.sin(a * math.tau / 120)) for a in range(120)],
            )
        )
    breaths = [
        (
            rng.uniform(0, math.tau),
            rng.uniform(1.2, 2.6) / reach * math.tau,
            rng.uniform(0, math.tau),
            rng.uniform(0.016, 0.04) * reach,
        )
        for _ in range(4)
    ]
    big = canvas.resize((width * 2, height * 2))
    pen = ImageDraw.Draw(big)
    for colour, points in rings:
        bent = []
        for start_x, start_y in points:
            x, y = start_x, start_y
            for angle, frequency, phase, strength in breaths:
                across = x * math.cos(angle) + y * math.sin(angle)
                push = strength * math.sin(across * frequency + phase)
                x, y = x - math.sin(angle) * push, y + math.cos(angle) * push
            bent.append((x * 2, y * 2))
        pen.polygon(bent, fill=colour)
    canvas = big.reduce(2)
    lay(canvas, palette.paper, scaled(levels(noise(rng, size, (7, 7), 5), 120, 255), 0.35))
    return canvas


def flow(size: Size, palette: Palette, rng: random.Random) -> Image.Image:
    """Hair-fine brush lines carried by an unseen current around a red sun."""
    width, height = size
    canvas = ground(size, palette, rng)
    field_size = (128, 96)
    field = noise(rng, field_size, (2, 2), 3, 0.4).tobytes()
    heading, swing = rng.uniform(-0.5, 0.5), rng.uniform(2.4, 4.2)
    centre = (width * rng.choice((0.33, 0.66)), height * rng.uniform(0.34, 0.5))
    radius = min(size) * rng.uniform(0.13, 0.19)
    tint_disc(canvas, palette, rng, (centre, radius), palette.accent)
    unit = min(size) / 100
    step = 1.5 * unit
    big = canvas.resize((width * 2, height * 2))
    pen = ImageDraw.Draw(big)
    inks = [*palette.washes, palette.ink, palette.ink, palette.washes[3]]
    for number in range(1150):
        x, y = rng.uniform(-0.08, 1.0) * width, rng.uniform(-0.02, 1.02) * height
        points: list[Point] = []
        for _ in range(rng.randint(14, 40)):
            column = max(0, min(127, int(x / width * 128)))
            line = max(0, min(95, int(y / height * 96)))
            angle = heading + (field[line * 128 + column] / 255 - 0.5) * swing
            dx, dy = math.cos(angle), math.sin(angle)
            # The current parts before the sun and closes behind it.
            ox, oy = x - centre[0], y - centre[1]
            near = (radius * 1.16 / max(1.0, math.hypot(ox, oy))) ** 2
            if near > 0.55:
                inward = (dx * ox + dy * oy) / max(1.0, math.hypot(ox, oy)) ** 2
                dx, dy = dx - min(1.0, near) * inward * ox, dy - min(1.0, near) * inward * oy
                if near > 1.0:
                    break
            x, y = x + dx * step, y + dy * step
            points.append((x * 2, y * 2))
        if len(points) > 4:
            colour = palette.accent if number % 61 == 0 else rng.choice(inks)
            thick = rng.uniform(0.1, 0.62) * unit * 2
            widths = [
                max(0.7, thick * math.sin(math.pi * (index + 1) / (len(points) + 1)) ** 0.6)
                for index in range(len(points))
            ]
            pen.polygon(stroke(points, widths), fill=colour)
    return big.reduce(2)
