"""How a midjourney-proxy is reached: its address, its secret, and which of three dialects of one protocol it speaks.

The original knows no speed in its paths and no buttons; its successor has both; gateways pass the successor's
protocol on, under keys of their own. All three take the secret in one header. Facts: the proxies' sources.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from vermilion.providers.credential import (
    CredentialField,
    LocalText,
    address_field,
    choice_field,
    filled_in,
)

Dialect = Literal["auto", "original", "extended", "relay"]
DIALECTS: tuple[Dialect, ...] = ("auto", "original", "extended", "relay")

FIELDS = (
    address_field(
        LocalText(
            "Where your midjourney-proxy or gateway answers, without /mj at the end.",
            "midjourney-proxy 或中转站的地址，末尾不带 /mj。",
        )
    ),
    CredentialField(
        "secret",
        LocalText("Secret", "密钥"),
        secret=True,
        required=False,
        help=LocalText(
            "mj-api-secret of the proxy, or the gateway's key (sk-…). Empty where the proxy asks for none.",
            "代理的 mj-api-secret，或中转站的密钥（sk-…）。代理未设置密钥时留空。",
        ),
    ),
    choice_field(
        "dialect",
        LocalText("Kind of proxy", "代理类型"),
        LocalText("The connection test says which it is.", "连接测试会给出结果。"),
        {
            "auto": LocalText("Found out", "自动识别"),
            "original": LocalText("Original (novicezk)", "原版（novicezk）"),
            "extended": LocalText("Extended (trueai)", "扩展版（trueai）"),
            "relay": LocalText("Gateway", "中转站"),
        },
    ),
    choice_field(
        "mask",
        LocalText("Region masks", "局部重绘蒙版"),
        LocalText("How the place to change is marked for the proxy.", "向代理标出重绘区域的方式。"),
        {"white": LocalText("White", "白色"), "transparent": LocalText("Transparent", "透明")},
    ),
)


@dataclass(frozen=True, slots=True)
class ProxyLogin:
    """A credential's fields, cleaned."""

    base: str
    secret: str
    dialect: Dialect
    mask_is_transparent: bool

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> "ProxyLogin":
        """From a credential's fields. A pasted `/mj` is no part of the address; unknown words count as `auto`."""
        clean = filled_in(FIELDS, fields)
        word = clean["dialect"].lower()
        return cls(
            base=clean["base_url"].rstrip("/").removesuffix("/mj").rstrip("/"),
            secret=clean["secret"],
            dialect=next((known for known in DIALECTS if known == word), "auto"),
            mask_is_transparent=clean["mask"].lower() == "transparent",
        )

    @property
    def headers(self) -> dict[str, str]:
        """What signs a request in, with every dialect."""
        return {"mj-api-secret": self.secret} if self.secret else {}
