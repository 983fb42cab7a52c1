"""smsbao on localhost: `/sms`, `/wsms`, `/voice` and `/query` as the vendor answers them, and an outbox to read.

Every answer is text under HTTP 200, a bare number for messages and a second line for the balance. What is sent goes
into the outbox at `/smsbao/outbox`, where anybody on this machine may read the code that a phone would show.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
from collections import deque
from typing import ClassVar

from aiohttp import web

from .faults import Fault, job_word, wire_words
from .smsbao_outbox import Message, outbox_page
from .stage import Stage
from .vendor import BaseVendor, Card

BALANCE = 12_988
_KEPT = 200
_NUMBERS_MAX = 800
_SEGMENT_CHARS = 67
_ONE_SEGMENT_CHARS = 70
_CODES = {
    "30": "wrong password",
    "40": "no such account",
    "41": "no balance",
    "42": "account expired",
    "43": "caller's address refused",
    "50": "text refused",
    "51": "no phone number",
}
_MAINLAND = re.compile(r"1[3-9][0-9]{9}")
_ABROAD = re.compile(r"\+[1-9][0-9]{6,14}")
_SIGNED = re.compile(r"^【[^【】]{1,20}】.+|.+【[^【】]{1,20}】$", re.DOTALL)
_REHEARSED = re.compile(r"13000000([0-9]{3})")
"""Numbers that always end alike: the last digits are the answer."""

_ANSWER = "answer"
_UNDELIVERED = "undelivered"
_HANGS, _LOST = "098", "099"


class Vendor(BaseVendor):
    name = "smsbao"
    title = "smsbao (短信宝)"
    default_secrets: ClassVar[dict[str, str]] = {
        "account": "sandbox-account",
        "secret": "sandbox-sms-password-not-secret",
        "api_key": "sandbox-sms-key-not-secret",
    }
    hosts = frozenset({"smsbao.localhost", "api.smsbao.com"})
    faults = (
        *wire_words(),
        job_word(_ANSWER, "The vendor answers with this code, and nothing is sent.", "30, 40, 41, 42, 43, 50, 51"),
        job_word(_UNDELIVERED, "0, and the message never arrives."),
    )

    places = ("submit", "probe")

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.balance = BALANCE
        self.sent = 0
        self._outbox: deque[Message] = deque(maxlen=_KEPT)

    def login(self, origin: str) -> dict[str, str]:
        return {**self.secrets[0], "signature": "朱砂画室", "base_url": f"{origin}{self.prefix}"}

    def card(self, root: str) -> Card:
        base = f"{root}{self.prefix}"
        account, key = self.secrets[0]["account"], self.secrets[0]["api_key"]
        return Card(
            parts=(("address", base), ("outbox as JSON", f"{base}/outbox.json")),
            pages=(("The outbox: what phones would show", f"{base}/outbox"),),
            example=(
                f"curl -G {base}/sms -d u={account} -d p={key} \\\n"
                "  -d m=13800138000 --data-urlencode 'c=【朱砂画室】您的登录验证码是123456，5分钟内有效。'"
            ),
            notes=(
                "Some numbers always end alike: 13000000041 is answered with 41, and so with 030, 040, 042, 043, 050 "
                f"and 051; 13000000{_HANGS} hangs, 13000000{_LOST} is answered with 0 and never arrives.",
                "p is the MD5 of the secret, or the ApiKey as it is.",
            ),
            arguments={_ANSWER: tuple(_CODES)},
        )

    def refuse(self, status: int) -> web.Response:
        if status in {401, 403}:
            return _text("30" if status == 401 else "43")
        return web.Response(status=status, text="")

    def clear(self) -> None:
        self._outbox.clear()
        self.balance, self.sent = BALANCE, 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        match self.path_of(request):
            case "/outbox":
                return web.Response(text=outbox_page(self._outbox), content_type="text/html")
            case "/outbox.json":
                phone = request.query.get("phone")
                items = [message.view() for message in self._outbox if phone in {None, message.phone}]
                return web.json_response({"items": items})
            case "/sms" | "/wsms" | "/voice" as path:
                return await self._send(request, path)
            case "/query":
                return await self.with_faults(request, "probe", [], "", lambda: self._query(request))
        return web.Response(status=404, text="")

    async def _query(self, request: web.Request) -> web.StreamResponse:
        refusal = self._login_refusal(request)
        return _text(refusal or f"0\n{self.sent},{self.balance}")

    async def _send(self, request: web.Request, path: str) -> web.StreamResponse:
        content = request.query.get("c", "")
        numbers = [number for number in request.query.get("m", "").split(",") if number]
        marked = self.marked(content)

        async def done() -> web.StreamResponse:
            return _text(self._taken(request, path, numbers, content, [*marked, *self.struck_job()]))

        if any(match and match[1] == _HANGS for match in map(_REHEARSED.fullmatch, numbers)):
            self.stage.faults.arm(self.name, self.fault("hang", "submit"), count=1, probability=None)
        return await self.with_faults(request, "submit", marked, f"{numbers}|{content}", done)

    def _taken(self, request: web.Request, path: str, numbers: list[str], content: str, faults: list[Fault]) -> str:
        """The code that answers a message; the message is in the outbox when it is 0 and arrives."""
        if not numbers or not content:
            return "-1"
        told = next((fault.argument for fault in faults if fault.kind == _ANSWER), None)
        if told in _CODES:
            return told
        refusal = self._login_refusal(request)
        if refusal is not None:
            return refusal
        shape = _ABROAD if path == "/wsms" else _MAINLAND
        if len(numbers) > _NUMBERS_MAX or not all(shape.fullmatch(number) for number in numbers):
            return "51"
        rehearsed = {match[1] for match in map(_REHEARSED.fullmatch, numbers) if match}
        for code in _CODES:
            if f"0{code}" in rehearsed:
                return code
        if not (content.isdecimal() if path == "/voice" else _SIGNED.match(content)):
            return "50"
        cost = len(numbers) * _segments(content)
        if cost > self.balance:
            return "41"
        self.balance -= cost
        self.sent += cost
        if _LOST not in rehearsed and not any(fault.kind == _UNDELIVERED for fault in faults):
            for number in numbers:
                self._outbox.appendleft(Message(number, content, self.stage.now(), path.removeprefix("/")))
        return "0"

    def _login_refusal(self, request: web.Request) -> str | None:
        account, given = request.query.get("u", ""), request.query.get("p", "")
        if not account or not given:
            return "-1"
        known = [login for login in self.secrets if login["account"] == account]
        if not known:
            return "40"
        for login in known:
            hashed = hashlib.md5(login["secret"].encode()).hexdigest()  # noqa: S324 - the vendor's own way
            if hmac.compare_digest(given.lower().encode(), hashed.encode()):
                return None
            if hmac.compare_digest(given.encode(), login["api_key"].encode()):
                return None
        return "30"


def _segments(content: str) -> int:
    return 1 if len(content) <= _ONE_SEGMENT_CHARS else math.ceil(len(content) / _SEGMENT_CHARS)


def _text(body: str) -> web.Response:
    return web.Response(text=body, content_type="text/html")
