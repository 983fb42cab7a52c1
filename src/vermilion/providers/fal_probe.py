"""The connection test: questions that cost nothing and need the key; and, where the operator wants it, the balance.

fal tells the balance at its platform address, to admin keys (fal's Platform APIs, "Account Billing"). That address
has no default: a gateway's key must not go to fal by itself.
"""

from http import HTTPStatus
from typing import Any, Protocol

from vermilion.providers import fal_errors
from vermilion.providers.contract import Balance, Probe
from vermilion.providers.errors import Drifted, Misconfigured, ProviderError
from vermilion.providers.wire import Answer

_NO_JOB = "fal-ai/flux-1/requests/00000000-0000-0000-0000-000000000000"


class Asks(Protocol):
    """Asks with the credential's key."""

    async def __call__(self, method: str, url: str, **content: Any) -> Answer: ...


async def probe(ask: Asks, *, base: str, rest: str, platform: str) -> Probe:
    """Ask about a job that never was, and for an upload token: neither costs anything, both need the key."""
    try:
        answer = await ask("GET", f"{base}/{_NO_JOB}/status")
        problem = fal_errors.unanswered(answer)
        if not _is_fals_word(answer):
            return Probe(problem=f"The queue address answered {answer.status}, and not in fal's words.")
        if not isinstance(problem, Misconfigured):
            query = {"storage_type": "fal-cdn-v3"}
            answer = await ask("POST", f"{rest}/storage/auth/token", query=query, body={})
            problem = fal_errors.unanswered(answer)
            # A gateway without storage of its own still makes pictures.
            if answer.ok or answer.status in {404, 405}:
                return await _account(ask, platform) if platform else Probe()
    except ProviderError as error:
        problem = error
    said = f" ({problem.vendor_message})" if problem.vendor_message else ""
    return Probe(problem=f"{problem.message}{said}")


def _is_fals_word(answer: Answer) -> bool:
    """Whether fal itself knows of no such job: it says so under `detail`, and other servers have a 404 as well."""
    if answer.status != HTTPStatus.NOT_FOUND:
        return fal_errors.complaint_of(answer).spoken
    try:
        told = answer.json()
    except Drifted:
        return False
    return isinstance(told, dict) and "detail" in told


async def _account(ask: Asks, platform: str) -> Probe:
    """Who this is and what is left; nothing where this key may not know, for it makes pictures all the same."""
    try:
        answer = await ask("GET", f"{platform}/account/billing", query={"expand": "credits"})
        told = answer.json() if answer.ok else None
    except ProviderError:
        told = None
    if not isinstance(told, dict):
        return Probe()
    name, left = told.get("username"), told.get("credits")
    account = name[:80] if isinstance(name, str) else None
    amount = left.get("current_balance") if isinstance(left, dict) else None
    if not isinstance(left, dict) or not isinstance(amount, int | float) or isinstance(amount, bool):
        return Probe(account)
    return Probe(account, balance=Balance(f"{amount:.12g}", str(left.get("currency") or "USD")))
