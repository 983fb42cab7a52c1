"""What the described routes take. Keys may be written in `snake_case` or `camelCase`; unknown ones are refused by name.

Limits here only bound what is read; what a model accepts is the catalog's to say.
"""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from vermilion.dialects.spelling import named, renamed, snake

PROMPT_MAX_CHARS = 20_000
FILES_MAX = 16
SIDE_MAX_PIXELS = 16_384

Text = Annotated[str, Field(max_length=2500)]
ModelName = Annotated[str, Field(min_length=1, max_length=200)]
Prompt = Annotated[str, Field(max_length=PROMPT_MAX_CHARS)]
Number = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]
Seed = Annotated[Whole | None, AfterValidator(lambda seed: seed if seed is not None and seed >= 0 else None)]
"""What chance begins from; a negative one is how these clients say that the model is to choose."""
Count = Annotated[int, Field(ge=1, le=100)]
Direction = Literal["horizontal", "vertical", "pan", "tilt", "roll", "zoom"]
Given = Annotated[str, Field(min_length=1)]
"""A file: the id of one of the person's own, an address, a data URL, or base64."""


class Body(BaseModel):
    """A body whose keys may be in either spelling."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _one_spelling(cls, given: Any) -> Any:
        return named(given, lambda key: key if key in cls.model_fields else snake(key))


def _within_pixels(side: int) -> int:
    if not 1 <= side <= SIDE_MAX_PIXELS:
        raise ValueError(f"must be 1 to {SIDE_MAX_PIXELS} pixels")
    return side


Side = Annotated[int, AfterValidator(_within_pixels)]


class PixelSize(Body):
    """Width and height, in pixels."""

    width: Side
    height: Side


def _word_or_pixels(given: Any) -> Any:
    """The one form that was meant is judged, so that nobody is told what is wrong with the other."""
    if isinstance(given, dict):
        return PixelSize.model_validate(given)
    if given is None or isinstance(given, str | PixelSize):
        return given
    raise ValueError("must be a text such as square_hd or 1024x768, or an object with width and height")


class FluxBody(Body):
    """A Flux request; which of these a model understands is told by `GET /flux/models`."""

    prompt: Prompt = ""
    model: ModelName | None = None
    negative_prompt: Text | None = None
    input_image_url: Given | None = None
    image_url: Given | None = None
    image_urls: Annotated[list[Given], Field(max_length=FILES_MAX)] = []
    num_images: Whole | None = None
    aspect_ratio: Text | None = None
    image_size: Annotated[str | PixelSize | None, BeforeValidator(_word_or_pixels)] = None
    guidance_scale: Number | None = None
    num_inference_steps: Whole | None = None
    seed: Seed = None
    strength: Number | None = None
    enable_safety_checker: bool | None = None
    safety_tolerance: int | Text | None = None
    output_format: Text | None = None
    sync_mode: bool | None = None
    """Accepted and without effect: every task is followed by its id."""


class PaintingBody(Body):
    """A DreamWork request."""

    prompt: Prompt = ""
    model: ModelName | None = None
    image: Given | Annotated[list[Given], Field(max_length=FILES_MAX)] | None = None
    size: Text | None = None
    seed: Seed = None
    guidance_scale: Number | None = None
    watermark: bool | None = None
    n: Whole | None = None


class CameraMove(Body):
    """How the camera moves: one of the named moves, or `simple` with one direction that is not 0."""

    type: Literal["simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward"] = "simple"
    config: dict[Direction, Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False)]] | None = None

    @field_validator("config")
    @classmethod
    def _one_way(cls, config: dict[Direction, float] | None, info: ValidationInfo) -> dict[Direction, float] | None:
        moved = [direction for direction, amount in (config or {}).items() if amount]
        if len(moved) > 1:
            raise ValueError(f"must move in one direction: {' and '.join(moved)} are not 0")
        if moved and info.data.get("type", "simple") != "simple":
            raise ValueError("is for the type simple alone: the other moves have no directions")
        return config


class VideoBody(Body):
    """A video request, for Kling and for Jimeng."""

    prompt: Prompt = ""
    negative_prompt: Text | None = None
    model_name: ModelName | None = None
    model: ModelName | None = None
    mode: Text | None = None
    duration: int | Text | None = None
    aspect_ratio: Text | None = None
    cfg_scale: Number | None = None
    camera_control: CameraMove | None = None
    image: Given | None = None
    image_tail: Given | None = None
    seed: Seed = None


class ReferenceImage(Body):
    """A picture beside the words: a prompt of its own (`normal`), a style or a character."""

    base64: Given | None = None
    url: Given | None = None
    file_id: Given | None = None
    weight: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] | None = None
    type: Literal["normal", "style", "character"] = "normal"
    filename: Annotated[str, Field(max_length=300)] | None = None

    @model_validator(mode="after")
    def _is_one_picture(self) -> Self:
        if sum(given is not None for given in (self.base64, self.url, self.file_id)) != 1:
            raise ValueError("give the picture once: as base64, url or file_id")
        return self

    @property
    def content(self) -> str:
        """The picture, however it was given."""
        return self.base64 or self.url or self.file_id or ""


class Shape(Body):
    """Width to height."""

    width: Count
    height: Count


class AdvancedParams(Body):
    """Midjourney's parameters; what a version accepts is told by `GET /midjourney/models`."""

    chaos: Whole | None = None
    stylize: Whole | None = None
    seed: Seed = None
    weird: Whole | None = None
    quality: Number | Text | None = None
    version: Number | Text | None = None
    aspect_ratio: Text | None = None
    custom_aspect_ratio: Shape | None = None
    tile: bool | None = None


