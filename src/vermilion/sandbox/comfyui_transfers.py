"""Files at a sandbox's ComfyUI server: coming in by upload, going out by view."""

from __future__ import annotations

import asyncio
import json
import posixpath
from typing import Any

from aiohttp import web

from .comfyui_files import Place, altered, place_asked, with_alpha_of
from .comfyui_info import MAX_UPLOAD_BYTES
from .comfyui_server import Server
from .films import FilmOrder
from .jobs import Job
from .outputs import hand_out, size_of
from .pictures import Order
from .stage import Stage
from .vendor import BaseVendor


async def upload(vendor: BaseVendor, request: web.Request, server: Server) -> web.StreamResponse:
    if (request.content_length or 0) > MAX_UPLOAD_BYTES:
        return web.Response(status=413, text="Request Entity Too Large")
    form = await request.post()
    given = form.get("image")
    if not isinstance(given, web.FileField) or not given.filename:
        return web.Response(status=400)
    data = await asyncio.to_thread(given.file.read)
    where = {name: str(form[name]) for name in ("type", "subfolder") if name in form}
    place = place_asked({**where, "filename": given.filename}, usual="input")

    async def kept() -> web.StreamResponse:
        if isinstance(place, int):
            return web.Response(status=400)
        content, target = data, place
        if request.path.endswith("/mask"):
            original = _original(form.get("original_ref"))
            whole = server.files.bytes_at(original) if original is not None else None
            if whole is None:
                return web.json_response({"name": place.filename, "subfolder": place.subfolder, "type": place.folder})
            try:
                content = await asyncio.to_thread(with_alpha_of, whole, data)
            except (ValueError, OSError, SyntaxError):
                return web.Response(status=500, text="500 Internal Server Error")
        target = server.files.keep_upload(
            target, content, overwrite=str(form.get("overwrite", "")).lower() in {"true", "1"}
        )
        return web.json_response({"name": target.filename, "subfolder": target.subfolder, "type": target.folder})

    return await vendor.with_faults(request, "upload", [], given.filename, kept)


async def view(vendor: BaseVendor, request: web.Request, server: Server) -> web.StreamResponse:
    place = place_asked(request.query, usual="output")
    if isinstance(place, int):
        return web.Response(status=place)
    held = server.files.held(place)
    job = vendor.stage.jobs.get(held.job_id) if held is not None and held.job_id else None

    async def told() -> web.StreamResponse:
        data = server.files.bytes_at(place)
        if data is not None:
            response: web.StreamResponse = web.Response(body=data, content_type="image/png")
        elif held is None or job is None or job.fault("404-output") or (job.fault("partial") and held.index % 2):
            return web.Response(status=404)
        else:
            index = held.index
            response = await hand_out(request, vendor.stage, job, index, lambda: _order(vendor.stage, job, index))
        response = await altered(response, request.query)
        if not response.prepared:
            response.headers["Content-Disposition"] = f'filename="{place.filename}"'
        return response

    faults = job.faults if job is not None else []
    subject = posixpath.join(place.folder, place.subfolder, place.filename)
    return await vendor.with_faults(request, "download", faults, subject, told)


def _original(reference: Any) -> Place | None:
    """The file a mask is for."""
    try:
        named = json.loads(str(reference))
    except ValueError:
        return None
    place = place_asked(named, usual="output") if isinstance(named, dict) else 404
    return None if isinstance(place, int) else place


def _order(stage: Stage, job: Job, index: int) -> Order | FilmOrder:
    """What to paint for a job's result."""
    result = job.notes["results"][index]
    width, height = size_of(job, result["width"], result["height"])
    sources = stage.shelf.all_of(result["sources"])
    if "seconds" in result:
        return FilmOrder(result["prompt"], result["seed"], width, height, result["seconds"], sources)
    return Order(result["prompt"], result["seed"], width, height, "png", sources)
