"""What Kling answers, in either of its API generations and in the wrappings of relays, in the house's words.

The two generations spell success differently (`succeed`, `succeeded`); both are understood everywhere. Relays wrap
Kling's answer (`{"code": "success", "data": {"status": "IN_PROGRESS", "data": …}}`), put the result's address into
`fail_reason`, or answer in OpenAI's form. Facts: Kling's pages; the sources of public relays.
"""

from collections.abc import Mapping
from typing import Any

from vermilion.providers.contract import Done, JsonObject, MediaKind, Output, Pending, Ticket
from vermilion.providers.errors import Ambiguous, Broke, Drifted
from vermilion.providers.kling_errors import failed_job
from vermilion.providers.wire import Answer

ID_MAX_CHARS = 200

_WAITING = {"submitted", "not_start", "queued", "unknown"}
_RUNNING = {"processing", "in_progress"}
_SUCCEEDED = {"succeed", "succeeded", "success", "completed"}
_FAILED = {"failed", "failure"}

_EXTEND: JsonObject = {
    "id": "extend",
    "label": {"en": "Extend", "zh": "延长"},
    "model": "kling-extend",
    "prompt": None,
    "params": {},
    "needs": [],
}
_SPEAK: JsonObject = {
    "id": "lip_sync_text",
    "label": {"en": "Make it speak", "zh": "对口型说话"},
    "model": "kling-lip-sync",
    "prompt": None,
    "params": {},
    "needs": ["prompt"],
}
_SPEAK_AUDIO: JsonObject = {
    "id": "lip_sync_audio",
    "label": {"en": "Lip-sync to audio", "zh": "音频对口型"},
    "model": "kling-lip-sync-audio",
    "prompt": None,
    "params": {},
    "needs": ["audio"],
}


def job_id(answer: Answer) -> str:
    """The id of a job just accepted; raises `Ambiguous` when the answer does not name it."""
    try:
        body = answer.json()
    except Drifted as error:
        raise Ambiguous("Kling took the job and its answer could not be read.") from error
    data = body.get("data", body) if isinstance(body, dict) else None
    told = (data.get("task_id") or data.get("id")) if isinstance(data, dict) else data
    if (found := _id(told)) is None:
        raise Ambiguous("Kling's answer to a new job does not name it.", vendor_message=answer.text(200))
    return found


def data_of(answer: Answer) -> Any:
    """What an answer's envelope holds; raises `Drifted` for an answer without one."""
    body = answer.json()
    if not isinstance(body, dict):
        raise Drifted("Kling answered with JSON that is not an object.", vendor_message=answer.text(200))
    # OpenAI's form has no envelope.
    return body if body.get("object") == "video" else body.get("data")


def read_job(ticket: Ticket, job: Any) -> Pending | Done:
    """How a job is; raises what a failed one means, and `Drifted` for a shape nobody described."""
    if not isinstance(job, dict):
        raise Drifted("Kling's answer holds no job.", vendor_message=str(job)[:200])
    if "task_status" not in job and "fail_reason" in job:
        return _relayed(ticket, job)
    status = job.get("task_status") or job.get("status")
    word = status.lower() if isinstance(status, str) else ""
    if word in _WAITING or (job.get("object") == "video" and not word):
        return Pending(False)
    if word in _RUNNING:
        return Pending(True)
    if word in _FAILED:
        error = job.get("error")
        said = error.get("message") if isinstance(error, dict) else None
        raise failed_job(_words(job.get("task_status_msg") or job.get("message") or said))
    if word in _SUCCEEDED:
        return _done(ticket, job)
    raise Drifted("Kling names a status this house does not know.", vendor_message=str(status)[:200])


def external_id(job: Any) -> str | None:
    """Our own reference in a job, as either generation tells it."""
    if not isinstance(job, dict):
        return None
    info = job.get("task_info")
    told = info.get("external_task_id") if isinstance(info, dict) else job.get("external_id")
    return told if isinstance(told, str) else None


def id_in(job: Any) -> str | None:
    """The id of a job in an answer or a callback."""
    return _id(job.get("task_id") or job.get("id")) if isinstance(job, dict) else None


