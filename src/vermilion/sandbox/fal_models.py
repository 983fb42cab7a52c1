"""The FLUX models that the fal sandbox knows: their inputs, tempers and paces.

Facts: fal's per-model OpenAPI (field names, defaults, ranges). Paces are typical, not promised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .fal_fields import RATIOS, SIZES, Field, Problem, check, choice, flag, integer, number, size, text

Temper = Literal["black_image", "refuses"]
Answer = Literal["full", "short", "images"]
Fields = dict[str, Field]

MAX_PIXELS = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Model:
    """One endpoint. `seconds` is how long one picture takes; `images` names its picture inputs.

    `temper` is what it does with unsafe content: a black flagged picture, or a policy error.
    `answer` is how much its result says: everything, pictures and seed, or pictures only.
    """

    id: str
    fields: Fields
    seconds: float
    temper: Temper = "black_image"
    answer: Answer = "full"
    megapixels: float = 1.0

    @property
    def images(self) -> tuple[str, ...]:
        return tuple(name for name, field in self.fields.items() if field.kind in {"image", "images"})

    def read(self, body: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        """The clean input with defaults filled in, and every problem found. Unknown fields are ignored."""
        clean: dict[str, Any] = {}
        problems: list[Problem] = []
        for name, field in self.fields.items():
            clean[name], found = check(name, field, body)
            problems += found
        return clean, problems

    def pixel_size(self, clean: Mapping[str, Any], source: tuple[int, int] | None) -> tuple[int, int]:
        """Width and height in pixels of the pictures for a clean input; `source` is the input picture's size."""
        asked = clean.get("image_size")
        if isinstance(asked, dict):
            return _sixteens(asked["width"], asked["height"])
        if asked in SIZES:
            return SIZES[asked]
        ratio = clean.get("aspect_ratio") or clean.get("resolution_mode")
        if isinstance(ratio, str) and ":" in ratio:
            across, down = (int(part) for part in ratio.split(":"))
            return _of_area(across / down, self.megapixels)
        if source is None:
            return SIZES["landscape_4_3"] if self.megapixels == 1.0 else _of_area(16 / 9, self.megapixels)
        grown = (
            source[0] + clean.get("expand_left", 0) + clean.get("expand_right", 0),
            source[1] + clean.get("expand_top", 0) + clean.get("expand_bottom", 0),
        )
        area = grown[0] * grown[1] / 1_048_576
        if area > 4.0 or area < 0.2:
            return _of_area(grown[0] / grown[1], 1.0)
        return _sixteens(*grown)


