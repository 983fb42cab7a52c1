"""Codes, phones and the ways to sign in, each walked whole: what a phone would show is read in the sandbox's outbox."""

import itertools
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import select, update

from tests.api.studio import PASSWORD
from tests.dialects.scene import Scene, proves
from vermilion.db import Tx
from vermilion.dialects import Route
from vermilion.identity.tables import SmsMessageRow

_numbers = itertools.count(1)


def new_phone() -> str:
    """A number nobody has, as people in mainland China write it."""
    return f"139{next(_numbers):04d}1234"


async def last_message(scene: Scene, phone: str) -> dict[str, Any]:
    """What this phone shows last."""
    async with httpx.AsyncClient() as client:
        outbox = await client.get(f"{scene.studio.sandbox}/smsbao/outbox.json", params={"phone": phone})
    items: list[dict[str, Any]] = outbox.json()["items"]
    assert items, f"nothing was sent to {phone}"
    return items[0]


async def code_for(scene: Scene, client: httpx.AsyncClient, phone: str, purpose: str) -> str:
    """Have a code sent, and read it."""
    sent = await client.post("/auths/send-sms-code", json={"phone": phone, "purpose": purpose})
    assert sent.status_code == 200, sent.text
    assert sent.json() == {"expires_in_seconds": 300, "resend_in_seconds": 60}
    return str((await last_message(scene, phone))["code"])


async def signed_up_by_phone(scene: Scene, phone: str, **more: Any) -> httpx.AsyncClient:
    """Somebody who has a phone and nothing else."""
    program = scene.studio.client()
    code = await code_for(scene, program, phone, "register")
    up = await program.post("/auths/signup-phone", json={"phone": phone, "code": code, "name": "A caller", **more})
    assert up.status_code == 200, up.text
    assert (up.json()["phone"], up.json()["email"]) == (f"+86{phone}", None)
    return scene.studio.client(Authorization=f"Bearer {up.json()['token']}")


@proves("POST /auths/send-sms-code", "POST /auths/verify-sms-code", "POST /auths/signup-phone")
async def a_program_signs_up_by_phone(scene: Scene, route: Route) -> None:
    phone, program = new_phone(), scene.studio.client()
    code = await code_for(scene, program, phone, "register")
    again = await program.post("/auths/send-sms-code", json={"phone": phone, "purpose": "register"})
    assert (again.status_code, again.json()["code"]) == (429, "rate.limited")
    wrong = await program.post(
        "/auths/verify-sms-code", json={"phone": phone, "purpose": "register", "code": other_than(code)}
    )
    assert (wrong.status_code, wrong.json()["code"]) == (422, "auth.wrong_code")
    right = await program.post("/auths/verify-sms-code", json={"phone": phone, "purpose": "register", "code": code})
    assert right.json() == {"status": True}
    for_another = await program.post("/auths/signin-phone", json={"phone": phone, "code": code})
    assert for_another.json()["code"] == "auth.wrong_code"
    body = {"phone": f"+86 {phone}", "code": code, "name": "A caller"}
    up = await program.post("/auths/signup-phone", json=body)
    assert up.status_code == 200 and "set-cookie" not in up.headers, up.text
    assert (await program.post("/auths/signup-phone", json=body)).json()["code"] == "auth.wrong_code"
    entered = scene.studio.client(Authorization=f"Bearer {up.json()['token']}")
    assert (await entered.get("/flux/credits")).json()["user_id"] == up.json()["id"]


@proves("POST /auths/signin-phone")
async def a_program_signs_in_by_phone(scene: Scene, route: Route) -> None:
    phone = new_phone()
    entered = await signed_up_by_phone(scene, phone)
    mine = (await entered.get("/me")).json()["user"]["id"]
    assert (await entered.post("/auths/signout")).json() == {"status": True}
    await forget_the_minute(scene)
    program = scene.studio.client()
    code = await code_for(scene, program, phone, "login")
    signed_in = await program.post("/auths/signin-phone", json={"phone": phone, "code": code})
    assert signed_in.status_code == 200 and signed_in.json()["id"] == mine, signed_in.text
    stranger = new_phone()
    code = await code_for(scene, program, stranger, "login")
    unknown = await program.post("/auths/signin-phone", json={"phone": stranger, "code": code})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "auth.phone_unknown")


