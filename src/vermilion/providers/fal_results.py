"""What a finished job at fal made."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from vermilion.providers.contract import Done, MediaKind, Output
from vermilion.providers.errors import Broke, Drifted

_MEMBERS: tuple[tuple[str, MediaKind], ...] = (("images", "image"), ("image", "image"), ("video", "video"))
_FACTS = ("seed", "prompt")


def read_result(result: Mapping[str, Any], facts: Mapping[str, Any]) -> Done:
    """The outputs of a model's result, in order; those flagged as unsafe are marked as blocked.

    Raises `Broke` when there are none, `Drifted` when they are not what fal's models answer.
    """
    outputs: list[Output] = []
    flags = result.get("has_nsfw_concepts")
    for member, kind in _MEMBERS:
        made = result.get(member)
        if made is None:
            continue
        for index, item in enumerate(made if isinstance(made, list) else [made]):
            blocked = isinstance(flags, list) and index < len(flags) and flags[index] is True
            outputs.append(_output(item, kind, blocked))
    if not outputs:
        if not any(member in result for member, _ in _MEMBERS):
            raise Drifted("fal's result has no member this house knows.", vendor_message=", ".join(sorted(result)))
        raise Broke("fal finished without making anything.", again=False)
    told = {name: result[name] for name in _FACTS if isinstance(result.get(name), int | str)}
    return Done(tuple(outputs), {**told, **facts})


def _output(item: Any, kind: MediaKind, blocked: bool) -> Output:
    url = item.get("url") if isinstance(item, dict) else item
    claimed = item.get("content_type") if isinstance(item, dict) else None
    content_type = claimed if isinstance(claimed, str) else None
    if not isinstance(url, str):
        raise Drifted("fal's result names no address for an output.", vendor_message=str(item)[:200])
    if url.startswith("data:"):
        head, _, data = url.partition(",")
        try:
            content = base64.b64decode(data, validate=True)
        except binascii.Error as error:
            raise Drifted("fal's result holds a file that cannot be decoded.") from error
        return Output(kind, data=content, content_type=head[5:].partition(";")[0] or content_type, blocked=blocked)
    if not url.startswith(("https://", "http://")):
        raise Drifted("fal's result names an address that is no web address.", vendor_message=url[:200])
    return Output(kind, url=url, content_type=content_type, blocked=blocked)
