"""`python -m bench.floors.starlette_202 PORT`: Starlette reads a JSON body and answers 202; no key, no database."""

import asyncio
import sys

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def _accept(request: Request) -> JSONResponse:
    body = await request.json()
    return JSONResponse({"id": body["id"], "status": "queued"}, status_code=202)


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


def main() -> None:
    """Serve with the settings `vermilion serve` gives uvicorn."""
    app = Starlette(routes=[Route("/generations", _accept, methods=["POST"]), Route("/health", _health)])
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
