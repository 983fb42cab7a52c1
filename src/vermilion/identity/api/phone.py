"""Coming in by phone: sign-up and sign-in with a number and the code that was sent to it."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response

from vermilion.db import Tx
from vermilion.identity.access import house_of, ip_of
from vermilion.identity.addresses import address_bucket
from vermilion.identity.api.browsers import Browser
from vermilion.identity.api.codes import asked_by, judge_code
from vermilion.identity.api.cookies import let_in
from vermilion.identity.commands.codes import Asked
from vermilion.identity.commands.people import OnUserCreated, refuse_closed_door, sign_up_by_phone
from vermilion.identity.commands.sessions import sign_in_by_phone
from vermilion.identity.passwords import refuse_weak_password
from vermilion.identity.phone_views import PhoneSignIn, PhoneSignUp
from vermilion.identity.problems import write_responses
from vermilion.identity.queries import person, user_view
from vermilion.identity.views import UserAnswer, UserView

phone_router = APIRouter(prefix="/auth", tags=["people"])


@phone_router.post("/sign-up/phone", status_code=201, responses=write_responses(409), summary="Sign up by phone")
async def post_phone_sign_up(body: PhoneSignUp, request: Request, response: Response) -> UserAnswer:
    """Make an account for the number a `register` code was sent to, and sign in."""
    return let_in(request, response, await sign_up_by_phone_from(request, body))


async def sign_up_by_phone_from(request: Request, body: PhoneSignUp) -> tuple[UserView, str]:
    """Make an account for whoever sends this request: the person, and the token of a session."""
    house = house_of(request)
    house.limiter.require(house.limiter.quotas.sign_up_per_ip, address_bucket(ip_of(request)))
    asked = await asked_by(request, None, body.phone, "register")
    if body.password is not None:
        refuse_weak_password(body.password, phone=asked.phone, field="password")
    await house.db.read(refuse_closed_door)
    code_hash = await judge_code(request, asked, body.code)
    password_hash = None if body.password is None else await house.hasher.hash(body.password)
    return await house.db.write(
        _sign_up_and_in,
        asked,
        code_hash,
        Browser(request),
        name=body.name,
        password_hash=password_hash,
        now=house.clock.now(),
        on_user_created=house.on_user_created,
    )


@phone_router.post("/sign-in/phone", responses=write_responses(404), summary="Sign in by phone")
async def post_phone_sign_in(body: PhoneSignIn, request: Request, response: Response) -> UserAnswer:
    """Open a session with the `login` code that was sent to the number."""
    return let_in(request, response, await sign_in_by_phone_from(request, body))


async def sign_in_by_phone_from(request: Request, body: PhoneSignIn) -> tuple[UserView, str]:
    """The person whose number this is, and the token of a session; 404 tells whoever holds the phone to sign up."""
    house = house_of(request)
    asked = await asked_by(request, None, body.phone, "login")
    code_hash = await judge_code(request, asked, body.code)
    return await house.db.write(_sign_in, asked, code_hash, Browser(request), now=house.clock.now())


def _sign_up_and_in(
    tx: Tx,
    asked: Asked,
    code_hash: str,
    browser: Browser,
    *,
    name: str,
    password_hash: str | None,
    now: datetime,
    on_user_created: OnUserCreated,
) -> tuple[UserView, str]:
    user = sign_up_by_phone(
        tx, asked, code_hash, name=name, password_hash=password_hash, now=now, on_user_created=on_user_created
    )
    return user_view(user), browser.open_session(tx, user.id, now)


def _sign_in(tx: Tx, asked: Asked, code_hash: str, browser: Browser, *, now: datetime) -> tuple[UserView, str]:
    user_id: UUID = sign_in_by_phone(tx, asked, code_hash, now)
    return user_view(person(tx, user_id)), browser.open_session(tx, user_id, now)
