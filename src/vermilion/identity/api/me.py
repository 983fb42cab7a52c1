"""One's own profile, password, sessions and API keys."""

from collections.abc import Callable
from uuid import UUID

from fastapi import APIRouter, Request, Response

from vermilion.db import Tx
from vermilion.identity.access import CurrentActor, SessionActor, house_of
from vermilion.identity.api.cookies import clear_session_cookie
from vermilion.identity.commands.keys import create_api_key, delete_api_key
from vermilion.identity.commands.people import change_password, change_profile, wrong_current_password
from vermilion.identity.commands.sessions import end_session
from vermilion.identity.passwords import refuse_weak_password
from vermilion.identity.problems import problem_responses, write_responses
from vermilion.identity.queries import api_key_view, api_keys_of, person, sessions_of, user_view
from vermilion.identity.views import (
    ApiKeyList,
    ApiKeyOnce,
    CreditsGlance,
    MeView,
    NewApiKey,
    PasswordChange,
    ProfilePatch,
    SessionList,
    UserAnswer,
)

me_router = APIRouter(prefix="/me", tags=["people"])


@me_router.get("", responses=problem_responses(401, 403, 404), summary="Who am I")
async def get_me(actor: CurrentActor, request: Request) -> MeView:
    """The person behind the session or key, and what they have to spend."""
    house = house_of(request)
    return await house.db.read(_me, actor.user_id, house.credits_of)


@me_router.patch("", responses=write_responses(401), summary="Change my profile")
async def patch_me(body: ProfilePatch, actor: SessionActor, request: Request) -> UserAnswer:
    """Change name, language or theme; only what is sent."""
    return UserAnswer(user=await house_of(request).db.write(change_profile, actor, body))


@me_router.post("/password", status_code=204, responses=write_responses(401), summary="Change my password")
async def post_password(body: PasswordChange, actor: SessionActor, request: Request) -> None:
    """Set a new password; every other session ends."""
    house = house_of(request)
    quota = house.limiter.quotas.sign_in_per_account
    # Whoever found an open browser must not get to try passwords faster here than at the door.
    house.limiter.require(quota, str(actor.user_id))
    user = await house.db.read(person, actor.user_id)
    refuse_weak_password(body.new_password, email=user.email, phone=user.phone, field="new_password")
    right, _ = await house.hasher.verify(body.current_password, user.password_hash)
    if not right or user.password_hash is None:
        raise wrong_current_password()
    house.limiter.forgive(quota, str(actor.user_id))
    hash_after = await house.hasher.hash(body.new_password)
    await house.db.write(change_password, actor, user.password_hash, hash_after)


@me_router.get("/sessions", responses=problem_responses(401, 403), summary="My sessions")
async def get_sessions(actor: SessionActor, request: Request) -> SessionList:
    """The browsers that are signed in."""
    house = house_of(request)
    return SessionList(items=await house.db.read(sessions_of, actor, house.clock.now()))


@me_router.delete(
    "/sessions/{session_id}", status_code=204, responses=write_responses(401, 404), summary="End a session"
)
async def delete_session(session_id: UUID, actor: SessionActor, request: Request, response: Response) -> None:
    """Sign one browser out, this one included."""
    await house_of(request).db.write(end_session, actor, session_id)
    if session_id == actor.session_id:
        clear_session_cookie(request, response)


@me_router.get("/api-keys", responses=problem_responses(401, 403), summary="My API keys")
async def get_api_keys(actor: SessionActor, request: Request) -> ApiKeyList:
    """The keys, without their secrets."""
    return ApiKeyList(items=await house_of(request).db.read(api_keys_of, actor))


@me_router.post("/api-keys", status_code=201, responses=write_responses(401, 409), summary="Make an API key")
async def post_api_key(body: NewApiKey, actor: SessionActor, request: Request) -> ApiKeyOnce:
    """Make a key; this answer is the only one that carries it."""
    house = house_of(request)
    row, key = await house.db.write(
        create_api_key,
        actor.user_id,
        body.name,
        body.scopes,
        expires_in_days=body.expires_in_days,
        now=house.clock.now(),
    )
    return ApiKeyOnce(**api_key_view(row).model_dump(), key=key)


@me_router.delete(
    "/api-keys/{key_id}", status_code=204, responses=write_responses(401, 404), summary="Delete an API key"
)
async def remove_api_key(key_id: UUID, actor: SessionActor, request: Request) -> None:
    """Delete a key; whatever uses it is refused from now on."""
    await house_of(request).db.write(delete_api_key, actor, key_id)


def _me(tx: Tx, user_id: UUID, credits_of: Callable[[Tx, UUID], dict[str, int]]) -> MeView:
    balance = credits_of(tx, user_id)
    return MeView(
        user=user_view(person(tx, user_id)),
        credits=CreditsGlance(available=balance["available"], held=balance["held"]),
    )
