"""Codes to phones: a small port, and one file per vendor of text messages. It knows neither people nor limits.

`identity` comes in to send a code, wiring to open the wire. A sender never raises for what its vendor does: the
outcome says whether a message was accepted, certainly refused (and whose move that is), or may have gone out.
"""

from typing import Final, get_args

from vermilion.sms.port import Accepted, Kind, Outcome, Purpose, Reason, Refused, Sender, Standing, Unknown
from vermilion.sms.smsbao import BASE_URL, Smsbao
from vermilion.sms.texts import MAINLAND
from vermilion.sms.wire import SmsWire

KINDS: Final = frozenset(get_args(Kind))

__all__ = [
    "BASE_URL",
    "KINDS",
    "MAINLAND",
    "Accepted",
    "Kind",
    "Outcome",
    "Purpose",
    "Reason",
    "Refused",
    "Sender",
    "SmsWire",
    "Smsbao",
    "Standing",
    "Unknown",
]
