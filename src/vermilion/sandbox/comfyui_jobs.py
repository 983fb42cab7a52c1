"""`/api/jobs` of newer ComfyUI servers: queue and history as one list."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from .comfyui_run import Item
from .comfyui_server import Server

_STATUSES = ("pending", "in_progress", "completed", "failed", "cancelled")
_LIMIT_MAX = 1000


def jobs_of(server: Server) -> list[dict[str, Any]]:
    """Every job a server knows, oldest first."""
    found = [_finished(prompt_id, entry) for prompt_id, entry in server.history.items()]
    if server.running is not None:
        found.append(_queued(server.running.item, "in_progress"))
    found += [_queued(item, "pending") for item in sorted(server.pending, key=lambda item: item.number)]
    return found


def job_of(server: Server, prompt_id: str) -> dict[str, Any] | None:
    """One of them, with all that is told of one."""
    job = next((job for job in jobs_of(server) if job["id"] == prompt_id), None)
    if job is None:
        return None
    entry = server.history.get(prompt_id)
    if entry is not None:
        job |= {"outputs": entry["outputs"], "execution_status": entry["status"]}
        job["workflow"] = {"prompt": entry["prompt"][2], "extra_data": entry["prompt"][3]}
    return job


def listed(server: Server, query: Any) -> web.Response:
    """A page of them, or what is wrong with the question."""
    try:
        limit, offset = int(query.get("limit", 100)), int(query.get("offset", 0))
    except ValueError:
        return _bad("limit and offset must be integers")
    wanted = [word for word in query.get("status", "").split(",") if word]
    if any(word not in _STATUSES for word in wanted):
        return _bad(f"Invalid status value(s). Valid values: {', '.join(_STATUSES)}")
    by, direction = query.get("sort_by", "created_at"), query.get("sort_order", "desc")
    if by not in {"created_at", "execution_duration"} or direction not in {"asc", "desc"}:
        return _bad("sort_by or sort_order is invalid")
    if not 1 <= limit <= _LIMIT_MAX or offset < 0:
        return _bad("limit or offset is out of range")
    found = [job for job in jobs_of(server) if not wanted or job["status"] in wanted]
    found.sort(key=lambda job: _sort_key(job, by), reverse=direction == "desc")
    page = found[offset : offset + limit]
    about = {"offset": offset, "limit": limit, "total": len(found), "has_more": offset + limit < len(found)}
    return web.json_response({"jobs": page, "pagination": about})


async def cancel(server: Server, prompt_id: str) -> bool:
    """Stop one, wherever it stands; whether anything was stopped."""
    if any(item.prompt_id == prompt_id for item in server.pending):
        await server.delete([prompt_id])
        return True
    return server.interrupt(prompt_id)


def _sort_key(job: dict[str, Any], by: str) -> float:
    if by == "created_at":
        return float(job.get("create_time", 0))
    return float(job.get("execution_end_time", 0)) - float(job.get("execution_start_time", 0))


def _queued(item: Item, status: str) -> dict[str, Any]:
    create_time = item.extra_data.get("create_time")
    return _without_nulls(
        {
            "id": item.prompt_id,
            "status": status,
            "priority": item.number,
            "create_time": create_time,
            "outputs_count": 0,
        }
    )


def _finished(prompt_id: str, entry: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = dict(entry["status"]["messages"])
    status = "completed" if entry["status"]["status_str"] == "success" else "failed"
    if "execution_interrupted" in told:
        status = "cancelled"
    files = [
        file
        for ui in entry["outputs"].values()
        for items in (ui or {}).values()
        for file in items
        if isinstance(file, dict)
    ]
    end: dict[str, Any] = next((told[kind] for kind in told if kind not in {"execution_start", "execution_cached"}), {})
    return _without_nulls(
        {
            "id": prompt_id,
            "status": status,
            "priority": entry["prompt"][0],
            "create_time": entry["prompt"][3].get("create_time"),
            "execution_start_time": told.get("execution_start", {}).get("timestamp"),
            "execution_end_time": end.get("timestamp"),
            "execution_error": told.get("execution_error"),
            "outputs_count": len(files),
            "previewable_outputs_count": len(files),
            "preview_output": files[0] if files else None,
        }
    )


def _without_nulls(job: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in job.items() if value is not None}


def _bad(why: str) -> web.Response:
    return web.json_response({"error": why}, status=400)
