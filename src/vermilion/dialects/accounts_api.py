"""The described accounts: signing up, in and out with a bearer token, and the one API key such clients know of.

Codes, phones and the ways to sign in are in `phones_api`.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel

from vermilion.db import Tx
from vermilion.dialects.house import HouseHere
from vermilion.dialects.routes import Route, face
from vermilion.identity import (
    Actor,
    SessionActor,
    SignIn,
    SignUp,
    UserView,
    api_keys_of,
    create_api_key,
    delete_api_key,
    end_session,
    sign_in_from,
    sign_up_from,
)
from vermilion.kit import NotFound

KEY_NAME: Final = "described"
"""What the key of these routes is called among a person's keys: they know of one alone."""


class DoneView(BaseModel):
    """It is done."""

    status: bool = True


class SignedInView(BaseModel):
    """Who signed in, and what to send as `Authorization: Bearer …` from now on; `email` or `phone` may be null."""

    token: str
    token_type: str
    id: UUID
    email: str | None
    phone: str | None
    name: str
    role: str
    profile_image_url: str


class KeyView(BaseModel):
    """The API key: whole in the answer that made it, its beginning ever after, null where there is none."""

    api_key: str | None


@face(
    Route("POST", "/auths/signup", "anybody", "Sign up"),
    refusals=(409,),
)
async def signup(request: Request, body: SignUp) -> SignedInView:
    """Make an account; the answer has the token of a session."""
    user, token = await sign_up_from(request, body)
    return signed_in(user, token)


@face(Route("POST", "/auths/signin", "anybody", "Sign in"), refusals=(401,))
async def signin(request: Request, body: SignIn) -> SignedInView:
    """Open a session; the answer has its token."""
    user, token = await sign_in_from(request, body)
    return signed_in(user, token)


@face(Route("POST", "/auths/signout", "user", "Sign out"), refusals=(404,))
async def signout(house: HouseHere, actor: SessionActor) -> DoneView:
    """End the session this request came with."""
    if actor.session_id is not None:
        await house.db.write(end_session, actor, actor.session_id)
    return DoneView()


@face(Route("GET", "/auths/api_key", "user", "My API key's beginning"))
async def get_key(house: HouseHere, actor: SessionActor) -> KeyView:
    """Only its beginning: the key itself was shown once."""
    return KeyView(api_key=await house.db.read(_key_prefix, actor))


@face(Route("POST", "/auths/api_key", "user", "Make my API key"), refusals=(409,))
async def post_key(house: HouseHere, actor: SessionActor) -> KeyView:
    """A new key in place of the one these routes made before; this answer is the only one that carries it."""
    return KeyView(api_key=await house.db.write(_new_key, actor, house.clock.now()))


@face(Route("DELETE", "/auths/api_key", "user", "Delete my API key"), refusals=(404,))
async def remove_key(house: HouseHere, actor: SessionActor) -> KeyView:
    """Delete the key these routes made."""
    await house.db.write(_delete_key, actor)
    return KeyView(api_key=None)


def signed_in(user: UserView, token: str) -> SignedInView:
    """The answer to whoever came in."""
    return SignedInView(
        token=token,
        token_type="Bearer",  # noqa: S106 - the scheme's name
        id=user.id,
        email=user.email,
        phone=user.phone,
        name=user.name,
        role=user.role,
        profile_image_url="",
    )


def _own_keys(tx: Tx, actor: Actor) -> list[UUID]:
    return [key.id for key in api_keys_of(tx, actor) if key.name == KEY_NAME]


def _key_prefix(tx: Tx, actor: Actor) -> str | None:
    return next((f"{key.prefix}…" for key in api_keys_of(tx, actor) if key.name == KEY_NAME), None)


def _new_key(tx: Tx, actor: Actor, now: datetime) -> str:
    for key_id in _own_keys(tx, actor):
        delete_api_key(tx, actor, key_id)
    _, key = create_api_key(tx, actor.user_id, KEY_NAME, ["read", "generate"], expires_in_days=None, now=now)
    return key


def _delete_key(tx: Tx, actor: Actor) -> None:
    keys = _own_keys(tx, actor)
    if not keys:
        raise NotFound("auth.api_key_not_found", "There is no such API key.")
    for key_id in keys:
        delete_api_key(tx, actor, key_id)
