"""How a job is told: in the visual API's own `data`, and in the records that relays and aggregators keep."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from .jimeng_replies import ERRORS, envelope, gateway_word
from .jimeng_work import Addresses, failure_of, model_of, order_of, state_of
from .jobs import Job
from .outputs import bytes_of
from .stage import Stage

_RELAYED = {"in_queue": ("QUEUED", "10%"), "generating": ("QUEUED", "10%")}
"""A relay knows no word for a running job and leaves its record as it was."""


async def visual_data(
    stage: Stage, addresses: Addresses, job: Job, base: str, *, with_addresses: bool
) -> dict[str, Any]:
    """The `data` of a look-up of a job that has not failed."""
    state = state_of(stage, job)
    if state != "done":
        return {"status": state}
    film = model_of(job.model).kind == "video"
    urls = [addresses.of(job, index, base) for index in range(job.notes["count"])]
    if job.fault("drift"):
        return {"status": state, "films" if film else "pictures": urls}
    if job.fault("empty-output"):
        urls = []
    if film:
        empty = None if job.fault("null-output") else ""
        return {
            "status": state,
            "video_url": urls[0] if urls and empty is not None else empty,
            "aigc_meta_tagged": False,
        }
    if job.fault("null-output"):
        return {"status": state, "image_urls": None, "binary_data_base64": None}
    if with_addresses and not job.fault("inline"):
        return {"status": state, "image_urls": urls, "binary_data_base64": None}
    made = [await bytes_of(stage, job, index, order_of(stage, job, index)) for index in range(len(urls))]
    return {
        "status": state,
        "image_urls": None,
        "binary_data_base64": [base64.b64encode(data).decode() for data in made],
    }


def wants_addresses(body: Mapping[str, Any]) -> bool:
    """Whether a look-up asks for addresses: in a JSON text inside the JSON."""
    try:
        asked = json.loads(body.get("req_json") or "{}")
    except (ValueError, TypeError):
        return False
    return isinstance(asked, dict) and asked.get("return_url") is True


async def relayed_task(stage: Stage, addresses: Addresses, job: Job, base: str) -> dict[str, Any]:
    """A relay's record of what it heard last: the vendor's answer, and the film's address where failures say why."""
    heard_at = stage.heard_at(job)
    if heard_at <= job.created_at:
        return _record(job, "SUBMITTED", "10%", reason="", data=None)
    state = state_of(stage, job, heard_at)
    if state == "done":
        code = failure_of(stage, job)
        if code is not None:
            message = ERRORS[code][1]
            return _record(job, "FAILURE", "100%", reason=message, data=envelope(None, code, message))
        data = await visual_data(stage, addresses, job, base, with_addresses=True)
        return _record(job, "SUCCESS", "100%", reason=str(data.get("video_url") or ""), data=envelope(data))
    status, progress = _RELAYED.get(state, (state.upper(), "10%"))
    if state in {"expired", "not_found"}:
        return _record(job, "FAILURE", "100%", reason=state, data=envelope({"status": state}))
    return _record(job, status, progress, reason="", data=envelope({"status": state}))


def gateway_task(stage: Stage, addresses: Addresses, job: Job, base: str) -> dict[str, Any]:
    """An aggregator's record, with the film's address where the job's marker says."""
    state = state_of(stage, job)
    if state == "done":
        code = failure_of(stage, job)
        if code is None:
            return _finished(addresses, job, base)
        inner = json.dumps({"error": {"code": gateway_word(code), "message": ERRORS[code][1]}})
        return _record(job, "FAILURE", "100%", reason=inner, data=None)
    if state in {"expired", "not_found"}:
        return _record(job, "FAILURE", "100%", reason=f"the task is {state}", data=None)
    if state == "in_queue":
        return _record(job, "QUEUED", "0%", reason="", data=None)
    run = stage.now() - job.started_at
    share = min(99, int(100 * run / max(job.duration_seconds, 0.001)))
    return _record(job, "IN_PROGRESS" if state == "generating" else state.upper(), f"{share}%", reason="", data=None)


def _finished(addresses: Addresses, job: Job, base: str) -> dict[str, Any]:
    url = None if job.fault("empty-output") or job.fault("null-output") else addresses.of(job, 0, base)
    if job.fault("drift"):
        return _record(job, "SUCCESS", "100%", reason="", data={"films": [url]})
    at = job.fault("address-at")
    origin = {"origin": {"video_url": url}}
    items = {job.id: {"item_list": [{"transcoded_video": origin}]}}
    match int(at.number(0)) if at else 0:
        case 1:
            return _record(job, "SUCCESS", "100%", reason="", data={"data": {"video": url}})
        case 2:
            inner = {"data": {"metadata": {"data": {"task_map": items}}}}
            return _record(job, "SUCCESS", "100%", reason="", data=inner)
        case 3:
            return _record(job, "SUCCESS", "100%", reason="", data=None) | {"video": url}
        case 4:
            return _record(job, "SUCCESS", "100%", reason="", data=None) | {"video_url": url}
        case 5:
            return _record(job, "SUCCESS", "100%", reason=url or "", data=None)
    return _record(job, "SUCCESS", "100%", reason="", data={"video": url})


def _record(job: Job, status: str, progress: str, *, reason: str, data: Any) -> dict[str, Any]:
    ended = progress == "100%"
    return {
        "task_id": job.id,
        "action": "generate",
        "status": status,
        "fail_reason": reason,
        "submit_time": int(job.created_at),
        "start_time": int(job.started_at) if status not in {"QUEUED", "NOT_START"} else 0,
        "finish_time": int(job.finished_at) if ended else 0,
        "progress": progress,
        "data": data,
    }
