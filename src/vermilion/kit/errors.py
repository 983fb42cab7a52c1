"""The errors people and programs are told about, as RFC 9457 problems.

    AppError                 any problem with a stable code `feature.reason`
    ├── NotFound    404      absent, or not the viewer's to see: the two look alike on purpose
    ├── Forbidden   403
    ├── Conflict    409
    └── Invalid     422      names the field

`extras` are typed by the code: the web app and the documentation list them (`docs/errors.md`).
"""

from collections.abc import Mapping
from typing import Any


class AppError(Exception):
    """A problem with a status, a stable code and what to do about it.

    `code` is `feature.reason`; `detail` is one English sentence for people; `field` is the path of the
    offending input (`params.num_images`); `extras` are further JSON members of the answer; `headers` go
    out with it (`Retry-After`).
    """

    status = 400
    title = "The request could not be carried out"

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int | None = None,
        field: str | None = None,
        extras: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.status = self.status if status is None else status
        self.field = field
        self.extras = dict(extras or {})
        self.headers = dict(headers or {})


class NotFound(AppError):
    """Nothing the viewer may see is there."""

    status = 404
    title = "Not found"


class Forbidden(AppError):
    """The viewer is known, and may not do this."""

    status = 403
    title = "Not allowed"


class Conflict(AppError):
    """The request contradicts what is already so."""

    status = 409
    title = "Conflict"


class Invalid(AppError):
    """The request is well-formed and cannot be accepted; `field` says which part."""

    status = 422
    title = "Invalid input"
