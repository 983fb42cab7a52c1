"""Putting the app together."""

from fastapi import FastAPI
from fastapi.routing import APIRoute

from vermilion import __version__, dialects
from vermilion.app import admin, public, stream, studio
from vermilion.billing import NOTICE_MAX_BYTES, NOTIFY_PATH, payments_router, redemption_router
from vermilion.billing import router as billing_router
from vermilion.catalog import admin_router as catalog_admin_router
from vermilion.catalog import own_models_router
from vermilion.catalog import router as catalog_router
from vermilion.generation import BODY_MAX_BYTES
from vermilion.generation import router as generation_router
from vermilion.identity import (
    BodyLimit,
    admin_router,
    auth_router,
    codes_router,
    me_router,
    phone_router,
    protect,
    sms_router,
    ways_in_router,
)
from vermilion.ledger import router as ledger_router
from vermilion.library import router as library_router
from vermilion.library import storage_router
from vermilion.wiring import House

API = "/api/v1"
CALLBACKS = f"{API}/callbacks/"
UPLOADS = f"{API}/assets"
MULTIPART_OVERHEAD_BYTES = 64 * 1024


def create_app(house: House) -> FastAPI:
    """The app of an open house."""
    app = assemble(max_upload_bytes=house.max_upload_bytes)
    app.state.house = house
    return app


def assemble(*, max_upload_bytes: int) -> FastAPI:
    """The app without a house: its routes and rim, enough to describe it."""
    app = FastAPI(
        title="Vermilion",
        version=__version__,
        summary="Images and video with any vendor's model, on one balance of credits.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        separate_input_output_schemas=False,
    )
    # Routes are tried one after another, each a few microseconds: what is asked most comes first. Each router is
    # mounted by itself: FastAPI would build the routes of a router of routers here, and once more when they are used.
    app.include_router(generation_router, prefix=API)
    # Before the library, which answers for every name at an address below which one of these stands.
    for (root, _), gate in dialects.GATES.items():
        app.include_router(gate, prefix=root)
    for router in (
        library_router,
        stream.router,
        public.router,
        ledger_router,
        billing_router,
        me_router,
        ways_in_router,
        auth_router,
        codes_router,
        phone_router,
        catalog_router,
        catalog_admin_router,
        own_models_router,
        redemption_router,
        payments_router,
        admin.router,
        admin_router,
        storage_router,
        sms_router,
    ):
        app.include_router(router, prefix=API)
    studio.serve(app)
    protect(
        app,
        body_limits=[
            BodyLimit(CALLBACKS, BODY_MAX_BYTES + 1),
            BodyLimit(NOTIFY_PATH, NOTICE_MAX_BYTES),
            BodyLimit(UPLOADS, max_upload_bytes + MULTIPART_OVERHEAD_BYTES),
            *(BodyLimit(address, dialects.INLINE_FILES_MAX_BYTES) for address in dialects.addresses_with_forms()),
            *(
                BodyLimit(address, dialects.INLINE_FILES_MAX_BYTES, raw=False)
                for address in dialects.addresses_with_files()
            ),
        ],
        unmetered_prefixes=(CALLBACKS, f"{API}/health"),
    )
    return app


def _operation_id(route: APIRoute) -> str:
    """The function's own name: what the generated client calls the operation."""
    return route.name
