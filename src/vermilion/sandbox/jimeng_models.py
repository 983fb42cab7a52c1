"""Jimeng's models: what each may be asked, and how large and long its results are. Facts: the vendor's pages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

FRAMES = {121: 5.0, 241: 10.0}
RATIOS: dict[str, tuple[int, int]] = {
    "16:9": (1920, 1088),
    "4:3": (1664, 1248),
    "1:1": (1440, 1440),
    "3:4": (1248, 1664),
    "9:16": (1088, 1920),
    "21:9": (2176, 928),
}
"""Sizes of 1080P films by ratio; those of 720P are two thirds of them."""
TEMPLATES = {
    "hitchcock_dolly_in",
    "hitchcock_dolly_out",
    "robo_arm",
    "dynamic_orbit",
    "central_orbit",
    "crane_push",
    "quick_pull_back",
    "counterclockwise_swivel",
    "clockwise_swivel",
    "handheld",
    "rapid_push_pull",
}
STRENGTHS = {"weak", "medium", "strong"}
PROMPT_CHARS = 800


@dataclass(frozen=True, slots=True)
class Model:
    """One `req_key`. `images` is how many pictures it takes; `area` bounds width times height of what it makes."""

    kind: Literal["image", "video"]
    seconds: float
    images: tuple[int, int] = (0, 0)
    large: bool = True
    camera: bool = False
    prompt_optional: bool = False
    by_address_only: bool = False
    size: tuple[int, int] = (1328, 1328)
    sides: tuple[int, int] = (0, 1 << 20)
    area: tuple[int, int] = (512**2, 2048**2)
    picture_bytes_max: int = int(4.7 * 2**20)
    picture_side_min: int = 320
    made_side: tuple[int, int] | None = None
    """Between what, in steps of 16, the sides of what it makes lie, where that is not as asked for."""

    def problem(self, body: Mapping[str, Any], images: int) -> str | None:
        """What is wrong with a request, or None."""
        prompt = body.get("prompt", "")
        if not isinstance(prompt, str) or len(prompt) > PROMPT_CHARS:
            return "prompt"
        if not prompt.strip() and not (self.prompt_optional and images):
            return "prompt"
        if not self.images[0] <= images <= self.images[1]:
            return "the number of pictures"
        if self.by_address_only and body.get("binary_data_base64"):
            return "binary_data_base64"
        if not isinstance(body.get("seed", -1), int) or body.get("seed", -1) < -1:
            return "seed"
        if self.kind == "image":
            return self._image_problem(body)
        return self._film_problem(body)

    def _film_problem(self, body: Mapping[str, Any]) -> str | None:
        if not _is_one(body.get("frames", 121), FRAMES):
            return "frames"
        if not _is_one(body.get("aspect_ratio", "16:9"), RATIOS):
            return "aspect_ratio"
        if self.camera and not _is_one(body.get("template_id"), TEMPLATES):
            return "template_id"
        if self.camera and not _is_one(body.get("camera_strength"), STRENGTHS):
            return "camera_strength"
        return None

    def _image_problem(self, body: Mapping[str, Any]) -> str | None:
        scale = body.get("scale", 0.5)
        if not isinstance(scale, int | float) or not 0 <= scale <= 1:
            return "scale"
        area = body.get("size", self.area[0])
        if not isinstance(area, int) or isinstance(area, bool) or not self.area[0] <= area <= self.area[1]:
            return "size"
        given = [body.get(side) for side in ("width", "height")]
        if given == [None, None]:
            return None
        width, height = given
        if not isinstance(width, int) or not isinstance(height, int) or width < 1 or height < 1:
            return "width and height"
        if not all(self.sides[0] <= side <= self.sides[1] for side in (width, height)):
            return "width and height"
        fits = self.area[0] <= width * height <= self.area[1] and max(width, height) <= 3 * min(width, height)
        return None if fits else "width and height"

    def _made(self, side: int) -> int:
        if self.made_side is None:
            return side
        return min(self.made_side[1], max(self.made_side[0], round(side / 16) * 16))

    def pixels(self, body: Mapping[str, Any], source: tuple[int, int] | None) -> tuple[int, int]:
        """The size of what it makes."""
        if self.kind == "image":
            if "width" in body:
                return self._made(int(body["width"])), self._made(int(body["height"]))
            if isinstance(body.get("size"), int):
                side = round(body["size"] ** 0.5)
                return side, side
            return source or self.size
        width, height = RATIOS[body.get("aspect_ratio", "16:9")]
        if source:
            wanted = source[0] / source[1]
            width, height = min(RATIOS.values(), key=lambda size: abs(size[0] / size[1] - wanted))
        return (width, height) if self.large else (width * 2 // 3, height * 2 // 3)


def _is_one(value: Any, known: Collection[Any]) -> bool:
    # Lists and objects cannot be looked up, and are never among them.
    return isinstance(value, str | int) and value in known


def picture_problem(model: Model, data: bytes, size: tuple[int, int]) -> str | None:
    """Why a picture is not taken, or None."""
    if len(data) > model.picture_bytes_max:
        return "a picture is too large"
    if max(size) > 4096 or min(size) < model.picture_side_min or max(size) > 3 * min(size):
        return "a picture is of a size that is not taken"
    return None


MODELS: dict[str, Model] = {
    "jimeng_t2v_v30": Model("video", 40, large=False),
    "jimeng_i2v_first_v30": Model("video", 40, (1, 1), large=False, prompt_optional=True),
    "jimeng_i2v_first_tail_v30": Model("video", 45, (2, 2), large=False, prompt_optional=True),
    "jimeng_i2v_recamera_v30": Model("video", 45, (1, 1), large=False, camera=True, prompt_optional=True),
    "jimeng_t2v_v30_1080p": Model("video", 70),
    "jimeng_i2v_first_v30_1080": Model("video", 70, (1, 1), prompt_optional=True),
    "jimeng_i2v_first_tail_v30_1080": Model("video", 75, (2, 2), prompt_optional=True),
    "jimeng_ti2v_v30_pro": Model("video", 90, (0, 1), prompt_optional=True),
    "jimeng_t2i_v30": Model("image", 8),
    "jimeng_t2i_v31": Model("image", 8),
    "jimeng_t2i_v40": Model(
        "image",
        15,
        (0, 10),
        by_address_only=True,
        size=(2048, 2048),
        area=(1024**2, 4096**2),
        picture_bytes_max=15 * 2**20,
        picture_side_min=1,
    ),
    "jimeng_i2i_v30": Model("image", 10, (1, 1), sides=(512, 2016), area=(512**2, 2016**2), made_side=(512, 1536)),
    "jimeng_image2image_dream_inpaint": Model("image", 10, (2, 2)),
}
GATEWAY = Model("video", 45, (0, 1), prompt_optional=True)
"""What an aggregator makes; it names no model."""
