"""The way to one ComfyUI server: its address, and what the proxy in front of it wants, where there is one.

ComfyUI itself knows no login. A server on the open internet stands behind something that does: a bearer token, a key
in a header of its own, or a name and a password.
"""

import base64
from collections.abc import Mapping
from time import monotonic
from typing import Any

import aiohttp
from yarl import URL

from vermilion.providers import comfyui_errors
from vermilion.providers.credential import CredentialField, LocalText, Login, can_carry_a_key, filled_in
from vermilion.providers.errors import Drifted, Misconfigured, Unreachable
from vermilion.providers.wire import Answer, Wire

FIELDS = (
    CredentialField(
        "base_url",
        LocalText("Address", "地址"),
        default="http://127.0.0.1:8188",
        help=LocalText(
            "Where the server is reached. On this machine or in your own network, allow private hosts.",
            "服务器的访问地址。若在本机或内网，请勾选允许内网地址。",
        ),
    ),
    CredentialField(
        "api_key",
        LocalText("Key or password", "密钥或密码"),
        secret=True,
        required=False,
        help=LocalText(
            "Only where a proxy in front of the server asks for one; ComfyUI itself does not.",
            "仅在服务器前的反向代理需要时填写；ComfyUI 本身不需要。",
        ),
    ),
    CredentialField(
        "key_header",
        LocalText("Header of the key", "密钥请求头"),
        required=False,
        default="Authorization",
        help=LocalText(
            "In Authorization the key is sent as a bearer token; in any other header, such as X-API-Key, as it is.",
            "使用 Authorization 时以 Bearer 方式发送；其他请求头（如 X-API-Key）则原样发送。",
        ),
    ),
    CredentialField(
        "username",
        LocalText("User name", "用户名"),
        required=False,
        help=LocalText(
            "With a user name, both are sent as a name and a password (basic authentication).",
            "填写后将以用户名和密码（Basic 认证）方式发送。",
        ),
    ),
)


def seconds_until(ends: float) -> float:
    """Seconds left until this moment of `time.monotonic`; raises `Unreachable` when it has passed."""
    left = ends - monotonic()
    if left <= 0:
        raise Unreachable("ComfyUI took too long to be handed the files of this job.")
    return left


class Door:
    """One server, reached with one login."""

    def __init__(self, login: Login, wire: Wire) -> None:
        given = filled_in(FIELDS, login.fields)
        self.base_url = given["base_url"].rstrip("/")
        self._key, self._name, self._header = given["api_key"], given["username"], given["key_header"]
        self._wire = wire

    @property
    def headers(self) -> dict[str, str]:
        """What lets us in; raises `Misconfigured` for a header no request can carry."""
        if self._name:
            pair = base64.b64encode(f"{self._name}:{self._key}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        if not self._key:
            return {}
        if not can_carry_a_key(self._header):
            raise Misconfigured("The header for the key is none that could be sent.")
        if not self._key.isprintable():
            raise Misconfigured("The key holds a line break, or another character that no header can carry.")
        bearer = self._header.lower() == "authorization"
        return {self._header: f"Bearer {self._key}" if bearer else self._key}

    def headers_for(self, url: str) -> Mapping[str, str]:
        """The same for an address of this server, and nothing for any other."""
        try:
            own = URL(url).origin() == URL(self.base_url).origin()
        except ValueError:
            return {}
        return self.headers if own else {}

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        data: aiohttp.FormData | None = None,
        effect: bool = False,
        query: Mapping[str, str] | None = None,
        seconds: float = 60.0,
    ) -> Answer:
        """One exchange with the server."""
        return await self._wire.request(
            method,
            f"{self.base_url}{path}",
            effect=effect,
            headers={"Accept": "application/json", **self.headers},
            query=query,
            body=body,
            data=data,
            total_timeout_seconds=seconds,
        )

    async def question(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """The JSON of a harmless question; raises why there is none."""
        answer = await self.ask("GET", path, query=query)
        if not answer.ok:
            raise comfyui_errors.unanswered(answer)
        return answer.json()

    async def table(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The same where it must be an object."""
        body = await self.question(path, query)
        if not isinstance(body, dict):
            raise Drifted("ComfyUI answered with JSON that is not an object.", vendor_message=str(body)[:200])
        return body
