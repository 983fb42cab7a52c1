"""How a job at Jimeng is: the answers of Volcengine's visual API, and the record gateways wrap around them."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from vermilion.providers import jimeng_errors
from vermilion.providers.contract import Done, MediaKind, Output, Pending
from vermilion.providers.errors import Broke, Drifted

_RESULTS = ("video_url", "image_urls", "binary_data_base64")
_WAITING = {"NOT_START", "SUBMITTED", "QUEUED"}
_PLACES = (
    ("data", "video"),
    ("data", "data", "video"),
    ("data", "data", "video_url"),
    ("data", "video_url"),
    ("video",),
    ("video_url",),
)
"""Where gateways put the film's address inside their record; they differ."""


def read_visual(data: Any) -> Pending | Done:
    """The `data` of a successful look-up. Raises `Broke` for a job that is lost, `Drifted` for an unknown shape."""
    content = data if isinstance(data, dict) else {}
    match content.get("status"):
        case "in_queue":
            return Pending(False)
        case "generating" | "processing":
            return Pending(True)
        case "done":
            return _made(content)
        case "not_found":
            raise Broke("Jimeng no longer knows this job.")
        case "expired":
            raise Broke("The job expired at Jimeng before it was made.")
    raise Drifted("Jimeng names a state this house does not know.", vendor_message=str(data)[:200])


def _made(content: Mapping[str, Any]) -> Done:
    if not any(name in content for name in _RESULTS):
        raise Drifted("Jimeng's result has no member this house knows.", vendor_message=", ".join(sorted(content)))
    outputs = [_output("video", url) for url in _some(content.get("video_url"))]
    outputs += [_output("image", url) for url in _some(content.get("image_urls"))]
    if not outputs:
        outputs = [_inline(text) for text in _some(content.get("binary_data_base64"))]
    if not outputs:
        raise Broke("Jimeng finished without making anything.", again=False)
    tagged = content.get("aigc_meta_tagged")
    return Done(tuple(outputs), {"aigc_meta_tagged": tagged} if isinstance(tagged, bool) else {})


def _some(value: Any) -> list[Any]:
    return [item for item in (value if isinstance(value, list) else [value]) if item not in (None, "")]


def _output(kind: MediaKind, url: Any) -> Output:
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise Drifted("Jimeng's result names an address that is no web address.", vendor_message=str(url)[:200])
    return Output(kind, url=url)


def _inline(text: Any) -> Output:
    try:
        return Output("image", data=base64.b64decode(text, validate=True), content_type="image/jpeg")
    except (binascii.Error, ValueError, TypeError) as error:
        raise Drifted("Jimeng's result holds a picture that cannot be decoded.") from error


def read_task(task: Any) -> Pending | Done:
    """A gateway's record of a job. Raises what the job ended with, or `Drifted` for an unknown shape."""
    record = task if isinstance(task, dict) else {}
    reason = record.get("fail_reason")
    words = reason if isinstance(reason, str) else ""
    status = str(record.get("status", "")).upper()
    if status in _WAITING:
        return Pending(False)
    if status == "IN_PROGRESS":
        return Pending(True, percent=_percent(record.get("progress")))
    if status == "FAILURE":
        raise jimeng_errors.failed_task(words, record.get("data"))
    if status != "SUCCESS":
        raise Drifted("The gateway names a state this house does not know.", vendor_message=str(task)[:200])
    url = next(_addresses(record, words), None)
    if url is None:
        raise Broke("The gateway finished without naming a result.", again=False)
    return Done((Output("video", url=url),))


def _addresses(record: Mapping[str, Any], reason: str) -> Iterator[str]:
    """Every web address at a place where gateways put the film's, the likeliest first."""
    found = [_at(record, *place) for place in _PLACES]
    tasks = _at(record, "data", "data", "metadata", "data", "task_map") or _at(
        record, "data", "metadata", "data", "task_map"
    )
    for each in tasks.values() if isinstance(tasks, dict) else ():
        items = _at(each, "item_list")
        first = items[0] if isinstance(items, list) and items else None
        found.append(_at(first, "transcoded_video", "origin", "video_url"))
    # The family of gateways these belong to puts the address of a success where others say why it failed.
    for url in (*found, reason):
        if isinstance(url, str) and url.startswith(("https://", "http://")):
            yield url


def _at(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _percent(progress: Any) -> float | None:
    try:
        return min(max(float(str(progress).rstrip("%")), 0.0), 100.0)
    except ValueError:
        return None