def _relayed(ticket: Ticket, wrapper: Mapping[str, Any]) -> Pending | Done:
    """A relay's wrapping. Its percentages are made up from its own state, so they are not repeated."""
    raw = wrapper.get("data")
    inner = raw.get("data", raw) if isinstance(raw, dict) else None
    job = inner if isinstance(inner, dict) else {}
    status = wrapper.get("status")
    word = status.lower() if isinstance(status, str) else ""
    if word in _SUCCEEDED:
        if isinstance(job.get("task_result"), dict):
            return _done(ticket, job)
        # The relay's column for reasons also holds the address of what was made.
        return _done(ticket, {"metadata": {"url": wrapper.get("fail_reason")}})
    reason = job.get("task_status_msg") or wrapper.get("fail_reason")
    return read_job(ticket, {"task_status": status, "task_status_msg": reason})


def _done(ticket: Ticket, job: Mapping[str, Any]) -> Done:
    made = _made(job)
    if not made:
        raise Drifted("Kling's result has no member this house knows.", vendor_message=", ".join(sorted(job))[:200])
    # What moderation took out of a batch is left without an address.
    outputs = [_output(kind, item, ticket) for kind, item in made if _address(item) != ""]
    if not outputs:
        raise Broke("Kling finished without making anything.", again=False)
    first: Mapping[str, Any] = next((item for kind, item in made if kind == "video" and isinstance(item, dict)), {})
    video_id, seconds = _id(first.get("id")), _seconds(first.get("duration"))
    facts = {"seconds": seconds} if seconds is not None else {}
    # Follow-ups name the video, not the job that made it.
    kept = Ticket(ticket.id, {**ticket.data, "video_id": video_id}) if video_id else None
    return Done(tuple(outputs), facts, kept)


def _made(job: Mapping[str, Any]) -> list[tuple[MediaKind, Any]]:
    result = job.get("task_result")
    if isinstance(result, dict):
        members: tuple[tuple[str, MediaKind], ...] = (("videos", "video"), ("images", "image"), ("audios", "audio"))
        lists = [(kind, result[name]) for name, kind in members if isinstance(result.get(name), list)]
        if lists and not any(items for _, items in lists):
            raise Broke("Kling finished without making anything.", again=False)
        return [(kind, item) for kind, items in lists for item in items]
    outputs = job.get("outputs")
    if isinstance(outputs, list):
        if not outputs:
            raise Broke("Kling finished without making anything.", again=False)
        kinds: dict[Any, MediaKind] = {"video": "video", "image": "image", "audio": "audio"}
        listed = [item for item in outputs if isinstance(item, dict)]
        return [(kinds[item.get("type")], item) for item in listed if item.get("type") in kinds]
    metadata = job.get("metadata")
    return [("video", metadata)] if isinstance(metadata, dict) else []


def _output(kind: MediaKind, item: Any, ticket: Ticket) -> Output:
    url = _address(item)
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise Drifted("Kling's result names no address for an output.", vendor_message=str(item)[:200])
    if kind != "video" or _id(item.get("id")) is None:
        return Output(kind, url=url)
    # Only what the first models made can be made longer.
    extendable = str(ticket.data.get("model", "")).startswith("kling-v1")
    return Output(kind, url=url, actions=(*((_EXTEND,) if extendable else ()), _SPEAK, _SPEAK_AUDIO))


def _address(item: Any) -> Any:
    if not isinstance(item, dict):
        return None
    return item.get("url") or item.get("url_mp3") or item.get("mp3_url") or ("" if "url" in item else None)


def _id(told: Any) -> str | None:
    if isinstance(told, int) and not isinstance(told, bool):
        told = str(told)
    return told if isinstance(told, str) and 0 < len(told) <= ID_MAX_CHARS else None


def _seconds(told: Any) -> float | None:
    try:
        seconds = float(told)
    except (TypeError, ValueError):
        return None
    return seconds if 0 <= seconds < 1e6 else None


def _words(told: Any) -> str | None:
    return told if isinstance(told, str) and told else None
