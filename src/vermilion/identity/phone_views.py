"""What the outside sends and sees of codes, phones and the ways to sign in, and of how codes are sent."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from vermilion.identity.phones import is_mainland
from vermilion.identity.views import Email, Given, GivenPassword, Name, NewPassword, Shown
from vermilion.sms import BASE_URL, Kind, Purpose

GivenPhone = Annotated[str, Field(min_length=5, max_length=40)]
GivenCode = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
LoginBy = Literal["password", "api_key"]
TroubledOutcome = Literal["refused", "unknown"]
Countries = Literal["mainland", "all"]
_LINE = r"^[^\x00-\x1f\x7f]*$"
Account = Annotated[str, Field(max_length=80, pattern=_LINE)]
Secret = Annotated[str, Field(max_length=400, pattern=_LINE)]
Signature = Annotated[str, Field(max_length=20, pattern=r"^[^\x00-\x1f\x7f【】\[\]]*$")]
Address = Annotated[str, Field(min_length=8, max_length=400, pattern=_LINE)]
DailyTotal = Annotated[int, Field(ge=0, le=1_000_000)]


class CodeRequest(Given):
    """Where to send a code, and what it is for."""

    phone: GivenPhone
    purpose: Purpose


class CodeSent(Shown):
    """The same whether or not anybody has this number."""

    expires_in_seconds: int
    resend_in_seconds: int


class PhoneSignUp(Given):
    """A new person with a phone; a password is needed only with an e-mail address."""

    phone: GivenPhone
    code: GivenCode
    name: Name
    password: NewPassword | None = None


class PhoneSignIn(Given):
    phone: GivenPhone
    code: GivenCode


class PhoneBinding(Given):
    """A number, and the code that was sent to it for `bind`."""

    phone: GivenPhone
    code: GivenCode


class EmailBinding(Given):
    """An address; `new_password` belongs to it where there is no password yet."""

    email: Email
    new_password: NewPassword | None = None


class Confirmation(Given):
    """Proof that it is still the same person: the password, or a code for `change` that was sent to their number."""

    password: GivenPassword | None = None
    code: GivenCode | None = None


class SmsChoice(BaseModel):
    """How codes are sent, as it is stored: one of the operator's choices, with its secret sealed."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Kind = "smsbao"
    enabled: bool = False
    account: str = ""
    secret_sealed: str = ""
    login_by: LoginBy = "password"
    signature: str = ""
    base_url: str = BASE_URL
    allow_private_hosts: bool = False
    countries: Countries = "mainland"
    daily_total: int = 500
    managed_by: str | None = None

    @property
    def is_ready(self) -> bool:
        """Whether a code can be sent at all."""
        return self.enabled and bool(self.account and self.secret_sealed and self.signature)

    def reaches(self, phone: str) -> bool:
        """Whether codes go to this number now: it is then a way in."""
        return self.is_ready and (self.countries == "all" or is_mainland(phone))


class SmsDraft(Given):
    """Every choice about SMS. `secret` sent back as its mask is the stored one; so is an empty one, where the
    address stays."""

    kind: Kind = "smsbao"
    enabled: bool
    account: Account
    secret: Secret
    login_by: LoginBy
    signature: Signature
    base_url: Address
    allow_private_hosts: bool = False
    countries: Countries
    daily_total: DailyTotal


class SmsTroubleView(Shown):
    """Why a message was not sent, or what the vendor said that nobody understood."""

    at: datetime
    outcome: TroubledOutcome
    detail: str


class SmsView(Shown):
    """How codes are sent, for admins; the secret is its mask."""

    kind: Kind
    enabled: bool
    ready: bool
    account: str
    secret: str
    login_by: LoginBy
    signature: str
    base_url: str
    allow_private_hosts: bool
    countries: Countries
    daily_total: int
    managed_by: str | None
    sent_last_day: int
    last_trouble: SmsTroubleView | None


class SmsTest(Shown):
    """What a connection test found: `problem` is null where all is well, the numbers count messages."""

    problem: str | None
    remaining: int | None
    sent: int | None
