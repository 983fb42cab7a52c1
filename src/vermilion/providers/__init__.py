"""Providers: one file per vendor that translates, the contract they keep, and the wire they speak over.

`generation` and `catalog` come in; an adapter knows nothing above this room.
"""

from vermilion.providers.contract import (
    Ambiguity,
    Call,
    Callback,
    Canceled,
    CredentialField,
    Done,
    InputFile,
    LocalText,
    Login,
    Lost,
    Makes,
    Output,
    Pending,
    Probe,
    Provider,
    Ticket,
    power,
)
from vermilion.providers.errors import (
    Ambiguous,
    Blocked,
    Broke,
    Drifted,
    Misconfigured,
    ProviderError,
    Rejected,
    Throttled,
    Unreachable,
)
from vermilion.providers.registry import adapters, has_power
from vermilion.providers.wire import Answer, Wire

__all__ = [
    "Ambiguity",
    "Ambiguous",
    "Answer",
    "Blocked",
    "Broke",
    "Call",
    "Callback",
    "Canceled",
    "CredentialField",
    "Done",
    "Drifted",
    "InputFile",
    "LocalText",
    "Login",
    "Lost",
    "Makes",
    "Misconfigured",
    "Output",
    "Pending",
    "Probe",
    "Provider",
    "ProviderError",
    "Rejected",
    "Throttled",
    "Ticket",
    "Unreachable",
    "Wire",
    "adapters",
    "has_power",
    "power",
]
