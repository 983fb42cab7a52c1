"""Files inside requests: one's own by id or by the address we gave it, others' by address, or as base64.

Whatever was not the person's before becomes an upload of theirs, by the library's own door.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from vermilion.dialects.house import House
from vermilion.dialects.telling import called
from vermilion.generation import WantedInput
from vermilion.identity import Actor
from vermilion.library import receive_from_address, receive_text, trash_asset

_OWN = re.compile(r"^(?:https?://[^/?#]+)?/api/v1/(?:assets|files)/([0-9a-fA-F-]{36})(?:[/?#].*)?$")
"""An address of ours, as answers give it: it leads to the person's own file, which needs no fetching."""


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file as a request gives it: what it is there for, the id, address or base64, and its weight.

    `sent_as` is the field the client sent it in, where that is called something else.
    """

    name: str
    content: str
    weight: float | None = None
    filename: str | None = None
    sent_as: str = ""

    @property
    def field(self) -> str:
        """What the client calls it."""
        return self.sent_as or self.name


@dataclass(frozen=True, slots=True)
class Received:
    """The inputs, in the order given, and the uploads made for them."""

    inputs: tuple[WantedInput, ...]
    uploads: tuple[UUID, ...]


async def receive(house: House, actor: Actor, files: Sequence[GivenFile], roles: Iterable[str]) -> Received:
    """Every file as an input in its role; nothing stays uploaded when one of them is refused.

    What a request gives twice is one upload. One that another request made is never shared: that could still be
    refused, and let it go.
    """
    inputs: list[WantedInput] = []
    uploads: dict[str, UUID] = {}
    try:
        for given, role in zip(files, roles, strict=True):
            asset_id = own_file(given.content) or uploads.get(_bare(given.content))
            if asset_id is None:
                asset_id = uploads[_bare(given.content)] = await _upload(house, actor, given)
            inputs.append(WantedInput(role, asset_id, given.weight))
    except BaseException:
        await let_go(house, actor, uploads.values())
        raise
    return Received(tuple(inputs), tuple(uploads.values()))


def _bare(content: str) -> str:
    """The content without the head of a data URL."""
    head, comma, tail = content.partition(",")
    return tail if comma and head.startswith("data:") else content


async def let_go(house: House, actor: Actor, uploads: Iterable[UUID]) -> None:
    """Trash the uploads of a request that was not accepted."""
    for asset_id in uploads:
        await house.db.write(trash_asset, actor.user_id, asset_id, house.clock.now())


def own_file(content: str) -> UUID | None:
    """The id in a bare id or in an address of ours; None for anything else."""
    if len(content) > 1000:
        return None
    found = _OWN.match(content)
    try:
        return UUID(found[1] if found else content)
    except ValueError:
        return None


async def _upload(house: House, actor: Actor, given: GivenFile) -> UUID:
    owner, now = actor.user_id, house.clock.now()
    with called({"file": given.field}):
        if given.content.startswith(("http://", "https://")):
            asset = await receive_from_address(house, owner, given.content, field=given.field, now=now)
        else:
            asset = await receive_text(house, owner, given.content, field=given.field, name=given.filename, now=now)
    return asset.id
