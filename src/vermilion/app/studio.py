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
    # What lies at the top of the build (icons, the theme's script) is known when the app is made.
    loose = {path.name: path for path in build.glob("*") if path.is_file() and path.name != page.name}
    is_built = page.is_file()
    if (build / "_app").is_dir():
        app.mount("/_app", _Immutable(directory=build / "_app"), name="studio-files")

    @app.get("/{path:path}", include_in_schema=False)
    async def studio_page(request: Request, path: str) -> Response:
        if path == "api" or path.startswith("api/"):
            raise NotFound("request.not_found", "There is nothing at this address.")
        if path in loose:
            return FileResponse(loose[path], headers={"Cache-Control": "no-cache"})
        if not is_built:
            return PlainTextResponse(NOT_BUILT, status_code=503)
        return FileResponse(page, headers={"Cache-Control": "no-cache"})


class _Immutable(StaticFiles):
    """Files whose names carry their content's hash."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = FOREVER
        return response
