"""Every route the app answers, told by the app itself, with what is needed to call each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from tests.api.described import DESCRIBED_ADMIN, DESCRIBED_BODIES, DESCRIBED_PUBLIC, NEVER, PHONE
from tests.catalog.own import own_model

SAFE = {"GET", "HEAD"}

PUBLIC = {
    "GET /api/v1/config",
    "GET /api/v1/health",
    "GET /api/v1/health/ready",
    "POST /api/v1/auth/sign-up",
    "POST /api/v1/auth/sign-in",
    "POST /api/v1/auth/sign-out",
    "POST /api/v1/auth/first-admin",
    "POST /api/v1/auth/codes",
    "POST /api/v1/auth/sign-up/phone",
    "POST /api/v1/auth/sign-in/phone",
    "GET /api/v1/openapi.json",
    "HEAD /api/v1/openapi.json",
    "GET /{path}",
    # Protected by what they carry: a signature, a token.
    "GET /api/v1/files/{asset_id}",
    "HEAD /api/v1/files/{asset_id}",
    "POST /api/v1/callbacks/{provider}/{token}",
    *DESCRIBED_PUBLIC,
}
"""What nobody needs to sign in for. Everything else must refuse nobody, so a new route is protected or listed here."""

OWN_MODEL = own_model("own-mallory")

BODIES: dict[str, Any] = {
    "POST /api/v1/auth/sign-up": {"email": "mallory@example.test", "password": "a long way home", "name": "Mallory"},
    "POST /api/v1/auth/sign-in": {"email": "mallory@example.test", "password": "a long way home"},
    "POST /api/v1/auth/first-admin": {
        "token": "x",
        "email": "mallory@example.test",
        "password": "a long way home",
        "name": "Mallory",
    },
    "POST /api/v1/auth/codes": {"phone": PHONE, "purpose": "login"},
    "POST /api/v1/auth/sign-up/phone": {"phone": PHONE, "code": "000000", "name": "Mallory"},
    "POST /api/v1/auth/sign-in/phone": {"phone": PHONE, "code": "000000"},
    "PATCH /api/v1/me": {"name": "Mallory"},
    "POST /api/v1/me/confirm": {"password": "wrong password"},
    "PUT /api/v1/me/phone": {"phone": PHONE, "code": "000000"},
    "PUT /api/v1/me/email": {"email": "mallory@example.test"},
    "PUT /api/v1/admin/sms": {
        "enabled": False,
        "account": "mallory",
        "secret": "",
        "login_by": "password",
        "signature": "Mallory",
        "base_url": "https://sms.example.test",
        "countries": "all",
        "daily_total": 1,
    },
    "PUT /api/v1/admin/storage": {"kind": "local"},
    "POST /api/v1/admin/storage/test": {"kind": "local"},
    "POST /api/v1/me/password": {"current_password": "wrong password", "new_password": "quite a new password"},
    "POST /api/v1/me/api-keys": {"name": "a key"},
    "PATCH /api/v1/admin/models/{model}": {"enabled": False},
    "POST /api/v1/admin/models": OWN_MODEL,
    "POST /api/v1/admin/models/previews": OWN_MODEL,
    "POST /api/v1/admin/models/proposals": {
        "credential_id": "01900000-0000-7000-8000-000000000000",
        "document": {"1": {}},
    },
    "PUT /api/v1/admin/models/{model}": OWN_MODEL,
    "POST /api/v1/admin/providers/{provider}/credentials": {"name": "mine", "fields": {"key": "fake-key-not-secret"}},
    "PATCH /api/v1/admin/credentials/{credential_id}": {"enabled": False},
    "POST /api/v1/quotes": {"model": "flux-1-schnell"},
    "POST /api/v1/generations": {
        "id": "01900000-0000-7000-8000-000000000000",
        "model": "flux-1-schnell",
        "prompt": "not by me",
    },
    "POST /api/v1/admin/review/{generation_id}": {"resolution": "failed", "note": "no"},
    "PATCH /api/v1/assets/{asset_id}": {"favourite": True, "name": "stolen"},
    "POST /api/v1/assets/{asset_id}/link": {"expires_in_seconds": 60},
    "POST /api/v1/admin/users/{user_id}/grant": {"amount_credits": 1000, "reason": "greed"},
    "POST /api/v1/credits/redemptions": {"code": "AAAAA-BBBBB-CCCCC-DDDDD"},
    "POST /api/v1/credits/orders": {"id": NEVER, "package_id": NEVER, "method": "alipay"},
    "POST /api/v1/admin/packages": {"title": {"en": "A", "zh": "一"}, "amount_credits": 1, "price_minor": 1},
    "PATCH /api/v1/admin/packages/{package_id}": {"enabled": False},
    "PATCH /api/v1/admin/payment-gateway": {"enabled": False},
    "POST /api/v1/admin/redemption-codes": {"count": 1, "amount_credits": 1000},
    "POST /api/v1/admin/redemption-codes/export": {},
    "PATCH /api/v1/admin/redemption-codes/{code_id}": {"enabled": False},
    "PATCH /api/v1/admin/redemption-batches/{batch_id}": {"enabled": False},
    "PATCH /api/v1/admin/users/{user_id}": {"role": "admin"},
    "PATCH /api/v1/admin/choices": {"sign_up_open": False},
    **DESCRIBED_BODIES,
}
"""A body each route would accept from somebody who may; a new route that takes one needs its own here."""

WITHOUT_JSON = {"POST /api/v1/assets"}


@dataclass(frozen=True, slots=True)
class Known:
    """One method of one route."""

    method: str
    path: str
    wants_body: bool

    @property
    def name(self) -> str:
        """How tests speak of it."""
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[str]:
        """The names of what stands in the path."""
        return [piece[1:-1] for piece in self.path.split("/") if piece.startswith("{")]

    @property
    def is_admin(self) -> bool:
        """Whether it is for admins."""
        return self.path.startswith("/api/v1/admin/") or self.name in DESCRIBED_ADMIN

    def filled(self, values: dict[str, str]) -> str:
        """The path with real values; a name nobody gave one for is an error of the test."""
        path = self.path
        # A task belongs to a service, the word behind `/api/v1/`.
        service = path.split("/")[3] if path.startswith("/api/v1/") else ""
        for name in self.parameters:
            path = path.replace("{" + name + "}", values.get(f"{service}.{name}", values.get(name, "")) or values[name])
        return path

    def content(self) -> dict[str, Any]:
        """Arguments for the client."""
        if self.name in WITHOUT_JSON:
            return {"files": {"file": ("a.png", b"x", "image/png")}}
        return {"json": BODIES[self.name]} if self.wants_body else {}


def every_route(app: FastAPI) -> list[Known]:
    """Every method of every route, hidden ones too."""
    found = {known.name: known for known in _walk(app.routes)}
    return sorted(found.values(), key=lambda known: (known.path, known.method))


def _walk(routes: Any) -> Iterator[Known]:
    for route in routes:
        if hasattr(route, "effective_candidates"):
            yield from _walk(route.effective_candidates())
        elif getattr(route, "methods", None):
            inner = getattr(route, "original_route", route)
            wants_body = isinstance(inner, APIRoute) and inner.body_field is not None
            for method in route.methods:
                yield Known(method, route.path.replace(":path}", "}"), wants_body)
