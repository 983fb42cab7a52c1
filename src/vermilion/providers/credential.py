"""What an operator fills in to reach a provider, and the same opened for a call."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,80}")
"""A token (RFC 9110 §5.6.2), of bounded length."""
_NEVER = frozenset(
    {
        # Of one connection only (RFC 9110 §7.6.1), which whoever passes a request on throws away or acts upon.
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
        *("proxy-authenticate", "proxy-authorization"),
        # What the request is, and for whom: a key in its place would make another request of it.
        *("host", "origin", "cookie", "expect", "content-length", "content-type", "content-encoding"),
    }
)


@dataclass(frozen=True, slots=True)
class LocalText:
    """The same words in both languages of the house."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class FieldChoice:
    """One of the values a credential's field may have."""

    value: str
    label: LocalText


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One thing an operator fills in for a credential; the admin page is drawn from these.

    A `…_url` field is where calls go; changing it requires every secret again. A `…_header` field names the header a
    secret is sent in. A field with `choices` takes nothing else, in whatever case it is written.
    """

    name: str
    label: LocalText
    secret: bool = False
    required: bool = True
    default: str | None = None
    help: LocalText | None = None
    choices: tuple[FieldChoice, ...] = ()


def address_field(about: LocalText, default: str | None = None) -> CredentialField:
    """Where calls go, at a provider that has one address."""
    return CredentialField("base_url", LocalText("Address", "接口地址"), default=default, help=about)


def choice_field(name: str, label: LocalText, about: LocalText, choices: Mapping[str, LocalText]) -> CredentialField:
    """One of several values; who chooses none has the first."""
    offered = tuple(FieldChoice(value, words) for value, words in choices.items())
    return CredentialField(name, label, required=False, default=offered[0].value, help=about, choices=offered)


@dataclass(frozen=True, slots=True)
class Login:
    """A credential opened for use: its fields in clear, and whether private addresses are allowed for it."""

    credential_id: str
    fields: Mapping[str, str]
    allow_private_hosts: bool = False


def filled_in(declared: Sequence[CredentialField], given: Mapping[str, str]) -> dict[str, str]:
    """The value of each declared field, trimmed; its default where nothing was given."""
    return {field.name: (given.get(field.name) or field.default or "").strip() for field in declared}


def can_carry_a_key(header: str) -> bool:
    """Whether a header of this name can be sent, and stays what it was on its way to the server."""
    return _HEADER.fullmatch(header) is not None and header.lower() not in _NEVER
