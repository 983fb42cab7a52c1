"""Kling's two ways to sign in, and which of its two API generations a credential reaches.

An API key is sent as it is and opens both generations. An AccessKey with its SecretKey is turned into a short-lived
JWT, which only the first generation (paths under `/v1/`) takes; relays speak the first generation too. Facts: Kling's
pages on authentication.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass

from yarl import URL

from vermilion.providers.credential import (
    CredentialField,
    LocalText,
    address_field,
    choice_field,
    filled_in,
)
from vermilion.providers.errors import Misconfigured

TOKEN_LIFE_SECONDS = 1800
TOKEN_BACKDATED_SECONDS = 5
"""Both as in Kling's own sample: clocks may differ by this much."""

FIELDS = (
    CredentialField(
        "api_key",
        LocalText("API key", "API Key"),
        secret=True,
        required=False,
        help=LocalText(
            "From Kling's console, or a relay's key. Leave empty if you have an AccessKey and a SecretKey.",
            "可灵控制台的 API Key，或中转站的密钥。使用 AccessKey 与 SecretKey 时留空。",
        ),
    ),
    CredentialField("access_key", LocalText("AccessKey", "AccessKey"), required=False),
    CredentialField("secret_key", LocalText("SecretKey", "SecretKey"), secret=True, required=False),
    address_field(
        LocalText(
            "From mainland China: https://api-beijing.klingai.com. A relay's address usually ends with /kling.",
            "中国大陆服务器请用 https://api-beijing.klingai.com；中转站地址通常以 /kling 结尾。",
        ),
        "https://api-singapore.klingai.com",
    ),
    choice_field(
        "generation",
        LocalText("API generation", "接口代次"),
        LocalText(
            "The second takes an API key only; relays speak the first.",
            "第二代只接受 API Key；中转站使用第一代。",
        ),
        {
            "auto": LocalText("By the address", "按地址判断"),
            "1": LocalText("First", "第一代"),
            "2": LocalText("Second", "第二代"),
        },
    ),
    CredentialField(
        "webhook_secret",
        LocalText("Callback secret", "回调密钥"),
        secret=True,
        required=False,
        help=LocalText(
            "whsec_… from Kling's console, if you made one: callbacks are then verified by it.",
            "可灵控制台中创建的 whsec_… 密钥；填写后会用它校验回调签名。",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class KlingLogin:
    """A credential's fields, cleaned."""

    base: str
    api_key: str
    access_key: str
    secret_key: str
    generation: str
    webhook_secret: str

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> "KlingLogin":
        """From a credential's fields, with defaults filled in. A pasted `/v1` is not part of the address."""
        clean = filled_in(FIELDS, fields)
        return cls(
            base=clean["base_url"].rstrip("/").removesuffix("/v1"),
            api_key=clean["api_key"],
            access_key=clean["access_key"],
            secret_key=clean["secret_key"],
            generation=clean["generation"].lower(),
            webhook_secret=clean["webhook_secret"],
        )

    @property
    def reaches_newer(self) -> bool:
        """Whether the second generation is spoken with this credential."""
        if not self.api_key or self.generation == "1":
            return False
        return self.generation == "2" or (URL(self.base).host or "").endswith(".klingai.com")

    def authorization(self, *, newer: bool, now: float) -> str:
        """The `Authorization` header at Unix time `now`; raises `Misconfigured` when nothing can be sent."""
        if self.access_key and self.secret_key and not newer:
            return f"Bearer {token(self.access_key, self.secret_key, now)}"
        if self.api_key:
            return f"Bearer {self.api_key}"
        raise Misconfigured("The credential has neither an API key nor an AccessKey with its SecretKey.")


def token(access_key: str, secret_key: str, now: float) -> str:
    """A JWT (HS256) that Kling takes until half an hour after `now`, in Unix seconds."""
    at = int(now)
    claims = {"iss": access_key, "exp": at + TOKEN_LIFE_SECONDS, "nbf": at - TOKEN_BACKDATED_SECONDS}
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{signed}.{_text(hmac.new(secret_key.encode(), signed.encode(), hashlib.sha256).digest())}"


def _part(content: Mapping[str, object]) -> str:
    return _text(json.dumps(content, separators=(",", ":")).encode())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
