"""DreamWork: pictures from words, and from pictures."""

from vermilion.dialects.bodies import PaintingBody
from vermilion.dialects.files import GivenFile
from vermilion.dialects.house import House, HouseHere, Links, LinksHere
from vermilion.dialects.making import Wish, make
from vermilion.dialects.routes import MAKING, Route, face
from vermilion.dialects.sizes import size_fields
from vermilion.dialects.table import DREAMWORK, Job
from vermilion.dialects.task_views import TaskView
from vermilion.identity import Actor, CurrentActor


@face(
    Route("POST", "/dreamwork/submit/text-to-image", "user", "A picture from words"),
    refusals=MAKING,
)
async def text_to_image(house: HouseHere, links: LinksHere, actor: CurrentActor, body: PaintingBody) -> TaskView:
    """Without a model: Seedream 4.0."""
    return await _make(house, links, actor, "text-to-image", body)


@face(
    Route("POST", "/dreamwork/submit/image-to-image", "user", "A picture from pictures", takes_files=True),
    refusals=MAKING,
)
async def image_to_image(house: HouseHere, links: LinksHere, actor: CurrentActor, body: PaintingBody) -> TaskView:
    """Without a model: Seedream 4.0; several pictures are references."""
    return await _make(house, links, actor, "image-to-image", body)


async def _make(house: House, links: Links, actor: Actor, job: Job, body: PaintingBody) -> TaskView:
    sent = body.model_dump(exclude_none=True, exclude={"prompt", "model", "image", "size", "seed"})
    if body.seed is not None and body.seed >= 0:
        # -1 is how these clients say that the model is to choose.
        sent["seed"] = body.seed
    sizes = size_fields(body.size) if body.size else {}
    sent |= sizes
    pictures = [body.image] if isinstance(body.image, str) else body.image or []
    files = [GivenFile("image", picture) for picture in pictures]
    wish = Wish(job, body.prompt, body.model, sent, files, sent_as=dict.fromkeys(sizes, ("size",)))
    return await make(house, links, DREAMWORK, actor, wish)
