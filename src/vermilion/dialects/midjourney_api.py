"""Midjourney: imagine, blend, describe, shorten; what its buttons do; the seed of a picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from vermilion.db import Tx
from vermilion.dialects.bodies import (
    ActionBody,
    AdvancedParams,
    BlendBody,
    ImagineBody,
    ModalBody,
    OneImageBody,
    ShortenBody,
)
from vermilion.dialects.buttons import act
from vermilion.dialects.files import GivenFile
from vermilion.dialects.house import HouseHere, LinksHere
from vermilion.dialects.making import Wish, make, makes
from vermilion.dialects.routes import MAKING, Route, face
from vermilion.dialects.table import MIDJOURNEY
from vermilion.dialects.task_views import TaskView, task_view
from vermilion.dialects.tasks_api import task_for
from vermilion.generation import TERMINAL, Filter, GenerationView, list_generations
from vermilion.identity import Actor, CurrentActor
from vermilion.kit import NotFound

SEEDS_ASKED_MAX: Final = 20

_BLEND_SHAPES: Final = {"SQUARE": "1:1", "PORTRAIT": "2:3", "LANDSCAPE": "3:2"}
"""Midjourney's own words for the shapes of a blend."""


class ImageSeedView(BaseModel):
    """The seed a task's picture was made from."""

    task_id: UUID
    seed: int


@makes(MIDJOURNEY, "/submit/imagine", "Pictures from words", takes_files=True)
@makes(MIDJOURNEY, "/generate", "Pictures from words", takes_files=True)
def imagine(body: ImagineBody) -> Wish:
    """Reference pictures are prompts, styles or characters, with weights."""
    files = [
        GivenFile(
            picture.type,
            picture.content,
            # A style's weight stands beside its address; the others are weighed by parameters.
            picture.weight if picture.type == "style" else None,
            picture.filename,
            "reference_images",
        )
        for picture in body.reference_images
    ]
    sent_as = {name: (f"advanced_params.{name}",) for name in AdvancedParams.model_fields}
    sent_as["image_weight"] = ("reference_images",)
    if body.advanced_params.custom_aspect_ratio is not None:
        sent_as["aspect_ratio"] = sent_as["custom_aspect_ratio"]
    if body.model is None and body.advanced_params.version is not None:
        sent_as["model"] = sent_as["version"]
    return Wish("imagine", body.prompt, model_named(body), _imagine_fields(body), files, sent_as=sent_as)


@makes(MIDJOURNEY, "/submit/blend", "One picture of several", takes_files=True)
def blend(body: BlendBody) -> Wish:
    """Two to five pictures become one; `dimensions` is a ratio, or SQUARE, PORTRAIT or LANDSCAPE in any case."""
    sent = body.model_dump(exclude_none=True, include={"dimensions", "mode"})
    if body.dimensions is not None:
        sent["dimensions"] = blend_shape(body.dimensions)
    files = [GivenFile("normal", each, sent_as=name) for name, given in body.pictures.items() for each in given]
    return Wish("blend", fields=sent, files=files, sent_as={"normal": ("images",)})


@makes(MIDJOURNEY, "/submit/describe", "Words for a picture", takes_files=True)
def describe(body: OneImageBody) -> Wish:
    """The words are among the task's `properties.facts.texts`."""
    sent = body.model_dump(exclude_none=True, include={"mode"})
    return Wish("describe", fields=sent, files=[GivenFile("normal", body.picture, sent_as=body.given_as)])


@makes(MIDJOURNEY, "/submit/shorten", "Fewer words")
def shorten(body: ShortenBody) -> Wish:
    """The words are among the task's `properties.facts.texts`."""
    return Wish("shorten", body.prompt, fields=body.model_dump(exclude_none=True, include={"mode"}))


@face(Route("POST", "/midjourney/submit/action", "user", "Press a button of a task"), refusals=MAKING)
async def action(house: HouseHere, links: LinksHere, actor: CurrentActor, body: ActionBody) -> TaskView:
    """`custom_id` is one of the task's buttons; one that needs words or a region is for `submit/modal`."""
    return await act(house, links, MIDJOURNEY, actor, body)