def _sixteens(width: int, height: int) -> tuple[int, int]:
    """Runners work on blocks of 16 pixels, so odd sizes come back a little smaller."""
    return max(16, width // 16 * 16), max(16, height // 16 * 16)


def _of_area(ratio: float, megapixels: float) -> tuple[int, int]:
    ratio = min(8.0, max(1 / 8, ratio))
    area = megapixels * 1_048_576
    return _sixteens(round((area * ratio) ** 0.5), round((area / ratio) ** 0.5))


_PROMPT: Fields = {"prompt": text(required=True)}
_PROMPT_OR_NOTHING: Fields = {"prompt": text("")}
_IMAGE: Fields = {"image_url": Field("image", required=True)}
_IMAGES: Fields = {"image_urls": Field("images", required=True, low=1)}
_MASK: Fields = {"mask_url": Field("image", required=True)}
_EVERY: Fields = {"seed": integer(None), "sync_mode": flag()}
_COUNT: Fields = {"num_images": integer(1, 1, 4)}
_SIZE: Fields = {"image_size": size("landscape_4_3")}
_JPEG: Fields = {"output_format": choice("jpeg", "jpeg", "png")}
_PNG: Fields = {"output_format": choice("png", "jpeg", "png", "webp")}
_CHECKER: Fields = {"enable_safety_checker": flag(True)}
_RATIO_KEPT: Fields = {"aspect_ratio": Field("ratio", choices=RATIOS)}


def _acceleration(default: str) -> Fields:
    return {"acceleration": choice(default, "none", "regular", "high")}


def _tolerance(strictest_last: int = 6) -> Fields:
    return {"safety_tolerance": choice("2", *(str(level) for level in range(1, strictest_last + 1)))}


def _steps(default: int, low: int, high: int) -> Fields:
    return {"num_inference_steps": integer(default, low, high)}


def _guidance(default: float, low: float = 1, high: float = 20) -> Fields:
    return {"guidance_scale": number(default, low, high)}


def _flux_1() -> list[Model]:
    rest = _COUNT | _CHECKER | _JPEG | _acceleration("none") | _EVERY
    strength: Fields = {"strength": number(0.95, 0.01, 1)}
    models = []
    for family in ("fal-ai/flux-1", "fal-ai/flux"):
        for name, scale, pace in (("dev", 3.5, 6.0), ("krea", 4.5, 7.0), ("srpo", 4.5, 7.0)):
            dial = _guidance(scale)
            base = f"{family}/{name}"
            models += [
                Model(base, _PROMPT | _SIZE | _steps(28, 1, 50) | dial | rest, pace),
                Model(f"{base}/image-to-image", _IMAGE | _PROMPT | strength | _steps(40, 10, 50) | dial | rest, pace),
                Model(f"{base}/redux", _IMAGE | _SIZE | _steps(28, 1, 50) | dial | rest, pace),
            ]
        models += [
            Model(f"{family}/schnell", _PROMPT | _SIZE | _steps(4, 1, 12) | _guidance(3.5) | rest, 2.0),
            Model(f"{family}/schnell/redux", _IMAGE | _SIZE | _steps(4, 1, 12) | rest, 2.2),
        ]
    modes = ("auto", "match_input", "1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21")
    resolution: Fields = {"resolution_mode": choice("match_input", *modes)}
    kontext = _IMAGE | _PROMPT | resolution | _steps(28, 10, 50) | _guidance(2.5) | rest
    models.append(Model("fal-ai/flux-kontext/dev", kontext, 7.0))
    return models


def _flux_pro() -> list[Model]:
    common = _COUNT | _JPEG | _tolerance() | {"enhance_prompt": flag()} | _EVERY
    wide: Fields = {"aspect_ratio": Field("ratio", "16:9")}
    reference: Fields = {"image_url": Field("image"), "image_prompt_strength": number(0.1, 0, 1), "raw": flag()}
    redux = _IMAGE | _PROMPT_OR_NOTHING | common
    tune: Fields = {"finetune_id": text(required=True), "finetune_strength": number(None, 0, 2, required=True)}
    dials = _guidance(3.5)
    square: Fields = {"aspect_ratio": Field("ratio", "1:1", choices=RATIOS)}
    models = [
        Model("fal-ai/flux-pro/v1.1", _PROMPT | _SIZE | common, 5.0, "refuses"),
        Model("fal-ai/flux-pro/v1.1/redux", redux | _SIZE | _steps(28, 1, 50) | dials, 6.0, "refuses"),
        Model("fal-ai/flux-pro/v1.1-ultra", _PROMPT | wide | reference | common, 10.0, "refuses", megapixels=4.0),
        Model("fal-ai/flux-pro/v1.1-ultra/redux", redux | wide | reference | _IMAGE, 11.0, "refuses", megapixels=4.0),
        Model(
            "fal-ai/flux-pro/v1.1-ultra-finetuned",
            _PROMPT | wide | reference | tune | common,
            11.0,
            "refuses",
            megapixels=4.0,
        ),
        Model("fal-ai/flux-pro/v1/fill", _IMAGE | _MASK | _PROMPT | common, 8.0, "refuses"),
        Model("fal-ai/flux-pro/v1/fill-finetuned", _IMAGE | _MASK | _PROMPT | tune | common, 8.0, "refuses"),
        Model(
            "fal-ai/flux-pro/v1/erase",
            _IMAGE | _MASK | {"dilate_pixels": integer(10, 0, 100)} | _JPEG | _EVERY,
            7.0,
            "refuses",
        ),
        Model(
            "fal-ai/flux-pro/v1/vto",
            {
                "human_image_url": Field("image", required=True),
                "garment_image_url": Field("image", required=True),
            }
            | _PROMPT
            | _JPEG
            | _EVERY,
            12.0,
            "refuses",
        ),
    ]
    for tier, pace in (("", 7.0), ("/max", 9.0)):
        base = f"fal-ai/flux-pro/kontext{tier}"
        models += [
            Model(base, _IMAGE | _PROMPT | _RATIO_KEPT | dials | common, pace, "refuses"),
            Model(f"{base}/multi", _IMAGES | _PROMPT | _RATIO_KEPT | dials | common, pace, "refuses"),
            Model(f"{base}/text-to-image", _PROMPT | square | dials | common, pace, "refuses"),
        ]
    return models


def _flux_2() -> list[Model]:
    sized: Fields = {"image_size": size("landscape_4_3", 512, 2048)}
    unsized: Fields = {"image_size": size(None, 512, 2048)}
    auto: Fields = {"image_size": size("auto", 512, 2048, extra=("auto",))}
    expansion: Fields = {"enable_prompt_expansion": flag()}
    loras: Fields = {"loras": Field("any")}
    rest = _PROMPT | _COUNT | _PNG | _CHECKER | expansion | _EVERY | _guidance(2.5, 0, 20)
    full = rest | _steps(28, 4, 50) | _acceleration("regular")
    models = [
        Model("fal-ai/flux-2", full | sized, 6.0),
        Model("fal-ai/flux-2/edit", full | unsized | _IMAGES, 7.0),
        Model("fal-ai/flux-2/lora", full | sized | loras, 7.0),
        Model("fal-ai/flux-2/lora/edit", full | unsized | loras | _IMAGES, 8.0),
        Model("fal-ai/flux-2/flash", rest | sized, 2.0),
        Model("fal-ai/flux-2/turbo", rest | sized, 2.5),
        Model("fal-ai/flux-2/flash/edit", rest | {"image_size": size("square_hd", 512, 2048)} | _IMAGES, 2.5),
        Model("fal-ai/flux-2/turbo/edit", rest | unsized | _IMAGES, 3.0),
    ]
    checked = _PROMPT | _tolerance(5) | _CHECKER | _JPEG | _EVERY
    flex = checked | _guidance(3.5, 1.5, 10) | _steps(28, 2, 50)
    for name, fields, pace in (("pro", checked, 8.0), ("max", checked, 12.0), ("flex", flex, 9.0)):
        base = f"fal-ai/flux-2-{name}"
        models += [
            Model(base, fields | sized, pace, "refuses", "short"),
            Model(f"{base}/edit", fields | auto | _IMAGES, pace, "refuses", "short"),
        ]
    edges: Fields = {f"expand_{edge}": integer(0, 0, 2048) for edge in ("top", "bottom", "left", "right")}
    outpaint = _IMAGE | edges | {"auto_crop": flag(), "mode": choice("high", "high", "fast")} | _JPEG | _EVERY
    models.append(Model("fal-ai/flux-2-pro/outpaint", outpaint, 8.0, "refuses", "images"))
    for parameters, pace in (("4b", 1.5), ("9b", 2.0)):
        base = f"fal-ai/flux-2/klein/{parameters}"
        quick = _PROMPT | _COUNT | _PNG | _CHECKER | _EVERY | _steps(4, 4, 8)
        slow = (
            _PROMPT
            | _COUNT
            | _PNG
            | _CHECKER
            | _EVERY
            | _steps(28, 4, 50)
            | _guidance(5, 0, 20)
            | _acceleration("regular")
            | {"negative_prompt": text("")}
        )
        models += [
            Model(base, quick | sized, pace),
            Model(f"{base}/edit", quick | unsized | _IMAGES, pace),
            Model(f"{base}/base", slow | sized, pace * 3),
            Model(f"{base}/base/edit", slow | unsized | _IMAGES, pace * 3),
            Model(f"{base}/base/lora", slow | sized | loras, pace * 3),
            Model(f"{base}/base/edit/lora", slow | unsized | loras | _IMAGES, pace * 3),
        ]
    return models


def _krea_2() -> list[Model]:
    base = "fal-ai/krea-2/turbo"
    fields = (
        _PROMPT
        | {"image_size": size("square_hd")}
        | {"acceleration": choice("none", "none", "regular")}
        | {"enable_prompt_expansion": flag()}
        | _COUNT
        | _PNG
        | _EVERY
    )
    style: Fields = {
        "reference_image_urls": Field("images", required=True, low=1, high=3),
        "style_scale": number(1, 0, 4),
    }
    return [
        Model(base, fields, 3.0),
        Model(f"{base}/style", fields | style, 4.0),
        Model(f"{base}/lora", fields | {"loras": Field("any")}, 4.0),
    ]


MODELS: dict[str, Model] = {model.id: model for model in (*_flux_1(), *_flux_pro(), *_flux_2(), *_krea_2())}
