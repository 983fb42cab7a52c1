"""Whose request it is: JWTs of an AccessKey checked part by part, and API keys.

A token is HS256 over `{"alg":"HS256","typ":"JWT"}` and `iss`, `exp`, `nbf`, keyed with the SecretKey's own bytes. Only
the first generation takes tokens; API keys open both. Facts: Kling's page on authentication.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from .kling_replies import Refusal


class Logins:
    """The accounts a sandbox knows."""

    def __init__(self, secrets: Sequence[Mapping[str, str]]) -> None:
        self._by_key = {login["api_key"]: f"kling:{index}" for index, login in enumerate(secrets)}
        self._by_access = {
            login["access_key"]: (f"kling:{index}", login["secret_key"]) for index, login in enumerate(secrets)
        }

    def account(self, authorization: str, now: float, *, tokens: bool) -> str:
        """The account of a request; raises `Refusal` with Kling's code for what is wrong with its header."""
        if not authorization:
            raise Refusal(1001)
        scheme, _, credential = authorization.partition(" ")
        if scheme != "Bearer":
            raise Refusal(1002)
        known = self._by_key.get(credential)
        if known is not None:
            return known
        if credential.count(".") != 2 or not tokens:
            raise Refusal(1002)
        return self._of_token(credential, now)

    def by_key(self, authorization: str) -> str | None:
        """The account of an API key alone, as relays know them."""
        return self._by_key.get(authorization.removeprefix("Bearer "))

    def _of_token(self, token: str, now: float) -> str:
        head, claims, signature = token.split(".")
        header, told = _json(head), _json(claims)
        if header.get("alg") != "HS256" or header.get("typ") != "JWT":
            raise Refusal(1002)
        account, secret = self._by_access.get(str(told.get("iss")), ("", ""))
        expected = hmac.new(secret.encode(), f"{head}.{claims}".encode(), hashlib.sha256).digest()
        if not account or not hmac.compare_digest(expected, _bytes(signature)):
            raise Refusal(1002)
        begins, ends = told.get("nbf"), told.get("exp")
        if not isinstance(ends, int | float) or isinstance(ends, bool):
            raise Refusal(1002)
        if isinstance(begins, int | float) and begins > now:
            raise Refusal(1003)
        if ends <= now:
            raise Refusal(1004)
        return account


def _bytes(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        return b""


def _json(part: str) -> dict[str, Any]:
    try:
        told = json.loads(_bytes(part))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
