"""Other people's API shapes over the same commands: the described system's routes, one dialect for all its services.

`app` comes in: it mounts the gates and reads what they need of the rim. No decision is taken here: a request is put
into a command's words, the answer into the dialect's. `table` says what each service is in the catalog, `routes`
holds the table of every route, and the modules named `…_api` enter theirs into it.
"""

from vermilion.dialects import (  # noqa: F401 - each enters its routes into the table
    accounts_api,
    buying_api,
    config_api,
    credit_api,
    every_vendor_api,
    flux_api,
    midjourney_api,
    painting_api,
    phones_api,
    redemption_api,
    storage_api,
    video_api,
    workflow_api,
)
from vermilion.dialects.routes import GATES, ROUTES, TAG, Route
from vermilion.dialects.table import SERVICES, Service

INLINE_FILES_MAX_BYTES = 24 * 2**20
"""How large a body may be on routes that take files inside it: base64 makes four bytes of three."""


def addresses_with_files() -> list[str]:
    """The addresses whose bodies may be larger, for the files in them."""
    return sorted(f"{route.root}{route.path}" for route in ROUTES.values() if route.takes_files)


def addresses_with_forms() -> list[str]:
    """The addresses whose bodies are forms with files."""
    return sorted(f"{route.root}{route.path}" for route in ROUTES.values() if route.takes_form)


__all__ = [
    "GATES",
    "INLINE_FILES_MAX_BYTES",
    "ROUTES",
    "SERVICES",
    "TAG",
    "Route",
    "Service",
    "addresses_with_files",
    "addresses_with_forms",
]
