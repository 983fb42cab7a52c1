"""smsbao (短信宝): one GET per message, answered by a bare number.

The account's name and the MD5 of its password (or an ApiKey as it is) go with every call, in the query, so only
https is spoken except to hosts that the operator allows (www.smsbao.com/openapi, read in November 2026).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vermilion.sms.port import Accepted, Outcome, Purpose, Reason, Refused, Standing, Unknown
from vermilion.sms.texts import MAINLAND, message
from vermilion.sms.wire import AnswerLost, NoConnection, SmsWire

BASE_URL: Final = "https://api.smsbao.com"

_REFUSALS: Final[Mapping[str, tuple[Reason, str]]] = {
    "-1": ("operator", "The vendor says that parameters are missing (-1)."),
    "30": ("operator", "The password or the ApiKey is wrong (30)."),
    "40": ("operator", "There is no such account (40)."),
    "41": ("operator", "The account has no balance left (41)."),
    "42": ("operator", "The account has expired (42)."),
    "43": ("operator", "The vendor does not take calls from this server's address (43)."),
    "50": ("text", "The vendor does not let the text or its signature through (50)."),
    "51": ("number", "The vendor says that this is no phone number (51)."),
}


@dataclass(frozen=True, slots=True)
class Smsbao:
    """One account. `secret` is its password, or an ApiKey where `is_api_key` says so; `signature` has no brackets."""

    wire: SmsWire
    account: str
    secret: str
    is_api_key: bool
    signature: str
    base_url: str = BASE_URL

    async def send(self, phone: str, purpose: Purpose, variables: Mapping[str, str]) -> Outcome:
        """Send one message: `/sms` takes a mainland number as people there write it, `/wsms` any other."""
        text = f"【{self.signature}】{message(phone, purpose, variables)}"
        at_home = phone.startswith(MAINLAND)
        query = {**self._login(), "m": phone.removeprefix(MAINLAND) if at_home else phone, "c": text}
        try:
            status, answer = await self.wire.get(f"{self.base_url}/{'sms' if at_home else 'wsms'}", query)
        except NoConnection as error:
            return Refused("operator", f"There is no connection to the vendor: {error}.")
        except AnswerLost as error:
            return Unknown(f"The vendor's answer was lost: {error}.")
        code = answer.strip()
        if code == "0":
            return Accepted()
        if code in _REFUSALS:
            return Refused(*_REFUSALS[code])
        return Unknown(f"The vendor answered {status} with something unknown: {_glimpse(code)}.")

    async def probe(self) -> Standing:
        """Ask for the balance: what was sent so far, and what is left."""
        try:
            status, answer = await self.wire.get(f"{self.base_url}/query", self._login())
        except (NoConnection, AnswerLost) as error:
            return Standing(f"The vendor does not answer: {error}.")
        # Clients disagree on whether the numbers stand on a line of their own.
        code, *rest = answer.split() or [""]
        if code in _REFUSALS:
            return Standing(_REFUSALS[code][1])
        counted = "".join(rest).split(",")
        if code != "0" or len(counted) != 2 or not all(number.isdecimal() for number in counted):
            return Standing(f"The vendor answered {status} with something unknown: {_glimpse(answer.strip())}.")
        return Standing(None, sent=int(counted[0]), remaining=int(counted[1]))

    def _login(self) -> dict[str, str]:
        # What the vendor asks for; against listeners there is TLS alone.
        secret = self.secret if self.is_api_key else hashlib.md5(self.secret.encode()).hexdigest()  # noqa: S324
        return {"u": self.account, "p": secret}


def _glimpse(answer: str) -> str:
    """The beginning of what a vendor said, fit for a log line."""
    return repr("".join(char for char in answer[:60] if char.isprintable()) or "nothing")