@face(
    Route("POST", "/midjourney/submit/modal", "user", "Press a button that asks for more", takes_files=True),
    refusals=MAKING,
)
async def modal(house: HouseHere, links: LinksHere, actor: CurrentActor, body: ModalBody) -> TaskView:
    """With the words, or the region as a mask that is white where it changes.

    Without `custom_id` it is the task's first button that asks for what is given.
    """
    return await act(house, links, MIDJOURNEY, actor, body, prompt=body.prompt, mask=body.mask_base64 or body.mask)


@face(Route("GET", "/midjourney/task/{task_id}/image-seed", "owner", "The seed of a task"))
async def image_seed(house: HouseHere, actor: CurrentActor, task_id: UUID) -> ImageSeedView:
    """The seed, where it is known: it was asked for, or Midjourney told it, or a request for it was answered."""
    known = await house.db.read(_known_seed, actor, task_id)
    if known.seed is None:
        raise NotFound(
            "dialects.no_seed", "No seed is known of this task yet. POST to this address asks Midjourney for it."
        )
    return ImageSeedView(task_id=task_id, seed=known.seed)


@face(
    Route("POST", "/midjourney/task/{task_id}/image-seed", "owner", "Ask for the seed of a task"),
    refusals=(402, 409),
)
async def ask_image_seed(house: HouseHere, links: LinksHere, actor: CurrentActor, task_id: UUID) -> TaskView:
    """A task of its own, with a price; once it is completed, GET knows the seed.

    Where the seed is known already nothing is asked and nothing paid: the answer is the task that told it. Nor is it
    asked twice at a time: while a task asks for it, that one is the answer.
    """
    known = await house.db.read(_known_seed, actor, task_id)
    if known.told_by is not None:
        return task_view(MIDJOURNEY, known.told_by, links, user_id=known.owner)
    return await make(house, links, MIDJOURNEY, actor, Wish("image-seed", parent_id=task_id))


@dataclass(frozen=True, slots=True)
class _KnownSeed:
    """The seed of a task, None where nobody knows it, the generation that tells it or will, and whose that is."""

    seed: int | None
    told_by: GenerationView | None
    owner: UUID


def _known_seed(tx: Tx, viewer: Actor, task_id: UUID) -> _KnownSeed:
    """What Midjourney told of the task, or answered when it was asked, or what the task was to begin from.

    Raises `NotFound` as `task_for` does.
    """
    owner, view = task_for(tx, MIDJOURNEY, viewer, task_id)
    asked = Filter(model=MIDJOURNEY.models["image-seed"][0], parent_id=task_id)
    answers = list_generations(tx, owner, asked, cursor=None, limit=SEEDS_ASKED_MAX)
    told = [(each, (each.facts or {}).get("seed")) for each in (view, *answers.items)]
    for told_by, seed in (*told, (view, view.params.get("seed"))):
        if isinstance(seed, int):
            return _KnownSeed(seed, told_by, owner)
    asking = next((each for each in answers.items if each.status not in TERMINAL), None)
    return _KnownSeed(None, asking, owner)


def _imagine_fields(body: ImagineBody) -> Mapping[str, Any]:
    advanced = body.advanced_params
    sent = advanced.model_dump(exclude_none=True, exclude={"custom_aspect_ratio", "version"})
    if advanced.custom_aspect_ratio is not None:
        custom = advanced.custom_aspect_ratio
        sent["aspect_ratio"] = f"{custom.width}:{custom.height}"
    weights = [picture.weight for picture in body.reference_images if picture.type == "normal" and picture.weight]
    if weights:
        # Midjourney weighs all picture prompts together.
        sent["image_weight"] = max(weights)
    return sent | body.model_dump(exclude_none=True, include={"negative_prompt", "mode"})


def blend_shape(dimensions: str) -> str:
    """The ratio a blend's shape is: by Midjourney's word for it, or as it is given."""
    return _BLEND_SHAPES.get(dimensions.strip().upper(), dimensions.strip())


def model_named(body: ImagineBody) -> str | None:
    """The model a request names, by itself or by a version: `6.1`, `niji 6`."""
    version = body.advanced_params.version
    if body.model is not None or version is None:
        return body.model
    spelled = f"{version:g}" if isinstance(version, float) else version.strip().lower().removeprefix("v").strip()
    return f"--{spelled}" if spelled.startswith("niji") else f"--v {spelled}"
