"""Other people's API shapes over the same commands: the described system's routes, one dialect for all its services.

`app` comes in: it mounts the routers and reads what they need of the rim. No decision is taken here: a request is
put into a command's words, the answer into the dialect's. `table` says what each service is in the
catalog, `routes` the table of every route.
"""

from fastapi import APIRouter

from vermilion.dialects import (
    accounts_api,
    config_api,
    credit_api,
    every_vendor_api,
    flux_api,
    midjourney_api,
    painting_api,
    storage_api,
    video_api,
    workflow_api,
)
from vermilion.dialects.routes import ROUTES, TAG, Route
from vermilion.dialects.table import SERVICES, Service

INLINE_FILES_MAX_BYTES = 24 * 2**20
"""How large a body may be on routes that take files inside it: base64 makes four bytes of three."""

router = APIRouter()
"""What stands below `/api/v1`."""
for part in (
    midjourney_api,
    flux_api,
    painting_api,
    video_api,
    every_vendor_api,
    workflow_api,
    accounts_api,
    storage_api,
    credit_api,
):
    router.include_router(part.router)

early_router = storage_api.early_router
"""What stands below `/api/v1` and must be tried before the library's routes."""

root_router = config_api.router
"""What stands below `/api`."""


def addresses_with_files() -> list[str]:
    """The addresses whose bodies may be larger, for the files in them."""
    return sorted(f"{route.root}{route.path}" for route in ROUTES.values() if route.takes_files)


__all__ = [
    "INLINE_FILES_MAX_BYTES",
    "ROUTES",
    "SERVICES",
    "TAG",
    "Route",
    "Service",
    "addresses_with_files",
    "early_router",
    "root_router",
    "router",
]
