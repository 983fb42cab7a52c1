"""What the tests of all routes need to know of the described ones."""

from typing import Any

from vermilion.dialects import ROUTES

NEVER = "01900000-0000-7000-8000-000000000000"
PHONE = "13800138000"

DESCRIBED_PUBLIC = {route.name for route in ROUTES.values() if route.who == "anybody"}
DESCRIBED_ADMIN = {route.name for route in ROUTES.values() if route.who == "admin"}
STREAMS = {name for name in ROUTES if name.endswith("/stream/user")}
FOR_SESSIONS = {"GET /api/v1/auths/api_key", "GET /api/v1/auths/binding-status"}

SERVICE_MODELS = {
    "midjourney": ("midjourney-v7", {"seed": 7}),
    "flux": ("flux-1-schnell", {}),
    "dreamwork": ("seedream-4.0", {}),
    "kling": ("kling-v1", {}),
    "jimeng": ("jimeng-video-3.0-720p", {}),
    "generation": ("sd-1.5", {}),
}
"""A model of each service, and parameters that make its tasks tell all they can."""

_TASK: dict[str, Any] = {"prompt": "not by me"}
_CREDITS = {"user_id": NEVER, "amount": 1, "reason": "greed"}
_BUTTON = {"task_id": NEVER, "custom_id": "upscale"}
_BY_END: dict[str, Any] = {
    "/config": {"enabled": False},
    "/credits/add": _CREDITS,
    "/credits/deduct": _CREDITS,
    "/text-to-image": _TASK,
    "/image-to-image": _TASK,
    "/multi-image-edit": _TASK,
    "/text-to-video": _TASK,
    "/image-to-video": _TASK,
    "/lip-sync": {"text": "not by me", "task_id": NEVER},
    "/midjourney/generate": _TASK,
    "/submit/imagine": _TASK,
    "/submit/blend": {"images": [NEVER, NEVER]},
    "/submit/describe": {"image": NEVER},
    "/submit/shorten": _TASK,
    "/submit/action": _BUTTON,
    "/submit/modal": {**_BUTTON, "prompt": "not by me"},
    "/generation/create": {**_TASK, "model_name": "sd-1.5"},
    "/auths/signup": {"email": "mallory@example.test", "password": "a long way home", "name": "Mallory"},
    "/auths/signin": {"email": "mallory@example.test", "password": "a long way home"},
    "/auths/send-sms-code": {"phone": PHONE, "purpose": "login"},
    "/auths/verify-sms-code": {"phone": PHONE, "purpose": "login", "code": "000000"},
    "/auths/signup-phone": {"phone": PHONE, "code": "000000", "name": "Mallory"},
    "/auths/signin-phone": {"phone": PHONE, "code": "000000"},
    "/auths/bind-phone": {"phone": PHONE, "code": "000000"},
    "/storage/test": {"enabled": False},
    "/auths/bind-email": {"email": "mallory@example.test", "password": "a long way home"},
    "/credit/models/price": {"models": {"flux-1-schnell": {"per_output_credits": 1}}},
    "/credit/statistics": {"days": 1},
    "/credit/tickets": {"amount": 6},
    "/credit/redemption_codes": {"amount": 1000},
    "/redemption_codes/{code}": {"enabled": False},
}

DESCRIBED_BODIES: dict[str, Any] = {
    route.name: body
    for route in ROUTES.values()
    if route.method != "GET"
    for end, body in _BY_END.items()
    if route.path.endswith(end)
}
"""A body each of them would accept from somebody who may."""
