"""The described ways to sign in: codes by SMS, phones, e-mail addresses, and how codes are sent.

A change of them wants a token that was opened within five minutes, or one confirmed since (`POST /api/v1/me/confirm`);
`bind-email` confirms with the password or the code that is in its body.
"""

from typing import Any

from fastapi import Request
from pydantic import BaseModel

from vermilion.dialects.accounts_api import DoneView, SignedInView, signed_in
from vermilion.dialects.bodies import Body
from vermilion.dialects.house import HouseHere
from vermilion.dialects.routes import Route, face
from vermilion.dialects.telling import called
from vermilion.identity import (
    Account,
    Actor,
    Address,
    AdminActor,
    CodeRequest,
    CodeSent,
    Confirmation,
    Countries,
    DailyTotal,
    Email,
    EmailBinding,
    GivenCode,
    GivenPassword,
    OptionalActor,
    PhoneBinding,
    PhoneSignIn,
    PhoneSignUp,
    Secret,
    SessionActor,
    Signature,
    SmsDraft,
    SmsView,
    UserView,
    asked_by,
    bind_email_from,
    bind_phone_from,
    change_sms,
    confirm_from,
    judge_code,
    normalised_phone,
    person,
    send_code_from,
    sign_in_by_phone_from,
    sign_up_by_phone_from,
    sms_view,
    unbind_email,
    unbind_phone,
)
from vermilion.kit import Invalid


class CodeCheck(CodeRequest):
    """A code, and what it was sent for."""

    code: GivenCode


class BindEmailBody(Body):
    """An address. `password` is the present one where there is one, else the one to sign in with from now on; `code`
    is one for `change`, sent to one's own number."""

    email: Email
    password: GivenPassword | None = None
    code: GivenCode | None = None


class BindingView(BaseModel):
    """By what a person can sign in."""

    email: str | None
    email_bound: bool
    phone: str | None
    phone_bound: bool


class SmsConfigBody(Body):
    """What to change of how codes are sent; what is absent stays. An `api_key` is used in place of a `password`."""

    enabled: bool | None = None
    username: Account | None = None
    password: Secret | None = None
    api_key: Secret | None = None
    signature: Signature | None = None
    base_url: Address | None = None
    allow_private_hosts: bool | None = None
    countries: Countries | None = None
    daily_total: DailyTotal | None = None


class SmsConfigView(BaseModel):
    """How codes are sent; the secret is masked, in the one of its two places that it is for."""

    provider: str
    enabled: bool
    username: str
    password: str
    api_key: str
    signature: str
    base_url: str
    allow_private_hosts: bool
    countries: str
    daily_total: int
    sent_last_day: int


@face(Route("POST", "/auths/send-sms-code", "anybody", "Send a code by SMS"), refusals=(401, 503))
async def send_sms_code(house: HouseHere, request: Request, actor: OptionalActor, body: CodeRequest) -> CodeSent:
    """Six digits for five minutes. `bind`, and `change` for a number that is not one's own, is for adding it; `change`
    for one's own confirms a change."""
    return await send_code_from(request, actor, await _meant(house, actor, body))


@face(Route("POST", "/auths/verify-sms-code", "anybody", "Check a code"), refusals=(401,))
async def verify_sms_code(house: HouseHere, request: Request, actor: OptionalActor, body: CodeCheck) -> DoneView:
    """Whether it is right, without using it up; each check is one of its five tries."""
    meant = await _meant(house, actor, body)
    await judge_code(request, await asked_by(request, actor, meant.phone, meant.purpose), body.code)
    return DoneView()


@face(Route("POST", "/auths/signup-phone", "anybody", "Sign up by phone"), refusals=(409,))
async def signup_phone(request: Request, body: PhoneSignUp) -> SignedInView:
    """Make an account with a `register` code; the answer has the token of a session."""
    return signed_in(*await sign_up_by_phone_from(request, body))


@face(Route("POST", "/auths/signin-phone", "anybody", "Sign in by phone"), refusals=(404,))
async def signin_phone(request: Request, body: PhoneSignIn) -> SignedInView:
    """Open a session with a `login` code; the answer has its token."""
    return signed_in(*await sign_in_by_phone_from(request, body))


@face(Route("GET", "/auths/binding-status", "user", "By what I can sign in"), refusals=(404,))
async def binding_status(house: HouseHere, actor: SessionActor) -> BindingView:
    """An e-mail address with a password, a phone, or both."""
    user = await house.db.read(person, actor.user_id)
    return _binding(user.email, user.phone)


