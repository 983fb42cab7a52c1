"""What admins see of providers and credentials."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from vermilion.catalog.views import TextView, text_view
from vermilion.providers import CredentialField


class FieldChoiceView(BaseModel):
    """One of the values a field may have."""

    value: str
    label: TextView


class CredentialFieldView(BaseModel):
    """One thing to fill in for a credential; with `choices` it is one of them."""

    name: str
    label: TextView
    secret: bool
    required: bool
    default: str | None
    help: TextView | None
    choices: list[FieldChoiceView]


class HealthView(BaseModel):
    """How a credential was when it was last used or tested; until `cooldown_until` it is given no work."""

    state: Literal["up", "degraded", "down"]
    since: datetime
    last_error: str | None
    cooldown_until: datetime | None


class BalanceView(BaseModel):
    """What is left at the provider, in its own words and unit."""

    amount: str
    unit: str


class KnownBalanceView(BalanceView):
    """The last balance the provider told, and when that was."""

    at: datetime


class CredentialView(BaseModel):
    """A credential without its secrets: they show as `••••` and their last four characters."""

    id: UUID
    provider: str
    name: str
    fields: dict[str, str]
    enabled: bool
    weight: int
    max_concurrent: int
    allow_private_hosts: bool
    managed_by: Literal["sandbox"] | None
    health: HealthView
    balance: KnownBalanceView | None
    in_flight: int


class ProviderView(BaseModel):
    """A provider, what its credentials need, and those there are."""

    provider: str
    title: str
    max_concurrent_default: int
    credential_fields: list[CredentialFieldView]
    credentials: list[CredentialView]


class ProviderList(BaseModel):
    """All providers there are adapters for."""

    items: list[ProviderView]


class TestView(BaseModel):
    """The answer of a connection test, which costs nothing; `problem` is null when the credential works."""

    __test__ = False  # for pytest, which would take the name for a test

    ok: bool
    latency_ms: int
    account: str | None
    problem: str | None
    balance: BalanceView | None


def field_view(field: CredentialField) -> CredentialFieldView:
    """One field of a provider's credentials."""
    return CredentialFieldView(
        name=field.name,
        label=text_view(field.label),
        secret=field.secret,
        required=field.required,
        default=field.default,
        help=text_view(field.help) if field.help else None,
        choices=[FieldChoiceView(value=choice.value, label=text_view(choice.label)) for choice in field.choices],
    )
