"""The one table of the described routes: what each service is in this house's catalog, and what its fields are called.

A *service* is a vendor in the described system's words. Here it is the models of a provider, the models its routes
mean where a request names none, and the names its fields have among those models' parameters.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from vermilion.providers import Makes

Job = Literal[
    "imagine",
    "blend",
    "describe",
    "shorten",
    "image-seed",
    "text-to-image",
    "image-to-image",
    "multi-image-edit",
    "text-to-video",
    "image-to-video",
    "lip-sync-text",
    "lip-sync-audio",
    "create",
]
"""What is asked of a service; a service's routes ask for these."""

BY_DEFAULT: Final[frozenset[Job]] = frozenset(
    {"imagine", "text-to-image", "image-to-image", "multi-image-edit", "text-to-video", "image-to-video"}
)
"""Jobs that the operator's default model of a service is meant for; each of the others has a model of its own."""

FROM_FILES: Final[frozenset[Job]] = frozenset({"image-to-image", "multi-image-edit", "image-to-video"})
"""Jobs that begin with a file: a model that takes none is never meant where nobody names it."""

TimeoutUnit = Literal["ms", "s"]


@dataclass(frozen=True, slots=True)
class Service:
    """One service. `models` says, per job, which models are meant where nobody names one, the likeliest first.

    `fields` gives, for a request's field, the parameters it may be in a model of this service, where they are not
    simply called the same. `roles` does so for files. `variants` are the endings by which models that differ in what
    they begin with are told apart: one name asks for all of them, and the files decide. `api_key` names the
    credential's field that the described configuration calls so.
    """

    name: str
    title: str
    provider: str
    models: Mapping[Job, tuple[str, ...]]
    api_key: str
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    variants: tuple[str, ...] = ()
    timeout_unit: TimeoutUnit = "ms"
    timeout_field: str = "task_timeout"
    actions: Mapping[str, str] = field(default_factory=dict)
    """What clients of this service know a task as (`action`), by its model; `*` is every other."""
    progress_is_text: bool = False
    """Whether clients of this service read progress as `45%` instead of 45."""


_SIZES: Final = {"width_height": ("exact_size",)}
_FRAMES: Final = {
    "image": ("start_frame", "first_frame", "image"),
    "image_tail": ("end_frame", "last_frame"),
}

_MIDJOURNEY_ACTIONS: Final = {
    "*": "IMAGINE",
    "midjourney-blend": "BLEND",
    "midjourney-describe": "DESCRIBE",
    "midjourney-describe-again": "DESCRIBE",
    "midjourney-shorten": "SHORTEN",
    "midjourney-edit": "EDIT",
    "midjourney-retexture": "RETEXTURE",
    "midjourney-upscale": "UPSCALE",
    "midjourney-vary": "VARIATION",
    "midjourney-region": "VARIATION",
    "midjourney-zoom": "ZOOM",
    "midjourney-seed": "ACTION",
    "midjourney-video": "VIDEO",
    "midjourney-animate": "VIDEO",
    "midjourney-video-extend": "VIDEO_EXTEND",
    "midjourney-clip": "UPSCALE",
}
"""In midjourney-proxy's words, which these clients branch on."""

MIDJOURNEY: Final = Service(
    name="midjourney",
    title="Midjourney",
    provider="midjourney",
    models={
        "imagine": ("midjourney-v7", "midjourney-v6-1"),
        "blend": ("midjourney-blend",),
        "describe": ("midjourney-describe",),
        "shorten": ("midjourney-shorten",),
        "image-seed": ("midjourney-seed",),
    },
    api_key="secret",
    fields={"mode": ("speed",), "negative_prompt": ("without",)},
    roles={"normal": ("image",), "style": ("style",), "character": ("character", "omni")},
    actions=_MIDJOURNEY_ACTIONS,
    progress_is_text=True,
)

FLUX: Final = Service(
    name="flux",
    title="Flux",
    provider="fal",
    models={
        "text-to-image": ("flux-1-dev",),
        "image-to-image": ("flux-1-dev-image-to-image",),
        "multi-image-edit": ("flux-kontext-max-multi",),
    },
    api_key="key",
    fields=_SIZES,
    timeout_unit="s",
)

DREAMWORK: Final = Service(
    name="dreamwork",
    title="DreamWork",
    provider="dreamwork",
    models={
        "text-to-image": ("seedream-4.0", "seedream-3.0"),
        "image-to-image": ("seedream-4.0", "seededit-3.0"),
    },
    api_key="key",
    fields={**_SIZES, "n": ("num_images",)},
)

KLING: Final = Service(
    name="kling",
    title="Kling",
    provider="kling",
    models={
        "text-to-video": ("kling-v1-6",),
        "image-to-video": ("kling-v1-6-image",),
        "lip-sync-text": ("kling-lip-sync",),
        "lip-sync-audio": ("kling-lip-sync-audio",),
    },
    api_key="api_key",
    fields={"speed": ("voice_speed",)},
    roles=_FRAMES,
    variants=("-image",),
)

JIMENG: Final = Service(
    name="jimeng",
    title="Jimeng",
    provider="jimeng",
    models={
        "text-to-video": ("jimeng-video-3.0-720p",),
        "image-to-video": ("jimeng-video-3.0-720p-first-frame", "jimeng-video-3.0-720p-first-last"),
    },
    api_key="api_key",
    roles=_FRAMES,
    variants=("-first-frame", "-first-last", "-references", "-edit"),
)

GENERATION: Final = Service(
    name="generation",
    title="ComfyUI",
    provider="comfyui",
    models={"create": ()},
    api_key="api_key",
    fields={
        **_SIZES,
        "steps": ("steps", "num_inference_steps"),
        "cfg": ("cfg", "cfg_scale", "guidance_scale"),
    },
)

SERVICES: Final[Mapping[str, Service]] = {
    each.name: each for each in (MIDJOURNEY, FLUX, DREAMWORK, KLING, JIMENG, GENERATION)
}

VENDOR_SERVICES: Final[tuple[Service, ...]] = (MIDJOURNEY, FLUX, DREAMWORK, KLING, JIMENG)
"""Those with the routes every vendor's service has."""

MAKES: Final[Mapping[Job, Makes]] = {
    "imagine": "image",
    "blend": "image",
    "describe": "text",
    "shorten": "text",
    "image-seed": "text",
    "text-to-image": "image",
    "image-to-image": "image",
    "multi-image-edit": "image",
    "text-to-video": "video",
    "image-to-video": "video",
    "lip-sync-text": "video",
    "lip-sync-audio": "video",
}
"""What a job makes; a workflow may make anything."""
