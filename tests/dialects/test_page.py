"""The page of the described routes is what the table makes now, and the table holds all of the description."""

import re

import pytest

from tests.house.tree import ROOT
from vermilion.dialects import ROUTES
from vermilion.dialects.page import described_page
from vermilion.dialects.routes import ENDPOINTS
from vermilion.dialects.table import VENDOR_SERVICES

EVERY_SERVICE = """
GET config, POST config, GET config/user, GET test, GET health, GET models, GET task/{task_id}, DELETE task/{task_id},
GET tasks, GET history, GET credits, POST credits/add, POST credits/deduct, GET stats/user, GET stats/system,
GET stream/user
"""

ONE_BY_ONE = """
POST midjourney/generate, POST midjourney/submit/imagine, POST midjourney/submit/blend, POST midjourney/submit/describe,
POST midjourney/submit/action, POST midjourney/submit/modal, POST midjourney/submit/shorten,
GET midjourney/task/{task_id}/image-seed,
POST flux/text-to-image, POST flux/image-to-image, POST flux/multi-image-edit, POST flux/upload-image,
POST flux/upload-images,
POST dreamwork/submit/text-to-image, POST dreamwork/submit/image-to-image,
POST kling/submit/text-to-video, POST kling/submit/image-to-video, POST kling/submit/lip-sync,
POST jimeng/submit/text-to-video, POST jimeng/submit/image-to-video,
POST generation/create, GET generation/status/{task_id}, GET generation/result/{task_id}, GET generation/history,
DELETE generation/{task_id},
POST auths/signup, POST auths/signin, POST auths/signout, POST auths/send-sms-code, POST auths/verify-sms-code,
POST auths/signup-phone, POST auths/signin-phone, POST auths/bind-phone, POST auths/bind-email,
DELETE auths/unbind-phone, DELETE auths/unbind-email, GET auths/binding-status, GET auths/sms/config,
POST auths/sms/config, GET auths/api_key, POST auths/api_key, DELETE auths/api_key,
GET storage/config, POST storage/config, POST storage/test, GET storage/stats, GET files/generated,
DELETE files/generated/{asset_id}, POST files/migrate, GET storage/files/generated,
DELETE storage/files/generated/{asset_id}, POST storage/files/migrate,
GET credit/config, GET credit/logs, GET credit/models/price, PUT credit/models/price, POST credit/tickets,
GET credit/callback, GET credit/redemption_codes, POST credit/redemption_codes, PUT credit/redemption_codes/{code},
DELETE credit/redemption_codes/{code}, GET credit/redemption_codes/export, POST credit/redemption_codes/{code}/receive,
POST credit/statistics
"""


def _named(text: str) -> set[str]:
    return {f"{method} /api/v1/{path}" for method, path in re.findall(r"([A-Z]+) ([a-z][^\s,]+)", text)}


def test_the_page_is_fresh() -> None:
    page = (ROOT / "docs/described-routes.md").read_text(encoding="utf-8")
    assert page == described_page(), "run `make described`"


def test_the_page_names_every_route() -> None:
    page = described_page()
    for route in ROUTES.values():
        service = route.path.split("/")[1]
        shared = f"{route.method} /api/v1/S{route.path.removeprefix(f'/{service}')}"
        assert f"`{route.name}`" in page or f"`{shared}`" in page, route.name


@pytest.mark.parametrize("service", [service.name for service in VENDOR_SERVICES])
def test_every_service_has_all_that_is_described(service: str) -> None:
    expected = {name.replace("/api/v1/", f"/api/v1/{service}/") for name in _named(EVERY_SERVICE)}
    assert expected <= ROUTES.keys(), expected - ROUTES.keys()


def test_nothing_of_the_description_is_missing() -> None:
    assert _named(ONE_BY_ONE) <= ROUTES.keys(), _named(ONE_BY_ONE) - ROUTES.keys()
    assert "GET /api/config" in ROUTES
    assert ENDPOINTS.keys() == ROUTES.keys()


def test_uploads_of_any_address_by_anybody_are_not_there() -> None:
    assert [name for name in ROUTES if "internal" in name or "migrate-url" in name] == []