class ImagineBody(Body):
    """Words, and what else Midjourney is to know."""

    prompt: Prompt
    model: ModelName | None = None
    negative_prompt: Text | None = None
    mode: Text | None = None
    reference_images: Annotated[list[ReferenceImage], Field(max_length=FILES_MAX)] = []
    advanced_params: AdvancedParams = AdvancedParams()


class BlendBody(Body):
    """Two to five pictures, and the shape of what they become."""

    images: Annotated[list[Given], Field(max_length=5)] = []
    base64_array: Annotated[list[Given], Field(max_length=5)] = []
    dimensions: Text | None = None
    mode: Text | None = None

    @property
    def pictures(self) -> dict[str, list[str]]:
        """The pictures, by the field they were given in."""
        return {"images": self.images, "base64_array": self.base64_array}


class OneImageBody(Body):
    """One picture."""

    image: Given | None = None
    base64: Given | None = None
    mode: Text | None = None

    @model_validator(mode="after")
    def _is_one_picture(self) -> Self:
        if (self.image is None) == (self.base64 is None):
            raise ValueError("give one picture, as image or base64")
        return self

    @property
    def picture(self) -> str:
        """The picture, however it was given."""
        return self.image or self.base64 or ""

    @property
    def given_as(self) -> str:
        """The field it was given in."""
        return "image" if self.image else "base64"


class ShortenBody(Body):
    """Words to shorten."""

    prompt: Prompt
    mode: Text | None = None


class ActionBody(Body):
    """A button of a task."""

    task_id: UUID
    custom_id: Annotated[str, Field(min_length=1, max_length=300)]


class ModalBody(Body):
    """A button of a task that asks for words or for a region."""

    task_id: UUID
    custom_id: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    prompt: Prompt | None = None
    mask_base64: Given | None = None
    mask: Given | None = None


class LipSyncBody(Body):
    """Words or sound for a face in a video: a video of one's own, or the task that made it."""

    video: Given | None = None
    task_id: UUID | None = None
    mode: Literal["text", "audio", "text2video", "audio2video"] = "text"
    text: Prompt = ""
    voice: Text | None = None
    language: Text | None = None
    speed: Number | None = None
    audio: Given | None = None

    @model_validator(mode="before")
    @classmethod
    def _other_names(cls, given: Any) -> Any:
        return renamed(given, voice_id="voice", voice_language="language", voice_speed="speed", audio_file="audio")

    @model_validator(mode="after")
    def _has_a_video(self) -> Self:
        if (self.video is None) == (self.task_id is None):
            raise ValueError("give a video, or the task_id of the task that made it")
        return self


class CreateBody(Body):
    """A picture by one of the studio's workflows."""

    prompt: Prompt
    model_name: ModelName
    negative_prompt: Prompt | None = None
    width: Whole | None = None
    height: Whole | None = None
    steps: Whole | None = None
    cfg: Number | None = None
    seed: Seed = None
    image: Given | None = None
    workflow: dict[str, Any] | None = None
    """Refused: what may run on the operator's machines is the operator's to choose."""
