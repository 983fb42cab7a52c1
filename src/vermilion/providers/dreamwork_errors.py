"""Ark's refusals in the house's words; gateways put them, and codes of their own, into the same `error` object.

A 500 or 503 in Ark's words ends the call, and whether it was billed is not known: it is not repeated.
Facts: Ark's page of error codes.
"""

from typing import Any

from vermilion.providers.errors import (
    Ambiguous,
    Blocked,
    Broke,
    Misconfigured,
    NotInstalled,
    ProviderError,
    Rejected,
    Unreachable,
)
from vermilion.providers.pictures_answer import Complaint, complaint_in, complaint_of, usual_failure
from vermilion.providers.wire import Answer

_MODERATION = "SensitiveContentDetected"
_MODERATION_AT_GATEWAYS = {"content_policy_violation", "moderation_blocked", "sensitive_words_detected"}
_NO_MONEY = {
    "QuotaExceeded",
    "SetLimitExceeded",
    "AccountOverdueError",
    "insufficient_user_quota",
    "insufficient_quota",
}
_NOT_OPEN = {"ModelNotOpen", "InvalidEndpoint.ClosedEndpoint", "InvalidEndpointOrModel.NotFound", "UnsupportedModel"}


def refused(answer: Answer) -> ProviderError:
    """Why a call made nothing, or `Ambiguous` where something in front of the API lost its answer."""
    said = complaint_of(answer)
    problem = _by_code(said) or usual_failure(said, answer)
    if problem is not None:
        return problem
    if said.status in {402, 403}:
        return Misconfigured("The provider refuses this key.", vendor_message=said.words)
    if said.status in {408, 409}:
        return Unreachable("The provider took nothing.", vendor_message=said.words)
    if said.status in {500, 503}:
        return Broke("The provider failed.", vendor_message=said.words, again=False)
    if said.status > 500:
        return Ambiguous(
            f"A gateway answered {said.status}; the pictures may have been made and billed.", vendor_message=said.words
        )
    return Rejected("The provider does not accept this request.", vendor_message=said.words)


def failed_within(body: dict[str, Any]) -> ProviderError:
    """Why a call, or one picture of a series, failed that was answered with 200 and an error inside."""
    said = complaint_in(200, body)
    return _by_code(said) or Broke("The provider failed.", vendor_message=said.words, again=False)


def _by_code(said: Complaint) -> ProviderError | None:
    if _MODERATION in said.code or {said.code, said.kind} & _MODERATION_AT_GATEWAYS:
        return Blocked("The provider's moderation refused the request or its result.", vendor_message=said.words)
    if said.code in _NO_MONEY:
        return Misconfigured("The account at the provider has no balance or quota left.", vendor_message=said.words)
    if said.code in _NOT_OPEN:
        return NotInstalled("The account at the provider does not have this model.", vendor_message=said.words)
    return None
