"""What an admin gives and takes: the balance, the audit and what the person is told, in one transaction."""

from datetime import datetime
from uuid import UUID

from vermilion.db import Tx
from vermilion.events import emit
from vermilion.identity import Actor, audit, person
from vermilion.ledger.commands import grant, take
from vermilion.ledger.views import Balance


def give_by_admin(
    tx: Tx, actor: Actor | None, user_id: UUID, amount_credits: int, reason: str, now: datetime
) -> Balance:
    """Grant (a positive amount) or take (a negative one); raises `NotFound`, or `Conflict` below zero.

    No actor means the terminal.
    """
    person(tx, user_id)
    actor_id = actor.user_id if actor else None
    if amount_credits < 0:
        balance = take(tx, user_id, -amount_credits, reason=reason, actor_id=actor_id, key=None, now=now)
    else:
        balance = grant(tx, user_id, amount_credits, reason=reason, actor_id=actor_id, key=None, now=now)
    emit(tx, user_id, "credits.changed", {"available": balance.available, "held": balance.held}, now)
    audit(
        tx, actor, "credits.grant", f"user:{user_id}", None, {"amount_credits": amount_credits, "reason": reason}, now
    )
    return balance
