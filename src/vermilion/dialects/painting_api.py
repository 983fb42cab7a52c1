"""DreamWork: pictures from words, and from pictures."""

from vermilion.dialects.bodies import PaintingBody
from vermilion.dialects.files import GivenFile
from vermilion.dialects.making import Wish, makes
from vermilion.dialects.sizes import size_fields
from vermilion.dialects.table import DREAMWORK, Job


@makes(DREAMWORK, "/submit/text-to-image", "A picture from words")
def text_to_image(body: PaintingBody) -> Wish:
    """Without a model: Seedream 4.0."""
    return _wish("text-to-image", body)


@makes(DREAMWORK, "/submit/image-to-image", "A picture from pictures", takes_files=True)
def image_to_image(body: PaintingBody) -> Wish:
    """Without a model: Seedream 4.0; several pictures are references."""
    return _wish("image-to-image", body)


def _wish(job: Job, body: PaintingBody) -> Wish:
    sent = body.model_dump(exclude_none=True, exclude={"prompt", "model", "image", "size"})
    sizes = size_fields(body.size) if body.size else {}
    pictures = [body.image] if isinstance(body.image, str) else body.image or []
    files = [GivenFile("image", picture) for picture in pictures]
    return Wish(job, body.prompt, body.model, sent | sizes, files, sent_as=dict.fromkeys(sizes, ("size",)))
