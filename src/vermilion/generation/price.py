"""The price before: what a request would cost, without requesting it."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from vermilion import ledger
from vermilion.catalog import Shelf, usable_entry
from vermilion.db import Tx
from vermilion.generation.commands import WantedInput, given_inputs
from vermilion.identity import Actor


class QuoteView(BaseModel):
    """An exact price in credits; `missing_credits` is 0 when the balance suffices."""

    price_credits: int
    available_credits: int
    missing_credits: int
    expected_outputs: int
    typical_seconds: float


def quote(
    tx: Tx,
    shelf: Shelf,
    actor: Actor,
    model: str,
    params: dict[str, Any],
    inputs: Sequence[WantedInput],
    prompt: str = "",
) -> QuoteView:
    """The price of a request as it would be accepted now; raises `Invalid` for parameters that would not be.

    Words and missing inputs are not judged: the price is shown while they are still being written. Flags among the
    words are parameters.
    """
    entry = usable_entry(tx, shelf, model, actor.role)
    given_inputs(tx, actor.user_id, inputs)
    exact = entry.quote(entry.accept_params(params, prompt))
    available = ledger.balance(tx, actor.user_id).available
    return QuoteView(
        price_credits=exact.price_credits,
        available_credits=available,
        missing_credits=max(0, exact.price_credits - available),
        expected_outputs=exact.expected_outputs,
        typical_seconds=entry.typical_seconds,
    )
