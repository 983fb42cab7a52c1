"""Everything that is not a landscape by day: night skies, branches, bamboo, marbling, currents."""

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
    ridge,
    scaled,
    shape,
    soften,
    stroke,
    vertical,
)
from .palette import Colour, Palette, mix


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


def _ground(size: Size, palette: Palette, rng: random.Random) -> Image.Image:
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


def _tint_disc(
    canvas: Image.Image, palette: Palette, rng: random.Random, centre: Point, radius: float, colour: Colour
) -> None:
    face = ImageChops.multiply(disc(canvas.size, centre, radius), levels(noise(rng, canvas.size, (9, 9), 4), -260, 210))
    lay(
        canvas,
        mix(colour, palette.paper, 0.6),
        scaled(soften(disc(canvas.size, centre, radius * 1.25), radius * 0.7), 0.5),
    )
    lay(canvas, colour, scaled(face, 0.93))


def blossom(size: Size, palette: Palette, rng: random.Random) -> Image.Image:
    """A flowering branch across a large pale moon."""
    width, height = size
    canvas = _ground(size, palette, rng)
    from_left = rng.random() < 0.5
    moon = (width * (0.62 if from_left else 0.38), height * 0.42)
    pale = mix(palette.paper, palette.accent, 0.86) if rng.random() < 0.4 else mix(palette.paper, (255, 255, 255), 0.75)
    _tint_disc(canvas, palette, rng, moon, min(size) * rng.uniform(0.26, 0.32), pale)
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

    def petals(pen: ImageDraw.ImageDraw, k: float, shrink: float, low: float, high: float) -> None:
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
        edge = shape(canvas.size, lambda pen, k, low=low, high=high: petals(pen, k, 1.0, low, high))
        inner = shape(canvas.size, lambda pen, k, low=low, high=high: petals(pen, k, 0.74, low, high))
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
    canvas = _ground(size, palette, rng)
    _tint_disc(
        canvas,
        palette,
        rng,
        (width * rng.choice((0.3, 0.68)), height * 0.3),
        min(size) * rng.uniform(0.13, 0.18),
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
                _stem(pen, k, rng, (x, height * 1.02), lean, thick, height * 1.1, unit)
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


def marble(size: Size, palette: Palette, rng: random.Random) -> Image.Image:
    """Suminagashi: drops of ink let onto water one in another, then combed by a breath of wind.

    A drop of radius r at C moves every point P around it to C + (P - C)·sqrt(1 + r²/|P - C|²).
    """
    width, height = size
    canvas = _ground(size, palette, rng)
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
    rng.shuffle(centres)
    for number in range(64):
        cx, cy = centres[number % len(centres)]
        cx, cy = cx + rng.gauss(0, 0.012) * reach, cy + rng.gauss(0, 0.012) * reach
        r = reach * rng.uniform(0.035, 0.085)
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
        for x, y in points:
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
    canvas = _ground(size, palette, rng)
    field_size = (128, 96)
    field = noise(rng, field_size, (2, 2), 3, 0.4).tobytes()
    heading, swing = rng.uniform(-0.5, 0.5), rng.uniform(2.4, 4.2)
    centre = (width * rng.choice((0.33, 0.66)), height * rng.uniform(0.34, 0.5))
    radius = min(size) * rng.uniform(0.13, 0.19)
    _tint_disc(canvas, palette, rng, centre, radius, palette.accent)
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
