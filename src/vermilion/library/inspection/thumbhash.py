"""ThumbHash: a picture's blur in at most 25 bytes, in the format published by Evan Wallace (evanw/thumbhash).

The picture's brightness, two colour differences and, where it is see-through, its opacity are kept as the lowest
waves of a discrete cosine transform, four bits a wave. Our own, because the packaged encoder fails on every
picture with transparency, and because summing rows before columns takes a fifth of its time.
"""

import math
from functools import lru_cache
from operator import mul, sub

Waves = tuple[float, list[float], float]
"""Of one channel: the mean, the other waves scaled to 0–1, and the scale."""


def thumbhash(width: int, height: int, rgba: bytes) -> bytes:
    """The hash of a picture given as four bytes a pixel; cost grows with its pixels, so give it a tiny one."""
    if len(rgba) != 4 * width * height or not rgba:
        raise ValueError(f"{len(rgba)} bytes are not {width} × {height} pixels")
    see_through = rgba[3::4].count(255) < width * height
    if see_through:
        opacity = [value / 255 for value in rgba[3::4]]
        red, green, blue = (_over_mean(rgba[start::4], opacity) for start in range(3))
    else:
        red, green, blue = ([value / 255 for value in rgba[start::4]] for start in range(3))

    most = 5 if see_through else 7
    across = max(1, _rounded(most * width / max(width, height)))
    down = max(1, _rounded(most * height / max(width, height)))
    light = [(r + g + b) / 3 for r, g, b in zip(red, green, blue, strict=True)]
    yellow_blue = [(r + g) / 2 - b for r, g, b in zip(red, green, blue, strict=True)]
    red_green = list(map(sub, red, green))

    l_mean, l_waves, l_scale = _waves(light, width, height, max(3, across), max(3, down))
    p_mean, p_waves, p_scale = _waves(yellow_blue, width, height, 3, 3)
    q_mean, q_waves, q_scale = _waves(red_green, width, height, 3, 3)
    landscape = width > height
    first = (
        _rounded(63 * l_mean)
        | _rounded(31.5 + 31.5 * p_mean) << 6
        | _rounded(31.5 + 31.5 * q_mean) << 12
        | _rounded(31 * l_scale) << 18
        | see_through << 23
    )
    second = (
        (down if landscape else across) | _rounded(63 * p_scale) << 3 | _rounded(63 * q_scale) << 9 | landscape << 15
    )
    head = first.to_bytes(3, "little") + second.to_bytes(2, "little")
    waves = l_waves + p_waves + q_waves
    if see_through:
        a_mean, a_waves, a_scale = _waves(opacity, width, height, 5, 5)
        head += bytes([_rounded(15 * a_mean) | _rounded(15 * a_scale) << 4])
        waves += a_waves
    nibbles = [_rounded(15 * wave) for wave in waves]
    nibbles += [0] * (len(nibbles) % 2)
    return head + bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))


def _over_mean(values: bytes, opacity: list[float]) -> list[float]:
    """A colour laid over its own mean, so that see-through parts add no wave of their own."""
    weight = sum(opacity)
    mean = sum(map(mul, values, opacity)) / 255 / weight if weight else 0.0
    return [mean * (1 - alpha) + alpha / 255 * value for value, alpha in zip(values, opacity, strict=True)]


def _waves(channel: list[float], width: int, height: int, across: int, down: int) -> Waves:
    cosines_x, cosines_y = _cosines(width, across), _cosines(height, down)
    rows = [channel[y * width : (y + 1) * width] for y in range(height)]
    summed = [[sum(map(mul, row, cosines)) for row in rows] for cosines in cosines_x]
    found = [
        sum(map(mul, summed[x], cosines_y[y])) / (width * height)
        for y in range(down)
        for x in range(across)
        # Only the corner of low waves is kept.
        if x * down < across * (down - y)
    ]
    mean, others = found[0], found[1:]
    scale = max(map(abs, others), default=0.0)
    if scale:
        others = [0.5 + 0.5 / scale * wave for wave in others]
    return mean, others, scale


@lru_cache(maxsize=64)
def _cosines(length: int, waves: int) -> list[list[float]]:
    return [[math.cos(math.pi / length * wave * (at + 0.5)) for at in range(length)] for wave in range(waves)]


def _rounded(value: float) -> int:
    """Halves up, as the reference does; Python's own rounding goes to the even neighbour."""
    return math.floor(value + 0.5)
