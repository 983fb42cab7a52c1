"""Sending codes to phones, and judging what people type of them."""

from typing import Literal

import structlog
from fastapi import APIRouter, Request

from vermilion.db import Tx
from vermilion.identity.access import OptionalActor, house_of, ip_of, nobody
from vermilion.identity.actors import Actor
from vermilion.identity.addresses import address_bucket, network_bucket
from vermilion.identity.commands.codes import (
    CODE_LIFE,
    RESEND_AFTER,
    Asked,
    guess_code,
    issue_code,
    not_offered,
    note_outcome,
    wrong_code,
)
from vermilion.identity.commands.people import refuse_closed_door
from vermilion.identity.commands.sms_settings import read_sms_choice, sender_of
from vermilion.identity.phone_views import CodeRequest, CodeSent
from vermilion.identity.phones import normalised_phone, number_range
from vermilion.identity.problems import write_responses
from vermilion.identity.queries import person
from vermilion.kit import AppError, Forbidden, Invalid
from vermilion.kit.sealed import SealBroken
from vermilion.sms import Accepted, Outcome, Purpose, Refused, Unknown

codes_router = APIRouter(prefix="/auth", tags=["people"])
_log = structlog.get_logger("vermilion.identity")


@codes_router.post("/codes", status_code=202, responses=write_responses(401, 503), summary="Send a code to a phone")
async def post_code(body: CodeRequest, request: Request, actor: OptionalActor) -> CodeSent:
    """Send six digits that work for five minutes, for this purpose and for whoever asks here alone.

    The answer is the same whether or not anybody has the number. `bind` and `change` want somebody signed in.
    """
    return await send_code_from(request, actor, body)


async def send_code_from(request: Request, actor: Actor | None, body: CodeRequest) -> CodeSent:
    """Send a code to whoever sends this request.

    Where the vendor's answer is lost the code counts as sent: nothing is sent twice, and it may arrive.
    """
    house = house_of(request)
    asked = await asked_by(request, actor, body.phone, body.purpose)
    if not (await house.db.read(read_sms_choice)).is_ready:
        raise not_offered()
    if body.purpose == "register":
        await house.db.read(refuse_closed_door)
    quotas, address = house.limiter.quotas, ip_of(request)
    for quota in (quotas.codes_per_ip, quotas.codes_per_ip_daily):
        house.limiter.require(quota, address_bucket(address))
    house.limiter.require(quotas.codes_per_network, network_bucket(address))
    house.limiter.require(quotas.codes_per_range, number_range(asked.phone))
    choice, issued = await house.db.write(issue_code, asked, house.sms_code_key, house.clock.now())
    try:
        sender = sender_of(house.sms_wire, house.sealer, choice)
    except SealBroken:
        outcome: Outcome = Refused("operator", "This house's key file does not open the secret: enter it again.")
    else:
        variables = {"code": issued.code, "minutes": str(int(CODE_LIFE.total_seconds() // 60))}
        outcome = await sender.send(asked.phone, asked.purpose, variables)
    await house.db.write(note_outcome, asked, issued, outcome, house.clock.now())
    _raise_refusal(outcome)
    return CodeSent(
        expires_in_seconds=int(CODE_LIFE.total_seconds()), resend_in_seconds=int(RESEND_AFTER.total_seconds())
    )


async def asked_by(request: Request, actor: Actor | None, phone: str, purpose: Purpose) -> Asked:
    """Which code is meant by whoever sends this request.

    Raises 422 `auth.bad_phone`, 401 where somebody must be signed in, 403 with a key, and 422 `auth.not_your_phone`
    for a `change` confirmed by a number that is not theirs.
    """
    normal = normalised_phone(phone)
    if purpose in ("register", "login"):
        return Asked(normal, purpose, f"address:{address_bucket(ip_of(request))}")
    if actor is None:
        raise nobody(request)
    if actor.session_id is None:
        raise Forbidden("auth.session_required", "An API key cannot do this. Sign in first.")
    if purpose == "change":
        user = await house_of(request).db.read(person, actor.user_id)
        if user.phone != normal:
            raise Invalid("auth.not_your_phone", "A change is confirmed with your own number.", field="phone")
    return Asked(normal, purpose, f"user:{actor.user_id}")


async def judge_code(request: Request, asked: Asked, code: str) -> str:
    """What `use_code` wants of a code that is right; raises 422 `auth.wrong_code`. Each call is one of five tries."""
    house = house_of(request)
    house.limiter.require(house.limiter.quotas.sign_in_per_ip, address_bucket(ip_of(request)))
    # Committed by itself: whatever becomes of the request, the try has counted.
    code_hash = await house.db.write(guess_code, asked, code, house.sms_code_key, house.clock.now())
    if code_hash is None:
        raise wrong_code()
    return code_hash


def sign_in_methods(tx: Tx) -> list[Literal["password", "phone"]]:
    """How people may sign in here."""
    return ["password", "phone"] if read_sms_choice(tx).is_ready else ["password"]


def _raise_refusal(outcome: Outcome) -> None:
    match outcome:
        case Accepted():
            return
        case Unknown(detail):
            _log.warning("sms.outcome_unknown", detail=detail)
        case Refused("number", detail):
            _log.info("sms.number_refused", detail=detail)
            raise Invalid("auth.phone_refused", "No message can be sent to this number. Check it.", field="phone")
        case Refused(_, detail):
            _log.error("sms.refused", detail=detail)
            raise AppError(
                "auth.codes_unavailable",
                "This studio cannot send codes at the moment. Its operator was told; an e-mail address works.",
                status=503,
            )
