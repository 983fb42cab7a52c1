"""Painted close up: a flowering branch, bamboo."""

from __future__ import annotations

import math
import random
from functools import partial

from PIL import Image, ImageChops, ImageDraw

from .brushes import Point, Size, fade, lay, levels, noise, scaled, shape, soften, stroke
from .motifs import ground, tint_disc
from .palette import Palette, mix


def blossom(size: Size, palette: Palette, rng: random.Random) -> Image.Image:
    """A flowering branch across a large pale moon."""
    width, height = size
    canvas = ground(size, palette, rng)
    from_left = rng.random() < 0.5
    moon = (width * (0.62 if from_left else 0.38), height * 0.42)
    pale = mix(palette.paper, palette.accent, 0.86) if rng.random() < 0.4 else mix(palette.paper, (255, 255, 255), 0.75)
    tint_disc(canvas, palette, rng, (moon, min(size) * rng.uniform(0.26, 0.32)), pale)
    unit = min(size) / 100
    outlines: list[list[Point]] = []
    twigs: list[Point] = []

    goal = (width * rng.uniform(0.74, 0.9), height * rng.uniform(0.1, 0.26))
    if not from_left:
        goal = (width - goal[0], goal[1])

    def grow(at: Point, angle: float, length: float, thick: float, order: int) -> None:
        points, widths = [at], [thick]
        steps = 12
        for index in range(steps):
            # The main branch remembers where it wants to go; twigs wander.
            wish = math.atan2(goal[1] - at[1], goal[0] - at[0])
            pull = 0.3 if order == 3 else 0.05
            angle += rng.gauss(0, 0.24 if order == 3 else 0.15) + pull * math.sin(wish - angle)
            at = (at[0] + math.cos(angle) * length / steps, at[1] + math.sin(angle) * length / steps)
            points.append(at)
            widths.append(max(0.22 * unit, thick * (1 - 0.78 * (index + 1) / steps) * rng.uniform(0.82, 1.18)))
            if order and index > 1 and rng.random() < (0.42 if order == 3 else 0.33):
                turn = rng.choice((-1, 1)) * rng.uniform(0.4, 1.0)
                grow(at, angle + turn, length * rng.uniform(0.3, 0.55), widths[-1] * 0.7, order - 1)
            if order <= 2 and rng.random() < 0.5:
                twigs.append((at[0] + rng.gauss(0, 0.6) * unit, at[1] + rng.gauss(0, 0.6) * unit))
        outlines.append(stroke(points, widths))

    start = (-2.0 if from_left else width + 2.0, height * rng.uniform(0.68, 0.86))
    lean = rng.uniform(-0.62, -0.42)
    grow(
        start,
        lean if from_left else math.pi - lean,
        math.hypot(goal[0] - start[0], goal[1] - start[1]) * 1.12,
        4.4 * unit,
        3,
    )

    def wood(pen: ImageDraw.ImageDraw, k: float) -> None:
        for outline in outlines:
            pen.polygon([(x * k, y * k) for x, y in outline], fill=255)

    dry = levels(noise(rng, size, (60, 50), 3, 0.7), -260, 150)
    lay(canvas, mix(palette.ink, palette.washes[3], 0.2), ImageChops.multiply(shape(size, wood), dry))
    rng.shuffle(twigs)
    _flowers(canvas, palette, rng, twigs[:85], unit)
    return canvas


def _flowers(canvas: Image.Image, palette: Palette, rng: random.Random, spots: list[Point], unit: float) -> None:
    flowers = [(x, y, rng.uniform(1.3, 2.7) * unit, rng.uniform(0, math.tau), rng.random()) for x, y in spots]

    def petals(pen: ImageDraw.ImageDraw, k: float, *, shrink: float, low: float, high: float) -> None:
        for x, y, r, turn, tone in flowers:
            if not low <= tone < high:
                continue
            if tone < 0.22:
                bud = r * 0.42 * shrink
                pen.ellipse([(x - bud) * k, (y - bud) * k, (x + bud) * k, (y + bud) * k], fill=255)
                continue
            for petal in range(5):
                angle = turn + petal * math.tau / 5
                px, py, pr = x + math.cos(angle) * r * 0.56, y + math.sin(angle) * r * 0.5, r * 0.5 * shrink
                pen.ellipse([(px - pr) * k, (py - pr) * k, (px + pr) * k, (py + pr) * k], fill=255)

    for low, high, colour in ((0.0, 0.6, palette.accent), (0.6, 1.0, mix(palette.bloom, palette.accent, 0.25))):
        edge = shape(canvas.size, partial(petals, shrink=1.0, low=low, high=high))
        inner = shape(canvas.size, partial(petals, shrink=0.74, low=low, high=high))
        lay(canvas, mix(colour, palette.paper, 0.25), scaled(edge, 0.92))
        lay(
            canvas,
            colour,
            scaled(
                ImageChops.multiply(
                    soften(inner, 0.35 * unit), levels(noise(rng, canvas.size, (40, 40), 2), -160, 255)
                ),
                0.9,
            ),
        )

    def hearts(pen: ImageDraw.ImageDraw, k: float) -> None:
        for x, y, r, turn, tone in flowers:
            if tone < 0.22:
                continue
            for hair in range(7):
                angle = turn + hair * math.tau / 7
                a, b = x + math.cos(angle) * r * 0.42, y + math.sin(angle) * r * 0.42
                pen.line([(x * k, y * k), (a * k, b * k)], fill=190, width=max(1, round(0.1 * unit * k)))
                d = 0.13 * unit
                pen.ellipse([(a - d) * k, (b - d) * k, (a + d) * k, (b + d) * k], fill=255)

    lay(canvas, mix(palette.paper, (255, 226, 150), 0.7), shape(canvas.size, hearts))


