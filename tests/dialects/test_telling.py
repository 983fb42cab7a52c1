"""A refusal calls a field what the client called it, whatever the house calls it."""

from typing import Any

import pytest

from tests.dialects.scene import Scene

KLING = "/kling/submit/text-to-video"
IMAGINE = "/midjourney/submit/imagine"
CODES = "/credit/redemption_codes"
PAST = "2020-01-01T00:00:00Z"
CLOUD = {"provider": "s3", "bucket": "a-bucket", "region": "us-east-1", "secret_id": "id", "secret_key": "not-secret"}

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("/auths/sms/config", {"enabled": True, "username": " "}, "username"),
    ("/auths/sms/config", {"password": "••••nope"}, "password"),
    ("/auths/sms/config", {"apiKey": "••••nope"}, "api_key"),
    ("/auths/sms/config", {"base_url": "not an address"}, "base_url"),
    ("/auths/sms/config", {"password": "a-password", "apiKey": "a-key"}, "api_key"),
    ("/storage/config", CLOUD | {"endpoint": "not an address"}, "endpoint"),
    ("/storage/config", CLOUD | {"base_path": "/../etc"}, "base_path"),
    ("/storage/config", CLOUD | {"secret_id": ""}, "secret_id"),
    ("/storage/config", CLOUD | {"secret_key": ""}, "secret_key"),
    ("/storage/test", CLOUD | {"secret_id": ""}, "secret_id"),
    (CODES, {"amount": 5, "expired_at": PAST}, "expired_at"),
    (CODES, {"amount": 5, "expiredAt": PAST}, "expired_at"),
    (CODES, {"amount": 5, "expires_at": PAST}, "expires_at"),
    ("/flux/config", {"api_key": "••••nope"}, "api_key"),
    ("/flux/config", {"base_url": "not an address"}, "base_url"),
    ("/flux/config", {"api_key": "two\nlines"}, "api_key"),
    ("/flux/config", {"fields": {"key": "two\nlines"}}, "fields.key"),
    ("/flux/config", {"fields": {f"f{n}": "x" for n in range(20)}, "base_url": "x", "api_key": "x"}, "fields"),
    ("/flux/config", {"fields": {"base_url": "not an address"}}, "fields.base_url"),
    ("/midjourney/config", {"base_url": "https://proxy.example", "api_key": "••••nope"}, "api_key"),
    ("/flux/config", {"models": {"flux-1-dev": {"per_output_credits": 0}}}, "models.flux-1-dev.per_output_credits"),
    ("/flux/config", {"models": {"kling-v1": {"per_output_credits": 5}}}, "models.kling-v1"),
    ("/flux/config", {"default_model": "nothing"}, "default_model"),
    (KLING, {"prompt": "a fox", "model_name": "nothing"}, "model_name"),
    (KLING, {"prompt": "a fox", "model": "nothing"}, "model"),
    (IMAGINE, {"prompt": "a fox", "model": "nothing"}, "model"),
    (IMAGINE, {"prompt": "a fox", "advanced_params": {"version": "99"}}, "advanced_params.version"),
    (IMAGINE, {"prompt": "a fox", "advanced_params": {"chaos": 999}}, "advanced_params.chaos"),
    (IMAGINE, {"prompt": "x --ar 0:9"}, "prompt"),
    (IMAGINE, {"prompt": "x --ar 0:9", "advanced_params": {"aspect_ratio": "1:1"}}, "prompt"),
    (IMAGINE, {"prompt": "x", "advanced_params": {"aspect_ratio": "0:9"}}, "advanced_params.aspect_ratio"),
    ("/flux/text-to-image", {"prompt": "a fox", "model": "nothing"}, "model"),
    ("/generation/create", {"prompt": "a fox", "model_name": "nothing"}, "model_name"),
    ("/kling/submit/image-to-video", {"prompt": "a fox", "image": "QUJD" * 50}, "image"),
]


@pytest.mark.parametrize(("path", "body", "field"), REFUSED, ids=lambda value: str(value)[:70])
async def test_a_refusal_names_the_field_that_was_sent(
    scene: Scene, path: str, body: dict[str, Any], field: str
) -> None:
    refused = await scene.admin.client.post(path, json=body)
    assert refused.status_code in {400, 404, 415, 422}, refused.text
    problem = refused.json()
    assert problem["field"] == field, problem
    assert {fault["field"] for fault in problem.get("errors", [])} <= {field}, problem


async def test_a_body_without_its_kind_is_told_which_to_name(scene: Scene) -> None:
    for path in ("/flux/text-to-image", "/generations"):
        for headers in ({}, {"Content-Type": "text/plain"}):
            refused = await scene.owner.client.post(path, content=b'{"prompt": "a fox"}', headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (422, "request.invalid")
            assert "Content-Type: application/json" in refused.json()["detail"], refused.text


async def test_a_code_that_changes_is_refused_by_the_name_of_its_expiry(scene: Scene) -> None:
    (made,) = (await scene.admin.post(CODES, {"amount": 5}))["items"]
    for name in ("expired_at", "expires_at"):
        refused = await scene.admin.client.put(f"{CODES}/{made['id']}", json={name: PAST})
        assert (refused.status_code, refused.json()["field"]) == (422, name), refused.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"flux-1-dev": 0}, "models.flux-1-dev"),
        ({"models": [{"model": "flux-1-dev", "credits": 0}]}, "models.flux-1-dev"),
        ({"flux-1-dev": {"base_credits": 0, "per_output_credits": 0}}, "models.flux-1-dev.per_output_credits"),
        ({"nothing": 5}, "models.nothing"),
    ],
)
async def test_a_refused_price_names_its_model(scene: Scene, body: dict[str, Any], field: str) -> None:
    refused = await scene.admin.client.put("/credit/models/price", json=body)
    assert refused.status_code in {404, 422} and refused.json()["field"] == field, refused.text


async def test_an_unknown_button_is_the_custom_id(scene: Scene) -> None:
    task = await scene.task("midjourney")
    body = {"task_id": task["id"], "custom_id": "MJ::nothing"}
    for path in ("/midjourney/submit/action", "/midjourney/submit/modal"):
        refused = await scene.owner.client.post(path, json=body)
        assert (refused.status_code, refused.json()["field"]) == (404, "custom_id"), refused.text