@proves("POST /auths/bind-phone", "DELETE /auths/unbind-phone", "GET /auths/binding-status")
async def a_phone_comes_and_goes(scene: Scene, route: Route) -> None:
    someone = await scene.studio.person()
    bound_by_email = {"email": someone.email, "email_bound": True, "phone": None, "phone_bound": False}
    assert await someone.get("/auths/binding-status") == bound_by_email
    first, second = new_phone(), new_phone()
    code = await code_for(scene, someone.client, first, "bind")
    both = await someone.post("/auths/bind-phone", {"phone": first, "code": code})
    assert both == {**bound_by_email, "phone": f"+86{first}", "phone_bound": True}
    # Such clients change a number with a code for `change` that goes to the new one.
    code = await code_for(scene, someone.client, second, "change")
    changed = await someone.post("/auths/bind-phone", {"phone": second, "code": code})
    assert changed["phone"] == f"+86{second}"
    assert await someone.get("/auths/binding-status") == changed
    other = await scene.studio.person()
    await forget_the_minute(scene)
    code = await code_for(scene, other.client, second, "bind")
    taken = await other.post("/auths/bind-phone", {"phone": second, "code": code}, status=409)
    assert taken["code"] == "auth.phone_taken"
    assert (await someone.client.delete("/auths/unbind-phone")).json() == bound_by_email
    last = await someone.client.delete("/auths/unbind-email")
    assert (last.status_code, last.json()["code"]) == (409, "auth.last_way_in")


@proves("POST /auths/bind-email", "DELETE /auths/unbind-email")
async def an_address_comes_and_goes(scene: Scene, route: Route) -> None:
    phone = new_phone()
    caller = await signed_up_by_phone(scene, phone)
    only = await caller.delete("/auths/unbind-phone")
    assert (only.status_code, only.json()["code"]) == (409, "auth.last_way_in")
    email = f"caller{phone}@example.test"
    needed = await caller.post("/auths/bind-email", json={"email": email})
    assert (needed.status_code, needed.json()["code"]) == (422, "auth.password_needed")
    bound = await caller.post("/auths/bind-email", json={"email": email, "password": PASSWORD})
    assert bound.json() == {"email": email, "email_bound": True, "phone": f"+86{phone}", "phone_bound": True}
    # From now on the password is the proof that an address may be changed.
    wrong = await caller.post("/auths/bind-email", json={"email": f"x{email}", "password": "another long way"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "auth.wrong_credentials")
    changed = await caller.post("/auths/bind-email", json={"email": f"x{email}", "password": PASSWORD})
    assert changed.json()["email"] == f"x{email}"
    await forget_the_minute(scene)
    code = await code_for(scene, caller, phone, "change")
    back = await caller.post("/auths/bind-email", json={"email": email, "code": code})
    assert back.json()["email"] == email, back.text
    signed_in = await scene.nobody.post("/auths/signin", json={"email": email, "password": PASSWORD})
    assert signed_in.status_code == 200
    by_phone_alone = await caller.delete("/auths/unbind-email")
    assert by_phone_alone.json() == {"email": None, "email_bound": False, "phone": f"+86{phone}", "phone_bound": True}
    gone = await scene.nobody.post("/auths/signin", json={"email": email, "password": PASSWORD})
    assert gone.status_code == 401


@proves("GET /auths/sms/config", "POST /auths/sms/config")
async def an_admin_chooses_how_codes_are_sent(scene: Scene, route: Route) -> None:
    before = await scene.admin.get("/auths/sms/config")
    assert before["provider"] == "smsbao" and before["enabled"] and before["password"].startswith("••••")
    chosen = await scene.admin.post("/auths/sms/config", {"signature": "另一画室", "dailyTotal": 400})
    assert (chosen["signature"], chosen["daily_total"]) == ("另一画室", 400)
    assert chosen["password"] == before["password"]
    phone, program = new_phone(), scene.studio.client()
    await code_for(scene, program, phone, "register")
    assert (await last_message(scene, phone))["text"].startswith("【另一画室】")
    elsewhere = await scene.admin.post(
        "/auths/sms/config", {"base_url": "https://sms.example.test", "password": before["password"]}, status=422
    )
    assert elsewhere["code"] == "sms.secret_required"
    # Written back as it was shown, it is as it was.
    assert await scene.admin.post("/auths/sms/config", {"signature": before["signature"], "daily_total": 500})
    assert (await scene.owner.client.get("/auths/sms/config")).status_code == 403


def other_than(code: str) -> str:
    """A code that is not this one."""
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def forget_the_minute(scene: Scene) -> None:
    """As if every message had been sent two minutes ago: the limits have tests of their own, with a clock."""
    await scene.studio.house.db.write(_age_messages)


def _age_messages(tx: Tx) -> None:
    for message in tx.scalars(select(SmsMessageRow)):
        tx.execute(
            update(SmsMessageRow)
            .where(SmsMessageRow.id == message.id)
            .values(sent_at=message.sent_at - timedelta(minutes=2))
        )
