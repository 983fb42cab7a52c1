"""The studio's own files: what the web build made, and its one page for every other address."""

from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from vermilion.kit import NotFound

BUILD = Path(__file__).parent.parent / "web_build"
FOREVER = "public, max-age=31536000, immutable"
NOT_BUILT = "The studio's pages are not built. Run `make web`, or use the API under /api/v1.\n"


def serve(app: FastAPI, build: Path = BUILD) -> None:
    """Serve the build: hashed files for a year, everything else freshly, unknown pages as the app's one page."""
    page = build / "index.html"
    if (build / "_app").is_dir():
        app.mount("/_app", _Immutable(directory=build / "_app"), name="studio-files")

    @app.get("/{path:path}", include_in_schema=False)
    async def studio_page(request: Request, path: str) -> Response:
        if path == "api" or path.startswith("api/"):
            raise NotFound("request.not_found", "There is no such address in this API.")
        file = (build / path).resolve()
        if path and file.is_relative_to(build.resolve()) and file.is_file():
            return FileResponse(file, headers={"Cache-Control": "no-cache"})
        if not page.is_file():
            return PlainTextResponse(NOT_BUILT, status_code=503)
        return FileResponse(page, headers={"Cache-Control": "no-cache"})


class _Immutable(StaticFiles):
    """Files whose names carry their content's hash."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = FOREVER
        return response
