"""Codes to phones: what they are worth, to whom, for how long, how often, and what their sending may cost."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import select

from tests.identity.conftest import Browser, SmallHouse, sign_up
from tests.identity.phones import E164, PHONE, Vendor, ask, choose, other_than, sign_up_by_phone
from tests.identity.phones import vendor as vendor  # noqa: PLC0414 - a fixture
from vermilion.identity import Limiter, Quotas, forget_codes
from vermilion.identity.commands import codes
from vermilion.identity.tables import SmsCodeRow, SmsMessageRow

WRONG = {"status": 422, "code": "auth.wrong_code", "field": "code"}


async def guess(client: httpx.AsyncClient, code: str, phone: str = PHONE) -> httpx.Response:
    return await client.post("/auth/sign-in/phone", json={"phone": phone, "code": code})


def is_wrong(answer: httpx.Response) -> bool:
    return {name: answer.json().get(name) for name in WRONG} == WRONG


@pytest.fixture
async def ada(browser: Browser, vendor: Vendor, house: SmallHouse) -> httpx.AsyncClient:
    """Somebody with a phone, a minute after signing up, who is signed out and has a code to sign in."""
    client = browser()
    await sign_up_by_phone(client, vendor)
    await client.post("/auth/sign-out")
    house.clock.move(minutes=2)
    await ask(client, "login")
    return client


async def test_only_a_keyed_hash_is_stored(ada: httpx.AsyncClient, vendor: Vendor, house: SmallHouse) -> None:
    code = await vendor.code()
    stored = await house.db.read(lambda tx: tx.scalars(select(SmsCodeRow)).one())
    assert code not in repr(vars(stored)) and len(stored.code_hash) == 64
    asked = codes.Asked(E164, "login", stored.requester)
    assert asked.hash(house.sms_code_key, code) == stored.code_hash != asked.hash(b"another key", code)


async def test_a_code_works_once(ada: httpx.AsyncClient, vendor: Vendor) -> None:
    code = await vendor.code()
    assert (await guess(ada, code)).status_code == 200
    assert is_wrong(await guess(ada, code))


async def test_a_code_works_once_for_many_at_the_same_moment(ada: httpx.AsyncClient, vendor: Vendor) -> None:
    code = await vendor.code()
    answers = await asyncio.gather(*(guess(ada, code) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422, 422]


async def test_a_code_works_for_five_minutes(ada: httpx.AsyncClient, vendor: Vendor, house: SmallHouse) -> None:
    code = await vendor.code()
    house.clock.move(minutes=5)
    assert is_wrong(await guess(ada, code))


async def test_a_code_works_just_before_that(ada: httpx.AsyncClient, vendor: Vendor, house: SmallHouse) -> None:
    house.clock.move(minutes=4, seconds=59)
    assert (await guess(ada, await vendor.code())).status_code == 200


async def test_a_code_works_for_its_purpose_alone(ada: httpx.AsyncClient, vendor: Vendor) -> None:
    body = {"phone": PHONE, "code": await vendor.code(), "name": "Eve"}
    assert is_wrong(await ada.post("/auth/sign-up/phone", json=body))


async def test_a_code_works_for_whoever_asked_and_others_cannot_burn_it(
    ada: httpx.AsyncClient, browser: Browser, vendor: Vendor
) -> None:
    code = await vendor.code()
    eve = browser(ip="198.51.100.9")
    for _ in range(6):
        assert is_wrong(await guess(eve, code))
    assert (await guess(ada, code)).status_code == 200


async def test_five_tries_at_the_same_moment_are_five(
    ada: httpx.AsyncClient, vendor: Vendor, house: SmallHouse
) -> None:
    code = await vendor.code()
    answers = await asyncio.gather(*(guess(ada, other_than(code, step)) for step in range(1, 31)))
    assert all(is_wrong(answer) for answer in answers)
    assert await house.db.read(lambda tx: tx.scalar(select(SmsCodeRow.tries))) == 5
    assert is_wrong(await guess(ada, code))


async def test_four_tries_at_the_same_moment_leave_one(ada: httpx.AsyncClient, vendor: Vendor) -> None:
    code = await vendor.code()
    await asyncio.gather(*(guess(ada, other_than(code, step)) for step in range(1, 5)))
    assert (await guess(ada, code)).status_code == 200


async def test_a_try_counts_although_what_it_was_for_is_refused(
    browser: Browser, vendor: Vendor, house: SmallHouse
) -> None:
    stranger = browser()
    await ask(stranger, "login")
    code = await vendor.code()
    for _ in range(5):
        assert (await guess(stranger, code)).json()["code"] == "auth.phone_unknown"
    assert is_wrong(await guess(stranger, code))


async def test_a_new_code_is_no_new_set_of_tries(ada: httpx.AsyncClient, vendor: Vendor, house: SmallHouse) -> None:
    first = await vendor.code()
    for step in range(1, 4):
        await guess(ada, other_than(first, step))
    house.clock.move(seconds=61)
    await ask(ada, "login")
    second = await vendor.code()
    if first != second:
        assert is_wrong(await guess(ada, first))
    else:
        await guess(ada, other_than(second))
    await guess(ada, other_than(second))
    assert is_wrong(await guess(ada, second))
    house.clock.move(seconds=61)
    refused = await ask(ada, "login", status=429)
    assert refused["code"] == "rate.limited"
    # Counted since the first of the codes.
    assert refused["retry_after_seconds"] == 3600 - 2 * 61
    house.clock.move(hours=1)
    await ask(ada, "login")
    assert (await guess(ada, await vendor.code())).status_code == 200


async def test_a_number_has_one_code_a_minute_five_an_hour_ten_a_day(
    browser: Browser, vendor: Vendor, house: SmallHouse
) -> None:
    client = browser()
    sent = 0

    async def is_sent(status: int = 202) -> int:
        answer = await client.post("/auth/codes", json={"phone": PHONE, "purpose": "login"})
        assert answer.status_code == status, answer.text
        if status == 429:
            wait = int(answer.json()["retry_after_seconds"])
            assert answer.headers["retry-after"] == str(wait)
            return wait
        return 0

    for _ in range(2):
        for nth in range(5):
            await is_sent()
            sent += 1
            assert len(await vendor.messages()) == sent
            wait = await is_sent(429)
            assert wait == (60 if nth < 4 else (3600 - 4 * 60 if sent == 5 else 86400 - 4 * 60 - 3600))
            house.clock.move(seconds=60)
        house.clock.move(seconds=3600 - 5 * 60)
    house.clock.move(days=1)
    await is_sent()


async def test_purposes_share_a_numbers_limits(browser: Browser, vendor: Vendor) -> None:
    await ask(browser(), "login")
    assert (await ask(browser(), "register", status=429))["code"] == "rate.limited"


async def test_many_at_the_same_moment_are_one(browser: Browser, vendor: Vendor) -> None:
    client = browser()
    bodies = ({"phone": PHONE, "purpose": purpose} for purpose in ("login", "register") for _ in range(8))
    answers = await asyncio.gather(*(client.post("/auth/codes", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [202] + [429] * 15
    assert len(await vendor.messages()) == 1


async def test_the_days_total_fails_closed(browser: Browser, vendor: Vendor, house: SmallHouse) -> None:
    await choose(house, vendor, daily_total=3)
    client = browser()
    answers = await asyncio.gather(
        *(client.post("/auth/codes", json={"phone": f"1380013800{n}", "purpose": "login"}) for n in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [503] * 5
    assert (await ask(client, "register", "13900139000", status=503))["code"] == "auth.codes_used_up"
    assert len(await vendor.messages()) == 3
    house.clock.move(days=1)
    await ask(client, "login", "13900139001")


@pytest.mark.parametrize(
    ("sent", "address", "number"),
    [
        (20, lambda n: "192.0.2.7", lambda n: f"138{n:04d}0000"),
        (200, lambda n: f"192.0.2.{n}", lambda n: f"138{n:04d}0000"),
        (20, lambda n: f"192.0.{n}.7", lambda n: f"1380013{n:04d}"),
    ],
    ids=["address", "network", "range of numbers"],
)
async def test_crowds_are_turned_away(
    browser: Browser,
    vendor: Vendor,
    house: SmallHouse,
    sent: int,
    address: Callable[[int], str],
    number: Callable[[int], str],
) -> None:
    house.limiter = Limiter(Quotas(), house.clock)
    for nth in range(sent):
        await ask(browser(ip=address(nth)), "login", number(nth))
    refused = await ask(browser(ip=address(sent)), "login", number(sent), status=429)
    assert refused["code"] == "rate.limited"
    await ask(browser(ip="203.0.113.9"), "login", "17700001111")


async def test_one_address_cannot_use_up_everybodys_day(browser: Browser, vendor: Vendor, house: SmallHouse) -> None:
    house.limiter = Limiter(Quotas(), house.clock)
    client = browser()
    sent = 0
    # Eight times an hour, as somebody would who has read the limits.
    for hour in range(24):
        for again in range(8):
            body = {"phone": f"139{hour:04d}{again:04d}", "purpose": "login"}
            sent += (await client.post("/auth/codes", json=body)).status_code == 202
        house.clock.move(hours=1)
    # A bucket that is full at first, and what runs out of it in a day.
    assert 90 < sent <= 100


@pytest.mark.parametrize("purpose", ["login", "register"])
async def test_the_answer_tells_nothing_of_who_has_the_number(
    browser: Browser, vendor: Vendor, house: SmallHouse, purpose: str
) -> None:
    await sign_up_by_phone(browser(), vendor)
    house.clock.move(minutes=2)
    client = browser()
    told = []
    for phone in (PHONE, "13900139000"):
        for _ in range(2):
            answer = await client.post("/auth/codes", json={"phone": phone, "purpose": purpose})
            body = answer.json()
            body.pop("request_id", None)
            headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
            told.append((answer.status_code, body, headers))
        wrong = await guess(client, other_than(await vendor.code(phone)), phone)
        told.append((wrong.status_code, wrong.json()["code"], wrong.json()["detail"]))
    assert told[:3] == told[3:]
    assert [status for status, _, _ in told[:3]] == [202, 429, 422]


async def test_a_code_that_was_certainly_not_sent_is_worth_nothing(
    ada: httpx.AsyncClient, vendor: Vendor, house: SmallHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes.secrets, "randbelow", lambda most: 123456)
    house.clock.move(minutes=2)
    await vendor.arm("answer", argument="51")
    assert (await ask(ada, "login", status=422))["code"] == "auth.phone_refused"
    assert is_wrong(await guess(ada, "123456"))
    house.clock.move(minutes=2)
    await vendor.arm("answer", argument="41")
    unavailable = await ask(ada, "login", status=503)
    assert unavailable["code"] == "auth.codes_unavailable" and "41" not in unavailable["detail"]
    assert is_wrong(await guess(ada, "123456"))
    house.clock.move(minutes=2)
    await ask(ada, "login")
    assert (await guess(ada, "123456")).status_code == 200


async def test_a_code_whose_answer_was_lost_counts_as_sent(
    ada: httpx.AsyncClient, vendor: Vendor, house: SmallHouse
) -> None:
    house.clock.move(minutes=2)
    await vendor.arm("lost-answer", at="submit")
    assert await ask(ada, "login") == {"expires_in_seconds": 300, "resend_in_seconds": 60}
    assert len(await vendor.messages()) == 3
    await ask(ada, "login", status=429)
    assert (await guess(ada, await vendor.code())).status_code == 200
    outcomes = await house.db.read(lambda tx: tx.scalars(select(SmsMessageRow.outcome).order_by("id")).all())
    assert outcomes == ["accepted", "accepted", "unknown"]


async def test_without_sms_nothing_is_offered(browser: Browser, house: SmallHouse) -> None:
    refused = await ask(browser(), "login", status=403)
    assert refused["code"] == "auth.phone_not_offered"


async def test_other_countries_are_the_operators_choice(browser: Browser, vendor: Vendor, house: SmallHouse) -> None:
    await choose(house, vendor, countries="mainland")
    refused = await ask(browser(), "login", "+447700900123", status=403)
    assert (refused["code"], refused["field"]) == ("auth.country_refused", "phone")
    await choose(house, vendor, countries="all")
    await ask(browser(), "login", "+447700900123")


@pytest.mark.parametrize("purpose", ["bind", "change"])
async def test_codes_for_somebody_want_somebody(browser: Browser, vendor: Vendor, purpose: str) -> None:
    assert (await ask(browser(), purpose, status=401))["code"] == "auth.required"


async def test_a_change_is_confirmed_with_ones_own_number(browser: Browser, vendor: Vendor) -> None:
    client = browser()
    await sign_up(client)
    assert (await ask(client, "change", status=422))["code"] == "auth.not_your_phone"


async def test_what_no_limit_counts_is_forgotten(ada: httpx.AsyncClient, house: SmallHouse) -> None:
    def left(days: int) -> list[int]:
        house.clock.move(days=days)
        house.db.write_now(forget_codes, house.clock.now())
        return [len(house.db.write_now(lambda tx, row=row: tx.scalars(select(row)).all())) for row in ROWS]

    assert left(0) == [1, 2]
    assert left(1) == [0, 2]
    assert left(2) == [0, 0]


ROWS = (SmsCodeRow, SmsMessageRow)
