"""OpenAI's refusals in the house's words; status first, then `code` and `type`.

A body `{"error": {message, type, param, code}}` is the API's own. Its 500 says that nothing was made; a 502 or 504,
even in such words, comes from a gateway that stopped waiting. Facts: OpenAI's error guide, its client's retry rules.
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
from vermilion.providers.pictures_answer import (
    Complaint,
    complaint_in,
    complaint_of,
    retry_after_seconds,
    usual_failure,
)
from vermilion.providers.wire import Answer

_MODERATION = {"moderation_blocked", "content_policy_violation", "image_generation_user_error"}
_SAFETY_WORDS = "safety system"
_NO_MONEY = {
    "insufficient_quota",
    "insufficient_user_quota",
    "credit_balance_exhausted",
    "billing_hard_limit_reached",
    "billing_not_active",
}
_OVERLOADED = {"server_is_overloaded", "slow_down"}
_ITS_OWN_FAULT = "server_error"


def refused(answer: Answer) -> ProviderError:
    """Why a call made nothing, or `Ambiguous` where something in front of the API lost its answer."""
    said = complaint_of(answer)
    about_words = _about_the_request(said)
    if about_words is not None:
        return about_words
    usual = usual_failure(said, answer)
    if usual is not None:
        return usual
    if said.status in {402, 403}:
        return Misconfigured("The provider refuses this key.", vendor_message=said.words)
    if said.status in {408, 409}:
        return Unreachable("The provider took nothing.", vendor_message=said.words)
    if said.status == 503 or {said.code, said.kind} & _OVERLOADED:
        return Unreachable(
            "The provider is overloaded and took nothing.",
            vendor_message=said.words,
            retry_after_seconds=retry_after_seconds(answer),
        )
    if said.status == 500:
        again = _ITS_OWN_FAULT in {said.code, said.kind}
        return Broke("The provider failed.", vendor_message=said.words, again=again)
    if said.status > 500:
        return Ambiguous(
            f"A gateway answered {said.status}; the pictures may have been made and billed.", vendor_message=said.words
        )
    if said.status == 404:
        return NotInstalled("The provider does not have this model.", vendor_message=said.words)
    return Rejected("The provider does not accept this request.", vendor_message=said.words)


def failed_within(body: dict[str, Any]) -> ProviderError:
    """Why a call failed that was answered with 200 and an error inside."""
    said = complaint_in(200, body)
    return _about_the_request(said) or Broke("The provider failed.", vendor_message=said.words, again=False)


def _about_the_request(said: Complaint) -> ProviderError | None:
    if {said.code, said.kind} & _MODERATION or (said.status == 400 and _SAFETY_WORDS in (said.words or "")):
        return Blocked("The provider's moderation refused the request or its result.", vendor_message=said.words)
    if {said.code, said.kind} & _NO_MONEY:
        return Misconfigured("The account at the provider has no balance left.", vendor_message=said.words)
    return None
