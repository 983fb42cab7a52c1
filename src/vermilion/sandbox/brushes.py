"""Brushes for painting with Pillow alone: noise, washes, ridges, strokes, discs.

Images are `RGB` canvases and `L` masks of one size in pixels; coordinates are in pixels of it.
Shapes are drawn twice as large and reduced, which is the cheapest good antialiasing here.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from .palette import Colour

Size = tuple[int, int]
Point = tuple[float, float]

_BICUBIC = Image.Resampling.BICUBIC


def noise(rng: random.Random, size: Size, cells: tuple[int, int], octaves: int = 4, gain: float = 0.5) -> Image.Image:
    """Cloudy value noise over the full range of grey; `cells` is how coarse the first octave is."""
    small = (max(8, size[0] // 3), max(8, size[1] // 3))
    across, down = cells
    total = _grid(rng, across, down, small)
    weight, sum_of_weights = 1.0, 1.0
    for _ in range(octaves - 1):
        across, down = min(across * 2, small[0]), min(down * 2, small[1])
        weight *= gain
        sum_of_weights += weight
        total = Image.blend(total, _grid(rng, across, down, small), weight / sum_of_weights)
    return ImageOps.autocontrast(total, cutoff=1).resize(size, Image.Resampling.BILINEAR)


def _grid(rng: random.Random, across: int, down: int, size: Size) -> Image.Image:
    # One cell more on each side keeps the interpolation's edge out of the picture.
    across, down = across + 2, down + 2
    return Image.frombytes("L", (across, down), rng.randbytes(across * down)).resize(
        size, _BICUBIC, box=(1, 1, across - 1, down - 1)
    )


def vertical(size: Size, stops: Sequence[tuple[float, Colour]]) -> Image.Image:
    """A vertical gradient through colours at heights from 0 (top) to 1."""
    column = Image.new("RGB", (1, 256))
    column.putdata([_between(stops, index / 255) for index in range(256)])
    return column.resize(size, _BICUBIC)


def fade(size: Size, stops: Sequence[tuple[float, float]]) -> Image.Image:
    """A vertical mask through strengths (0 to 1) at heights from 0 (top) to 1."""
    grey = [(at, (round(255 * strength),) * 3) for at, strength in stops]
    column = Image.new("L", (1, 256))
    column.putdata([_between(grey, index / 255)[0] for index in range(256)])
    return column.resize(size, _BICUBIC)


def _between(stops: Sequence[tuple[float, tuple[int, ...]]], at: float) -> Colour:
    previous = stops[0]
    for stop in stops:
        if stop[0] >= at:
            span = stop[0] - previous[0]
            share = (at - previous[0]) / span if span > 0 else 1.0
            share = share * share * (3 - 2 * share)
            one, other = previous[1], stop[1]
            return (
                round(one[0] + (other[0] - one[0]) * share),
                round(one[1] + (other[1] - one[1]) * share),
                round(one[2] + (other[2] - one[2]) * share),
            )
        previous = stop
    last = stops[-1][1]
    return last[0], last[1], last[2]


def shape(size: Size, draw: Callable[[ImageDraw.ImageDraw, float], None]) -> Image.Image:
    """A mask of whatever `draw` draws in white; it gets a pen and the factor to multiply coordinates by."""
    big = Image.new("L", (size[0] * 2, size[1] * 2), 0)
    draw(ImageDraw.Draw(big), 2.0)
    return big.reduce(2)


def polygon(size: Size, points: Sequence[Point]) -> Image.Image:
    return shape(size, lambda pen, k: pen.polygon([(x * k, y * k) for x, y in points], fill=255))


def lay(canvas: Image.Image, colour: Colour, mask: Image.Image) -> None:
    """Lay a colour on the canvas, as strongly as the mask says."""
    canvas.paste(colour, (0, 0), mask)


def scaled(mask: Image.Image, strength: float) -> Image.Image:
    """The mask, times a number from 0 to 1."""
    return mask.point([round(value * strength) for value in range(256)])


def levels(mask: Image.Image, low: int, high: int) -> Image.Image:
    """Stretch the greys between low and high over the whole range."""
    span = max(1, high - low)
    return mask.point([max(0, min(255, round((value - low) * 255 / span))) for value in range(256)])


def soften(mask: Image.Image, radius: float) -> Image.Image:
    """A wide blur, done on a quarter of the size because nobody can see the difference."""
    if radius < 6:
        return mask.filter(ImageFilter.GaussianBlur(radius))
    small = mask.resize((max(1, mask.width // 4), max(1, mask.height // 4)), Image.Resampling.BOX)
    return small.filter(ImageFilter.GaussianBlur(radius / 4)).resize(mask.size, _BICUBIC)


def ridge(
    rng: random.Random, width: int, base: float, amplitude: float, *, peaks: float = 2.0, roughness: float = 0.52
) -> list[Point]:
    """A mountain line from left to right: fractal, with `peaks` large forms across the width."""
    waves = [
        (
            peaks * 2**octave * rng.uniform(0.8, 1.2),
            rng.uniform(0, math.tau),
            amplitude * roughness**octave * rng.uniform(0.7, 1.2),
        )
        for octave in range(7)
    ]
    step = max(2, width // 400)
    points = []
    for x in range(-step, width + 2 * step, step):
        t = x / width
        height = 0.0
        for index, (frequency, phase, strength) in enumerate(waves):
            wave = math.sin(t * frequency * math.tau / 2 + phase)
            # Large forms get sharp tops and round valleys; small ones are plain ripples.
            height += strength * ((1 - abs(wave)) * 1.6 - 0.6 if index in {1, 2, 3} else wave)
        points.append((float(x), base - height))
    return points


def below(size: Size, line: Sequence[Point]) -> Image.Image:
    """A mask of everything under a line."""
    return polygon(size, [*line, (size[0] + 9, size[1] + 9), (-9, size[1] + 9)])


def ink_edge(mask: Image.Image, depth: float) -> Image.Image:
    """Where a brush that starts at the upper edge of the mask leaves most of its ink."""
    lowered = ImageChops.offset(mask, 0, round(depth * 0.6))
    lowered.paste(0, (0, 0, mask.width, round(depth * 0.6)))
    return ImageChops.subtract(mask, soften(lowered, depth * 0.55))


def disc(size: Size, centre: Point, radius: float) -> Image.Image:
    x, y = centre
    box = (x - radius, y - radius, x + radius, y + radius)
    return shape(size, lambda pen, k: pen.ellipse([value * k for value in box], fill=255))


def stroke(points: Sequence[Point], widths: Sequence[float]) -> list[Point]:
    """The outline of a brush stroke: a line of points with its own width at each."""
    left: list[Point] = []
    right: list[Point] = []
    for index, (x, y) in enumerate(points):
        before, after = points[max(0, index - 1)], points[min(len(points) - 1, index + 1)]
        dx, dy = after[0] - before[0], after[1] - before[1]
        length = math.hypot(dx, dy) or 1.0
        half = widths[index] / 2
        left.append((x - dy / length * half, y + dx / length * half))
        right.append((x + dy / length * half, y - dx / length * half))
    return left + right[::-1]


def grain(canvas: Image.Image, rng: random.Random, strength: float) -> Image.Image:
    """Paper: fine grain and a few fibres, in every colour alike."""
    half = (canvas.width // 2 + 1, canvas.height // 2 + 1)
    coarse = Image.frombytes("L", half, rng.randbytes(half[0] * half[1])).resize(canvas.size, Image.Resampling.BILINEAR)
    fine = Image.frombytes("L", canvas.size, rng.randbytes(canvas.width * canvas.height))
    tooth = Image.blend(coarse, fine, 0.35).point([round(128 + (value - 128) * strength) for value in range(256)])
    return ImageChops.add(canvas, Image.merge("RGB", (tooth, tooth, tooth)), 1.0, -128)


def vignette(canvas: Image.Image, strength: float) -> Image.Image:
    """Corners a little darker, as an old print has them."""
    dark = Image.radial_gradient("L").resize(canvas.size, _BICUBIC)
    shade = dark.point([round(255 - strength * 255 * (value / 255) ** 2.4) for value in range(256)])
    return ImageChops.multiply(canvas, Image.merge("RGB", (shade, shade, shade)))
