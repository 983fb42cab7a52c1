"""`python -m bench.floors.never_vendor PORT`: speaks enough of fal's queue to keep every job running for ever.

`GET /seen` tells how many different jobs were asked about since the last `POST /forget`.
"""

import sys
from uuid import uuid4

from aiohttp import web

_seen: set[str] = set()


async def _submit(request: web.Request) -> web.Response:
    job = str(uuid4())
    root = f"{request.url.origin()}/fal/fal-ai/flux/requests/{job}"
    ticket = {"status_url": f"{root}/status", "response_url": root, "cancel_url": f"{root}/cancel"}
    return web.json_response({"status": "IN_QUEUE", "request_id": job, "queue_position": 0, **ticket})


async def _status(request: web.Request) -> web.Response:
    _seen.add(request.match_info["job"])
    return web.json_response({"status": "IN_PROGRESS", "logs": None})


async def _tell_seen(_: web.Request) -> web.Response:
    return web.json_response({"jobs": len(_seen)})


async def _forget(_: web.Request) -> web.Response:
    _seen.clear()
    return web.Response(status=204)


def main() -> None:
    """Serve until told to stop."""
    app = web.Application()
    app.router.add_get("/seen", _tell_seen)
    app.router.add_post("/forget", _forget)
    app.router.add_get("/fal/{app:.+}/requests/{job}/status", _status)
    app.router.add_post("/fal/{model:.+}", _submit)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
