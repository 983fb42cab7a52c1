"""How codes are sent, for admins."""

from datetime import datetime, timedelta

from fastapi import APIRouter, Request

from vermilion.db import Tx
from vermilion.identity.access import AdminActor, House, house_of
from vermilion.identity.actors import Actor
from vermilion.identity.commands.codes import A_DAY, last_trouble, messages_since
from vermilion.identity.commands.sms_settings import change_sms_choice, masked_secret, read_sms_choice, sender_of
from vermilion.identity.phone_views import SmsDraft, SmsTest, SmsView
from vermilion.identity.problems import problem_responses, write_responses
from vermilion.kit.sealed import SealBroken, Sealer
from vermilion.sms import Standing

sms_router = APIRouter(prefix="/admin/sms", tags=["admin"])


@sms_router.get("", responses=problem_responses(401, 403), summary="How codes are sent")
async def get_sms(_actor: AdminActor, request: Request) -> SmsView:
    """The account, with its secret masked, what it sent within a day, and the last time it did not work."""
    house = house_of(request)
    return await house.db.read(sms_view, house.sealer, house.clock.now())


@sms_router.put("", responses=write_responses(401, 409), summary="Choose how codes are sent")
async def put_sms(body: SmsDraft, actor: AdminActor, request: Request) -> SmsView:
    """Effective with the next code, on every node. Another address wants the secret again."""
    return await change_sms(house_of(request), actor, body)


async def change_sms(house: House, actor: Actor, body: SmsDraft) -> SmsView:
    """Choose, and show what is so now."""
    return await house.db.write(_change, house.sealer, actor, body, house.clock.now())


@sms_router.post("/test", responses=write_responses(401), summary="Test how codes are sent")
async def post_sms_test(_actor: AdminActor, request: Request) -> SmsTest:
    """Ask the vendor for the balance, with the choices that are stored; nothing is sent and nothing costs."""
    house = house_of(request)
    choice = await house.db.read(read_sms_choice)
    if not (choice.account and choice.secret_sealed):
        return SmsTest(problem="The account and its secret are not entered yet.", remaining=None, sent=None)
    try:
        found = await sender_of(house.sms_wire, house.sealer, choice).probe()
    except SealBroken:
        found = Standing("This house's key file does not open the secret: enter it again.")
    return SmsTest(problem=found.problem, remaining=found.remaining, sent=found.sent)


def sms_view(tx: Tx, sealer: Sealer, now: datetime) -> SmsView:
    """How codes are sent, as an admin sees it."""
    choice = read_sms_choice(tx)
    return SmsView(
        **choice.model_dump(exclude={"secret_sealed"}),
        secret=masked_secret(sealer, choice),
        ready=choice.is_ready,
        sent_last_day=messages_since(tx, now - A_DAY),
        last_trouble=last_trouble(tx, now - timedelta(days=1)),
    )


def _change(tx: Tx, sealer: Sealer, actor: Actor, draft: SmsDraft, now: datetime) -> SmsView:
    change_sms_choice(tx, sealer, actor, draft, now)
    return sms_view(tx, sealer, now)
