"""Pictures in words, and long prompts made short: what `describe` and `shorten` say."""

from __future__ import annotations

import io

from PIL import Image

_TONES = ("black", "red", "orange", "gold", "green", "teal", "blue", "violet", "rose")
_SCENES = (
    "a quiet study in {tone} and {other}, soft light, fine grain",
    "{tone} shapes on a {other} ground, an ink painting, wide composition",
    "a still place seen from afar, {tone} haze, {other} shadows, film photograph",
    "an ornament of {tone} and {other} lines, woodblock print, high detail",
)


def described(picture: bytes) -> list[str]:
    """Four prompts that could have made a picture; `ValueError` when it cannot be read."""
    try:
        with Image.open(io.BytesIO(picture)) as opened:
            width, height = opened.size
            small = opened.convert("HSV").resize((2, 1), Image.Resampling.BOX)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("not a readable picture") from error
    tones = [_tone(small.getpixel((x, 0))) for x in (0, 1)]  # type: ignore[arg-type]
    shape = "1:1" if width == height else f"{min(99, max(1, round(width / height * 9)))}:9"
    return [scene.format(tone=tones[0], other=tones[1]) + f" --ar {shape}" for scene in _SCENES]


def shortened(prompt: str) -> list[str]:
    """Up to four shorter prompts."""
    words = prompt.replace(",", " ").split()
    lengths = sorted({max(1, len(words) * share // 4) for share in (1, 2, 3)}, reverse=True)
    return [" ".join(words[:length]) for length in lengths] or [prompt]


def numbered(texts: list[str]) -> str:
    """As Midjourney writes them: keycaps, and an empty line between."""
    return "\n\n".join(f"{place}\ufe0f\u20e3 {text}" for place, text in enumerate(texts, 1))


def _tone(pixel: tuple[int, int, int]) -> str:
    hue, saturation, value = pixel
    if saturation < 40 or value < 40:
        return "grey" if value >= 60 else "black"
    return _TONES[1 + hue * (len(_TONES) - 1) // 256]
