"""Coming in and going out: sign-up, sign-in, sign-out, and the one-time link of the first admin."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response

from vermilion.db import Tx
from vermilion.identity.access import house_of, ip_of
from vermilion.identity.addresses import address_bucket
from vermilion.identity.api.browsers import Browser
from vermilion.identity.api.cookies import clear_session_cookie, let_in, session_token
from vermilion.identity.commands.first_admin import claim_first_admin, refuse_wrong_first_admin_token
from vermilion.identity.commands.people import OnUserCreated, refuse_closed_door, sign_up
from vermilion.identity.commands.sessions import end_session_of_token, sign_in, wrong_credentials
from vermilion.identity.passwords import refuse_weak_password
from vermilion.identity.problems import write_responses
from vermilion.identity.queries import password_of, person, user_view
from vermilion.identity.tokens import hash_token
from vermilion.identity.views import ClaimFirstAdmin, SignIn, SignUp, UserAnswer, UserView

auth_router = APIRouter(prefix="/auth", tags=["people"])


@auth_router.post("/sign-up", status_code=201, responses=write_responses(409), summary="Sign up")
async def post_sign_up(body: SignUp, request: Request, response: Response) -> UserAnswer:
    """Make an account and sign in."""
    return let_in(request, response, await sign_up_from(request, body))


async def sign_up_from(request: Request, body: SignUp) -> tuple[UserView, str]:
    """Make an account for whoever sends this request: the person, and the token of a session.

    Raises 409 for an address that is taken and 403 when the house takes nobody.
    """
    house = house_of(request)
    house.limiter.require(house.limiter.quotas.sign_up_per_ip, address_bucket(ip_of(request)))
    refuse_weak_password(body.password, email=body.email, field="password")
    # Asked again in the transaction; this first time it saves the hashing.
    await house.db.read(refuse_closed_door)
    password_hash = await house.hasher.hash(body.password)
    return await house.db.write(
        _sign_up_and_in,
        body,
        password_hash,
        Browser(request),
        now=house.clock.now(),
        on_user_created=house.on_user_created,
    )


@auth_router.post("/sign-in", responses=write_responses(401), summary="Sign in")
async def post_sign_in(body: SignIn, request: Request, response: Response) -> UserAnswer:
    """Open a session. An unknown address and a wrong password get the same answer after the same work."""
    return let_in(request, response, await sign_in_from(request, body))


async def sign_in_from(request: Request, body: SignIn) -> tuple[UserView, str]:
    """The person whose address and password these are, and the token of a session; raises 401 and 403."""
    house = house_of(request)
    quotas = house.limiter.quotas
    account = hash_token(body.email)
    house.limiter.require(quotas.sign_in_per_ip, address_bucket(ip_of(request)))
    house.limiter.require(quotas.sign_in_per_account, account)
    user_id, hash_stored = await house.db.read(password_of, body.email) or (None, None)
    right, hash_renewed = await house.hasher.verify(body.password, hash_stored)
    if not right or user_id is None or hash_stored is None:
        raise wrong_credentials()
    house.limiter.forgive(quotas.sign_in_per_account, account)
    return await house.db.write(_sign_in, user_id, hash_stored, hash_renewed, Browser(request), now=house.clock.now())


@auth_router.post("/sign-out", status_code=204, responses=write_responses(), summary="Sign out")
async def post_sign_out(request: Request, response: Response) -> None:
    """End this browser's session; without one there is nothing to do, and that is fine."""
    house = house_of(request)
    token = session_token(request)
    if token is not None:
        await house.db.write(end_session_of_token, token)
    clear_session_cookie(request, response)


@auth_router.post("/first-admin", status_code=201, responses=write_responses(409), summary="Become the first admin")
async def post_first_admin(body: ClaimFirstAdmin, request: Request, response: Response) -> UserAnswer:
    """Use the one-time link the server printed at its first start."""
    house = house_of(request)
    house.limiter.require(house.limiter.quotas.sign_up_per_ip, address_bucket(ip_of(request)))
    refuse_weak_password(body.password, email=body.email, field="password")
    await house.db.read(refuse_wrong_first_admin_token, body.token)
    password_hash = await house.hasher.hash(body.password)
    came = await house.db.write(
        _claim_and_sign_in,
        body,
        password_hash,
        Browser(request),
        now=house.clock.now(),
        on_user_created=house.on_user_created,
    )
    return let_in(request, response, came)


def _sign_up_and_in(
    tx: Tx, body: SignUp, password_hash: str, browser: Browser, *, now: datetime, on_user_created: OnUserCreated
) -> tuple[UserView, str]:
    user = sign_up(
        tx, body.email, name=body.name, password_hash=password_hash, now=now, on_user_created=on_user_created
    )
    return user_view(user), browser.open_session(tx, user.id, now)


def _sign_in(
    tx: Tx, user_id: UUID, hash_stored: str, hash_renewed: str | None, browser: Browser, *, now: datetime
) -> tuple[UserView, str]:
    sign_in(tx, user_id, hash_stored, hash_renewed, now)
    return user_view(person(tx, user_id)), browser.open_session(tx, user_id, now)


def _claim_and_sign_in(
    tx: Tx,
    body: ClaimFirstAdmin,
    password_hash: str,
    browser: Browser,
    *,
    now: datetime,
    on_user_created: OnUserCreated,
) -> tuple[UserView, str]:
    user = claim_first_admin(
        tx,
        body.token,
        email=body.email,
        name=body.name,
        password_hash=password_hash,
        now=now,
        on_user_created=on_user_created,
    )
    return user_view(user), browser.open_session(tx, user.id, now)
