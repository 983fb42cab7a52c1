"""Every error leaves the house as a problem (RFC 9457), `application/problem+json`, with a stable code."""

import http
from collections.abc import Sequence
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match
from starlette.types import Scope

from vermilion.identity.faults import BODY, faults_of, is_of_the_body, sentence
from vermilion.kit import AppError

REQUEST_ID = "vermilion.request_id"
"""Where in the ASGI scope the request's id is."""

PROBLEM_JSON = "application/problem+json"

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_ERRORS_MAX = 20
"""How many faults of one request are told: enough to mend a form, too few to make answers large."""


class FieldFault(BaseModel):
    """One thing that is wrong with one field."""

    model_config = ConfigDict(extra="allow")

    field: str
    code: str
    message: str
    limit: float | None = None


class Problem(BaseModel):
    """An error: `code` is stable and meant for programs, `detail` is one English sentence for people."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:vermilion:problem:auth.required"])
    title: str
    status: int
    code: str = Field(examples=["auth.required"])
    detail: str
    field: str | None = None
    errors: list[FieldFault] | None = None
    request_id: str | None = None


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route: these problems, and those every route may answer (400, 422, 429)."""
    return {
        status: {
            "description": http.HTTPStatus(status).phrase,
            "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted({400, 422, 429, *statuses})
    }


def write_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`problem_responses` of a route that changes something: also 403 (another site asked) and 413 (too large)."""
    return problem_responses(403, 413, *statuses)


def problem_response(error: AppError, scope: Scope) -> Response:
    """The answer for `error`."""
    request_id = scope.get(REQUEST_ID)
    body: dict[str, Any] = {
        "type": f"urn:vermilion:problem:{error.code}",
        "title": error.title if type(error) is not AppError else _phrase(error.status),
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
    }
    if error.field is not None:
        body["field"] = error.field
    if request_id is not None:
        body["request_id"] = str(request_id)
    # Extras never overwrite the members every problem has.
    body = {**error.extras, **body}
    return JSONResponse(body, status_code=error.status, headers=error.headers, media_type=PROBLEM_JSON)


def internal_error() -> AppError:
    """All that anybody outside learns of a fault of ours."""
    return AppError(
        "internal.error",
        "Something went wrong in the studio. Its log has the details under this request id.",
        status=500,
    )


def answer_with_problems(app: FastAPI) -> None:
    """Make every error of the app's routes a problem."""

    async def on_app_error(request: Request, error: Exception) -> Response:
        return problem_response(cast(AppError, error), request.scope)

    async def on_invalid(request: Request, error: Exception) -> Response:
        problem = invalid_request(cast(RequestValidationError, error).errors(), request.headers.get("content-type"))
        return problem_response(problem, request.scope)

    async def on_http_error(request: Request, error: Exception) -> Response:
        problem = _from_http(cast(HTTPException, error))
        if problem.status == http.HTTPStatus.METHOD_NOT_ALLOWED:
            problem.headers["Allow"] = ", ".join(_methods_at(request.scope))
        return problem_response(problem, request.scope)

    app.add_exception_handler(AppError, on_app_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http_error)
    _describe(app)


def _methods_at(scope: Scope) -> list[str]:
    """Every method this address answers; the framework names those of the first route it came across."""
    app: FastAPI = scope["app"]
    asked = {"type": "http", "path": scope["path"], "root_path": "", "headers": [], "query_string": b"", "app": app}
    return [
        method
        for method in _METHODS
        if any(route.matches({**asked, "method": method})[0] is Match.FULL for route in app.router.routes)
    ]


def _describe(app: FastAPI) -> None:
    """Put the shape of problems into the app's OpenAPI, where every route refers to it."""
    build = app.openapi

    def openapi() -> dict[str, Any]:
        document = build()
        shape = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(shape.pop("$defs"))
        schemas["Problem"] = shape
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's own way to extend the document


def invalid_request(errors: Sequence[Any], content_type: str | None = None) -> AppError:
    """422 `request.invalid` from Pydantic's errors, every field named, no input echoed.

    `content_type` is what the client said of its body: the framework reads one as JSON only where it was said to be.
    """
    faults = faults_of(errors[:_ERRORS_MAX])
    if faults and is_of_the_body(faults[0]) and not _is_json(content_type):
        faults[0]["message"] = "must be JSON, sent with Content-Type: application/json"
    first = faults[0] if faults else {"field": BODY, "message": "is not valid"}
    return AppError(
        "request.invalid", sentence(first), status=422, field=first["field"] or None, extras={"errors": faults}
    )


def _is_json(content_type: str | None) -> bool:
    said = (content_type or "").partition(";")[0].strip().lower()
    return said == "application/json" or (said.startswith("application/") and said.endswith("+json"))


def _from_http(error: HTTPException) -> AppError:
    """Starlette's own refusals (no such route, wrong method, unreadable body) in our shape."""
    code, detail = {
        400: ("request.unreadable", "The body could not be read."),
        404: ("request.not_found", "There is nothing at this address."),
        405: ("request.method_not_allowed", "This address does not answer this method."),
        413: ("request.too_large", "The body is too large."),
    }.get(error.status_code, (f"request.status_{error.status_code}", _phrase(error.status_code)))
    return AppError(code, detail, status=error.status_code, headers=error.headers)


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Error"
