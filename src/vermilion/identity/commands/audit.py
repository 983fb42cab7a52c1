"""Writing down what an admin did."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert, null

from vermilion.db import Tx
from vermilion.identity.actors import Actor
from vermilion.identity.tables import AuditRow


def audit(
    tx: Tx,
    actor: Actor | None,
    action: str,
    target: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    now: datetime,
) -> None:
    """Add an entry, in the transaction of the change itself.

    `action` is `thing.verb` (`model.override`), `target` names the thing (`user:<id>`), `before` and `after`
    hold the changed members, JSON values only and never a secret. No actor means the terminal.
    """
    tx.execute(
        insert(AuditRow).values(
            actor_id=actor.user_id if actor else None,
            api_key_id=actor.api_key_id if actor else None,
            action=action,
            target=target,
            before=null() if before is None else dict(before),
            after=null() if after is None else dict(after),
            ip=actor.ip if actor else None,
            created_at=now,
        )
    )