@face(Route("POST", "/auths/bind-phone", "user", "Add or change my phone number"), refusals=(404, 409))
async def bind_phone(request: Request, actor: SessionActor, body: PhoneBinding) -> BindingView:
    """With the code that was sent to the number; every other session ends."""
    return _bound(await bind_phone_from(request, actor, body))


@face(Route("POST", "/auths/bind-email", "user", "Add or change my e-mail address"), refusals=(404, 409))
async def bind_email(house: HouseHere, request: Request, actor: SessionActor, body: BindEmailBody) -> BindingView:
    """With the password or a code; every other session ends."""
    user = await house.db.read(person, actor.user_id)
    new_password = body.password if user.password_hash is None else None
    if body.code is not None:
        await confirm_from(request, actor, Confirmation(code=body.code))
    elif body.password is not None and new_password is None:
        await confirm_from(request, actor, Confirmation(password=body.password))
    return _bound(await bind_email_from(request, actor, EmailBinding(email=body.email, new_password=new_password)))


@face(Route("DELETE", "/auths/unbind-phone", "user", "Remove my phone number"), refusals=(409,))
async def remove_phone(house: HouseHere, actor: SessionActor) -> BindingView:
    """Refused where it is the only way to sign in; every other session ends."""
    return _bound(await house.db.write(unbind_phone, actor, house.clock.now()))


@face(Route("DELETE", "/auths/unbind-email", "user", "Remove my e-mail address"), refusals=(409,))
async def remove_email(house: HouseHere, actor: SessionActor) -> BindingView:
    """Refused where it is the only way to sign in; every other session ends."""
    return _bound(await house.db.write(unbind_email, actor, house.clock.now()))


@face(Route("GET", "/auths/sms/config", "admin", "How codes are sent"))
async def get_sms_config(house: HouseHere, actor: AdminActor) -> SmsConfigView:
    """The account, with its secret masked."""
    del actor
    return _sms_config(await house.db.read(sms_view, house.sealer, house.clock.now()))


@face(Route("POST", "/auths/sms/config", "admin", "Choose how codes are sent"))
async def post_sms_config(house: HouseHere, actor: AdminActor, body: SmsConfigBody) -> SmsConfigView:
    """Only what is sent changes; another address wants the secret again."""
    if body.password and body.api_key:
        raise Invalid(
            "request.invalid",
            "api_key is sent beside password: send the one the account is to log in by.",
            field="api_key",
        )
    present = await house.db.read(sms_view, house.sealer, house.clock.now())
    draft = _drafted(present, body)
    sent = [name for name in ("password", "api_key") if name in body.model_fields_set]
    secret = sent[0] if len(sent) == 1 else draft.login_by
    with called({"account": "username", "secret": secret}):
        return _sms_config(await change_sms(house, actor, draft))


async def _meant(house: HouseHere, actor: Actor | None, body: CodeRequest) -> CodeRequest:
    """Such clients change a number with a code for `change` that goes to the new one."""
    if body.purpose != "change" or actor is None:
        return body
    user = await house.db.read(person, actor.user_id)
    return body if user.phone == normalised_phone(body.phone) else body.model_copy(update={"purpose": "bind"})


def _drafted(present: SmsView, body: SmsConfigBody) -> SmsDraft:
    changes: dict[str, Any] = body.model_dump(exclude_none=True)
    if "username" in changes:
        changes["account"] = changes.pop("username")
    for login_by in ("password", "api_key"):
        # The empty one of the two, written back as it was shown, says nothing.
        if secret := changes.pop(login_by, ""):
            changes |= {"secret": secret, "login_by": login_by}
    return SmsDraft.model_validate({**present.model_dump(include=set(SmsDraft.model_fields)), **changes})


def _sms_config(view: SmsView) -> SmsConfigView:
    shown = view.model_dump(include=set(SmsConfigView.model_fields))
    return SmsConfigView(
        **shown,
        provider=view.kind,
        username=view.account,
        password=view.secret if view.login_by == "password" else "",
        api_key=view.secret if view.login_by == "api_key" else "",
    )


def _bound(user: UserView) -> BindingView:
    return _binding(user.email, user.phone)


def _binding(email: str | None, phone: str | None) -> BindingView:
    return BindingView(email=email, email_bound=email is not None, phone=phone, phone_bound=phone is not None)
