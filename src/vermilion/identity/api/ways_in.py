"""One's own ways to sign in: the phone, the e-mail address, and proving first that one is still the same person."""

from fastapi import APIRouter, Request

from vermilion.identity.access import SessionActor, house_of
from vermilion.identity.actors import Actor
from vermilion.identity.api.codes import asked_by, judge_code
from vermilion.identity.commands.codes import wrong_code
from vermilion.identity.commands.people import wrong_current_password
from vermilion.identity.commands.ways_in import (
    bind_email,
    bind_phone,
    confirm_by_code,
    confirm_by_password,
    require_confirmed,
    require_password_fits,
    unbind_email,
    unbind_phone,
)
from vermilion.identity.passwords import refuse_weak_password
from vermilion.identity.phone_views import Confirmation, EmailBinding, PhoneBinding
from vermilion.identity.problems import write_responses
from vermilion.identity.queries import person
from vermilion.identity.views import UserAnswer, UserView
from vermilion.kit import Invalid

ways_in_router = APIRouter(prefix="/me", tags=["people"])


@ways_in_router.post("/confirm", status_code=204, responses=write_responses(401), summary="Show that it is still me")
async def post_confirm(body: Confirmation, actor: SessionActor, request: Request) -> None:
    """For five minutes from now this session may change how its person signs in. Signing in counts as well."""
    await confirm_from(request, actor, body)


async def confirm_from(request: Request, actor: Actor, body: Confirmation) -> None:
    """Confirm by the one proof that was given; raises 422 where it is wrong."""
    if (body.password is None) == (body.code is None):
        raise Invalid("auth.confirmation_unclear", "Give the password or a code, one of them.", field="password")
    house = house_of(request)
    if body.code is not None:
        user = await house.db.read(person, actor.user_id)
        if user.phone is None:
            raise wrong_code()
        asked = await asked_by(request, actor, user.phone, "change")
        code_hash = await judge_code(request, asked, body.code)
        await house.db.write(confirm_by_code, actor, asked, code_hash, house.clock.now())
        return
    quota = house.limiter.quotas.sign_in_per_account
    # Whoever found an open browser must not get to try passwords faster here than at the door.
    house.limiter.require(quota, str(actor.user_id))
    user = await house.db.read(person, actor.user_id)
    right, _ = await house.hasher.verify(body.password or "", user.password_hash)
    if not right or user.password_hash is None:
        raise wrong_current_password("password")
    house.limiter.forgive(quota, str(actor.user_id))
    await house.db.write(confirm_by_password, actor, user.password_hash, house.clock.now())


@ways_in_router.put("/phone", responses=write_responses(401, 404, 409), summary="Add or change my phone number")
async def put_phone(body: PhoneBinding, actor: SessionActor, request: Request) -> UserAnswer:
    """Sign in by this number from now on, in place of any other; every other session ends."""
    return UserAnswer(user=await bind_phone_from(request, actor, body))


async def bind_phone_from(request: Request, actor: Actor, body: PhoneBinding) -> UserView:
    """Bind the number a `bind` code was sent to."""
    house = house_of(request)
    # Asked again in the transaction; this first time it saves a try.
    await house.db.read(require_confirmed, actor, house.clock.now())
    asked = await asked_by(request, actor, body.phone, "bind")
    code_hash = await judge_code(request, asked, body.code)
    return await house.db.write(bind_phone, actor, asked, code_hash, house.clock.now())


@ways_in_router.delete("/phone", responses=write_responses(401, 409), summary="Remove my phone number")
async def delete_phone(actor: SessionActor, request: Request) -> UserAnswer:
    """No longer sign in by phone; refused where that is the only way."""
    house = house_of(request)
    return UserAnswer(user=await house.db.write(unbind_phone, actor, house.clock.now()))


@ways_in_router.put("/email", responses=write_responses(401, 404, 409), summary="Add or change my e-mail address")
async def put_email(body: EmailBinding, actor: SessionActor, request: Request) -> UserAnswer:
    """Sign in by this address from now on, in place of any other; every other session ends."""
    return UserAnswer(user=await bind_email_from(request, actor, body))


async def bind_email_from(request: Request, actor: Actor, body: EmailBinding) -> UserView:
    """Bind an address, with a new password where there is none."""
    house = house_of(request)
    await house.db.read(require_confirmed, actor, house.clock.now())
    password_hash = None
    user = await house.db.read(person, actor.user_id)
    require_password_fits(user, given=body.new_password is not None)
    if body.new_password is not None:
        refuse_weak_password(body.new_password, email=body.email, phone=user.phone, field="new_password")
        password_hash = await house.hasher.hash(body.new_password)
    return await house.db.write(bind_email, actor, body.email, password_hash=password_hash, now=house.clock.now())


@ways_in_router.delete("/email", responses=write_responses(401, 409), summary="Remove my e-mail address")
async def delete_email(actor: SessionActor, request: Request) -> UserAnswer:
    """No longer sign in by e-mail; refused where that is the only way. The password stays, to confirm things with."""
    house = house_of(request)
    return UserAnswer(user=await house.db.write(unbind_email, actor, house.clock.now()))
