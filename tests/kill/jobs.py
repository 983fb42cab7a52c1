"""What the vendors were asked for, as they tell it themselves, held against the attempts the house knows of."""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import select

from tests.kill.clients import LEADING_ID
from vermilion.db import Tx
from vermilion.generation.tables import AttemptRow

_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")

KNOWN_TO_HAVE_ENDED = ("provider.broke", "generation.canceled")
"""How an attempt that had a job may have ended for another to follow."""


def is_told(job: Any) -> bool:
    """Whether a job is over, and nobody will hear more of it."""
    return job["state"] == "finished" and (not job["webhook_url"] or job["webhook"] is not None)


def by_attempt(jobs: Sequence[Any], attempts: Sequence[AttemptRow]) -> dict[UUID, list[Any]]:
    """The jobs of each attempt; those of a generation whose attempts are not given are left out.

    A vendor that was given our reference tells it. At any other, a job belongs to the attempt of its generation that
    was the last to be intended when the job was made: sandbox and house read one clock.
    """
    references = {attempt.id.hex: attempt.id for attempt in attempts}
    of_generation: dict[str, list[AttemptRow]] = defaultdict(list)
    for attempt in sorted(attempts, key=lambda attempt: attempt.n):
        of_generation[str(attempt.generation_id)].append(attempt)
    found: dict[UUID, list[Any]] = defaultdict(list)
    for job in jobs:
        said = json.dumps([job["body"], job["webhook_url"]])
        named = [references[word] for word in _words(said) if word in references]
        whose = LEADING_ID.search(said)
        if named:
            found[named[0]].append(job)
        elif whose is not None:
            before = [
                attempt
                for attempt in of_generation.get(whose[1], ())
                if attempt.intended_at.timestamp() <= job["created_at"]
            ]
            if before:
                found[before[-1].id].append(job)
    return found


def _words(said: str) -> list[str]:
    return [word.replace("-", "") for word in _UUID.findall(said)]


def duplicates(tx: Tx, jobs: Sequence[Any]) -> list[str]:
    """Jobs a vendor was asked for once too often.

    At most one per attempt; and a later attempt of a generation only after the earlier one was known to have ended,
    or (an admin looked) never to have begun. A job the vendor itself lost in a restart may be asked for again.
    """
    attempts = list(tx.scalars(select(AttemptRow).order_by(AttemptRow.generation_id, AttemptRow.n)))
    those_of = by_attempt(jobs, attempts)
    placed = {job["id"] for those in those_of.values() for job in those}
    found = [f"{job['vendor']} has {job['id']}, which was never intended" for job in jobs if job["id"] not in placed]
    for attempt in attempts:
        those = those_of.get(attempt.id, [])
        if len(those) > 1:
            found.append(f"attempt {attempt.id} has {len(those)} jobs at {those[0]['vendor']}")
        if attempt.ticket_id is not None and not any(attempt.ticket_id in json.dumps(job) for job in those):
            ids = [job["id"] for job in those]
            found.append(f"attempt {attempt.id} keeps the ticket {attempt.ticket_id}, which is none of its jobs {ids}")
    for attempt, following in pairwise(attempts):
        if attempt.generation_id != following.generation_id:
            continue
        if all(job["forgotten"] for job in those_of.get(attempt.id, ())):
            continue
        if attempt.ended_at is None or attempt.ended_at > following.intended_at:
            found.append(f"attempt {attempt.id} had a job and had not ended when {following.id} began")
        elif (attempt.outcome or {}).get("code") not in KNOWN_TO_HAVE_ENDED:
            found.append(f"attempt {attempt.id} had a job, ended as {attempt.outcome}, and was followed by another")
    return found
