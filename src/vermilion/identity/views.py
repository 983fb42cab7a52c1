"""What the outside sends to identity and sees of it."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

Role = Literal["user", "admin"]
Locale = Literal["en", "zh"]
Theme = Literal["paper", "ink"]
Scope = Literal["read", "generate", "admin"]

_EMAIL = (
    r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
    r"@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$"
)
"""An address as a browser's own e-mail field accepts it (HTML, "valid e-mail address"), so both agree."""

_NAME = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
"""No control characters, and something besides white space."""


def normalised_email(email: str) -> str:
    """The one spelling under which an address is stored and looked up."""
    return email.lower()


def _whole(value: Any) -> Any:
    """JSON does not tell 7.0 from 7, so neither do we; everything else is left to the strict check."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WelcomeCredits = Annotated[int, Field(ge=0, le=1_000_000), BeforeValidator(_whole)]
Days = Annotated[int, Field(ge=1, le=3650), BeforeValidator(_whole)]
Email = Annotated[str, Field(min_length=3, max_length=254, pattern=_EMAIL), AfterValidator(normalised_email)]
Name = Annotated[str, Field(min_length=1, max_length=80, pattern=_NAME), AfterValidator(str.strip)]
NewPassword = Annotated[str, Field(min_length=8, max_length=128)]
GivenPassword = Annotated[str, Field(min_length=1, max_length=128)]
ServiceDefaults = Annotated[
    dict[
        Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}\.[a-z0-9_]{1,40}$")],
        Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")],
    ],
    Field(max_length=100),
]
Limit = Annotated[int, Field(ge=1, le=100)]
Cursor = Annotated[str, Field(min_length=1, max_length=400, pattern=r"^[A-Za-z0-9_-]+$")]


def _absent_role() -> Role:
    return "user"


def _absent_locale() -> Locale:
    return "en"


class Given(BaseModel):
    """Input: nothing unknown is accepted and nothing is converted.

    In a patch only the fields that were sent count (`model_fields_set`); a default made by a factory stays
    out of the OpenAPI, where it would look like a value that is set.
    """

    model_config = ConfigDict(extra="forbid", strict=True)


class Shown(BaseModel):
    """Output."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SignUp(Given):
    email: Email
    password: NewPassword
    name: Name


class SignIn(Given):
    email: Email
    password: GivenPassword


class ClaimFirstAdmin(Given):
    token: Annotated[str, Field(min_length=1, max_length=200)]
    email: Email
    password: NewPassword
    name: Name


class ProfilePatch(Given):
    """What is absent stays; null for locale or theme means "as the house or the device has it"."""

    name: Name = Field(default_factory=str)
    locale: Locale | None = None
    theme: Theme | None = None


class PasswordChange(Given):
    current_password: GivenPassword
    new_password: NewPassword


class NewApiKey(Given):
    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=3)] = ["read", "generate"]
    expires_in_days: Days | None = None


class UserPatch(Given):
    """What an admin may change of a person; what is absent stays."""

    role: Role = Field(default_factory=_absent_role)
    disabled: bool = Field(default_factory=bool)
    name: Name = Field(default_factory=str)


class UserView(Shown):
    """A person as they see themselves; `email` or `phone` is null, not both."""

    id: UUID
    email: str | None
    phone: str | None
    has_password: bool
    name: str
    role: Role
    locale: Locale | None
    theme: Theme | None
    created_at: datetime


class UserAnswer(Shown):
    user: UserView


class CreditsGlance(Shown):
    available: int
    held: int


class MeView(Shown):
    user: UserView
    credits: CreditsGlance


class UserAdminView(Shown):
    """A person as an admin sees them."""

    id: UUID
    email: str | None
    phone: str | None
    name: str
    role: Role
    disabled: bool
    created_at: datetime
    last_seen_at: datetime | None


class UserWithBalanceView(UserAdminView):
    """The same with what the ledger knows."""

    available: int
    held: int
    spent: int


class SessionView(Shown):
    id: UUID
    created_at: datetime
    last_used_at: datetime
    user_agent: str | None
    ip: str | None
    current: bool


class SessionList(Shown):
    items: list[SessionView]


class ApiKeyView(Shown):
    id: UUID
    name: str
    prefix: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class ApiKeyList(Shown):
    items: list[ApiKeyView]


class ApiKeyOnce(ApiKeyView):
    """The only answer that carries the key itself."""

    key: str


class AuditView(Shown):
    id: int
    actor_email: str | None
    """The number of whoever has no address; null when the terminal did it."""
    actor_name: str | None
    action: str
    target: str
    target_email: str | None
    """Of the person it was done to, or their number; null for everything else."""
    target_name: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    ip: str | None
    created_at: datetime


class Choices(BaseModel):
    """What the operator decides in the admin pages; effective at once on every node."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    sign_up_open: bool = True
    welcome_credits: WelcomeCredits = 100
    """Granted to each new person."""
    studio_name: Name = "Vermilion"
    default_locale: Locale = "en"
    service_defaults: ServiceDefaults = {}
    """What the described routes take where a request names nothing: `<service>.model`, `<service>.<field>`."""


class ChoicesPatch(Given):
    """The choices to change; what is absent stays."""

    sign_up_open: bool = Field(default_factory=bool)
    welcome_credits: WelcomeCredits = Field(default_factory=int)
    studio_name: Name = Field(default_factory=str)
    default_locale: Locale = Field(default_factory=_absent_locale)
    service_defaults: ServiceDefaults = Field(default_factory=dict)