def bamboo(size: Size, palette: Palette, rng: random.Random) -> Image.Image:
    """Stems of bamboo from far to near, leaves in the wind, a red sun or moon between them."""
    width, height = size
    canvas = ground(size, palette, rng)
    tint_disc(
        canvas,
        palette,
        rng,
        ((width * rng.choice((0.3, 0.68)), height * 0.3), min(size) * rng.uniform(0.13, 0.18)),
        palette.accent,
    )
    unit = min(size) / 100
    for nearness in (0.0, 0.5, 1.0):
        colour = mix(
            mix(palette.washes[0], palette.washes[1], 0.7), mix(palette.ink, palette.washes[3], 0.3), nearness**0.8
        )
        stems = [
            (rng.uniform(0.02, 0.98) * width, rng.uniform(-0.06, 0.06), rng.uniform(0.9, 2.6) * unit * (0.7 + nearness))
            for _ in range(4 if nearness < 1 else 3)
        ]

        def draw(
            pen: ImageDraw.ImageDraw,
            k: float,
            stems: list[tuple[float, float, float]] = stems,
            nearness: float = nearness,
        ) -> None:
            for x, lean, thick in stems:
                _stem(pen, k, rng, (x, height * 1.02), lean=lean, thick=thick, tall=height * 1.1, unit=unit)
            for _ in range(16 + round(20 * nearness)):
                x, lean, _ = rng.choice(stems)
                up = rng.uniform(0.1, 1.0)
                _leaves(
                    pen,
                    k,
                    rng,
                    (x + lean * height * up + rng.gauss(0, 3.5) * unit, height * (1 - up)),
                    (4.5 + 6 * nearness) * unit,
                )

        mask = shape(size, draw)
        lay(
            canvas,
            colour,
            ImageChops.multiply(mask, levels(noise(rng, size, (10, 40), 3), -200 - round(100 * nearness), 190)),
        )
        if nearness < 1:
            haze = ImageChops.multiply(
                levels(noise(rng, size, (3, 4), 4), 70, 255), fade(size, [(0.0, 0.15), (0.55, 0.35), (1.0, 0.9)])
            )
            lay(canvas, mix(palette.paper, (255, 255, 255), 0.2), haze)
    return canvas


def _stem(
    pen: ImageDraw.ImageDraw,
    k: float,
    rng: random.Random,
    foot: Point,
    *,
    lean: float,
    thick: float,
    tall: float,
    unit: float,
) -> None:
    x, y = foot
    left = tall
    while left > 0:
        length = rng.uniform(11, 17) * unit
        top = (x + lean * length, y - length)
        half = thick / 2
        pen.polygon(
            [
                (px * k, py * k)
                for px, py in (
                    (x - half * 1.12, y),
                    (x - half * 0.9, y - length * 0.5),
                    (top[0] - half * 1.12, top[1] + unit * 0.3),
                    (top[0] + half * 1.12, top[1] + unit * 0.3),
                    (x + half * 0.9, y - length * 0.5),
                    (x + half * 1.12, y),
                )
            ],
            fill=215,
        )
        pen.line(
            [((top[0] - half * 1.3) * k, top[1] * k), ((top[0] + half * 1.3) * k, top[1] * k)],
            fill=255,
            width=max(2, round(0.34 * unit * k)),
        )
        x, y = top[0], top[1] - unit * 0.15
        left -= length


def _leaves(pen: ImageDraw.ImageDraw, k: float, rng: random.Random, at: Point, length: float) -> None:
    heading = rng.choice((0.35, math.pi - 0.35))
    for _ in range(rng.randint(3, 5)):
        angle = heading + rng.uniform(-0.5, 0.75)
        reach = length * rng.uniform(0.6, 1.2)
        points, widths = [], []
        for index in range(9):
            t = index / 8
            points.append(
                (at[0] + math.cos(angle) * reach * t, at[1] + math.sin(angle) * reach * t + reach * 0.12 * t * t)
            )
            widths.append(max(0.1, math.sin(math.pi * t**0.7) * length * 0.13))
        pen.polygon([(x * k, y * k) for x, y in stroke(points, widths)], fill=rng.randint(180, 255))
