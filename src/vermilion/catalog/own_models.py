"""Models that admins make: an entry like those on the shelf, kept as a row.

They are read in the caller's transaction, so that a change counts at once on every node. What was read is kept by
the digest of its content, which needs no invalidation.
"""

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import delete, func, select, update

from vermilion.catalog.declared import UNNAMED
from vermilion.catalog.entry import Entry
from vermilion.catalog.shelf import OWN_PREFIX, all_words, unknown_model
from vermilion.catalog.tables import ModelOverrideRow, OwnModelRow
from vermilion.db import Tx, insert_into
from vermilion.identity import Actor, audit
from vermilion.kit import Conflict, Invalid, NotFound
from vermilion.providers import adapters, findings_in

log = structlog.get_logger(__name__)

OWN_MODELS_MAX = 200
"""How many a house may have: enough for any shelf people can still choose from."""

REASONS_SHOWN = 3
REASON_MAX_CHARS = 500

_read: OrderedDict[str, Entry] = OrderedDict()


def own_entry(tx: Tx, model: str) -> Entry | None:
    """The entry an admin made under this id, or None."""
    if not model.startswith(OWN_PREFIX):
        return None
    digest = tx.scalars(select(OwnModelRow.digest).where(OwnModelRow.id == model)).one_or_none()
    if digest is None:
        return None
    return _read.get(digest) or next(iter(_fetch(tx, [model])), None)


def own_entries(tx: Tx) -> list[Entry]:
    """Every entry that admins made, by id."""
    digests = {row.id: row.digest for row in tx.execute(select(OwnModelRow.id, OwnModelRow.digest))}
    known = {model: entry for model, digest in digests.items() if (entry := _read.get(digest)) is not None}
    known |= {entry.id: entry for entry in _fetch(tx, sorted(digests.keys() - known.keys()))}
    return [known[model] for model in sorted(known)]


@dataclass(frozen=True, slots=True)
class BrokenModel:
    """A model of the house's own that this version cannot read, and why."""

    id: str
    reason: str


def broken_models(tx: Tx) -> list[BrokenModel]:
    """The models of the house's own that this version cannot read, by id: they can be replaced or deleted."""
    found = []
    for row in tx.execute(select(OwnModelRow.id, OwnModelRow.digest, OwnModelRow.entry).order_by(OwnModelRow.id)):
        if row.digest in _read:
            continue
        try:
            Entry.read(row.entry)
        except ValidationError as error:
            found.append(BrokenModel(row.id, _reason(error)))
    return found


def _reason(error: ValidationError) -> str:
    told = [
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg'].removeprefix('Value error, ')}"
        for problem in error.errors(include_input=False, include_url=False)[:REASONS_SHOWN]
    ]
    return "; ".join(each.removeprefix(": ") for each in told)[:REASON_MAX_CHARS]


def add_model(tx: Tx, actor: Actor | None, entry: Entry, *, now: datetime) -> Entry:
    """Put a model of the house's own beside those of the shelf.

    Raises `Invalid` (`catalog.invalid_model`), `NotFound` (`provider.unknown`), `Conflict` (`catalog.id_taken`,
    `catalog.too_many_models`).
    """
    require_sound(entry)
    if (tx.scalar(select(func.count()).select_from(OwnModelRow)) or 0) >= OWN_MODELS_MAX:
        raise Conflict(
            "catalog.too_many_models",
            f"There are {OWN_MODELS_MAX} models of this house's own already; delete one first.",
            extras={"limit": OWN_MODELS_MAX},
        )
    row = {"id": entry.id, **_content(entry), "created_at": now, "updated_at": now}
    adding = insert_into(tx, OwnModelRow).values(**row).on_conflict_do_nothing(index_elements=["id"])
    if tx.execute(adding.returning(OwnModelRow.id)).first() is None:
        raise Conflict("catalog.id_taken", f"There is a model {entry.id!r} already.", field="id")
    _forget_override(tx, entry.id)
    audit(tx, actor, "model.add", f"model:{entry.id}", None, _audited(entry), now)
    return entry


def replace_model(tx: Tx, actor: Actor | None, model: str, entry: Entry, *, now: datetime) -> Entry:
    """Replace a model by another entry of the same id; what was changed about the old one is forgotten with it.

    The old one need not be readable. What was made with it keeps its own copy. Raises like `add_model`, and
    `Conflict` (`catalog.not_own`) for one of the shelf, `NotFound` (`catalog.unknown_model`).
    """
    _require_own(model)
    before = _kept(tx, model)
    if entry.id != model:
        raise Invalid("catalog.invalid_model", f"The id of a model never changes; it is {model!r}.", field="id")
    require_sound(entry)
    changed = update(OwnModelRow).where(OwnModelRow.id == model).values(**_content(entry), updated_at=now)
    if tx.execute(changed.returning(OwnModelRow.id)).first() is None:
        raise unknown_model(model)
    _forget_override(tx, model)
    audit(tx, actor, "model.replace", f"model:{model}", before, _audited(entry), now)
    return entry


def delete_model(tx: Tx, actor: Actor | None, model: str, *, now: datetime) -> None:
    """Take a model of the house's own away, readable or not; what was made with it stays, and says so.

    Raises `Conflict` (`catalog.not_own`) for one of the shelf, `NotFound` (`catalog.unknown_model`).
    """
    _require_own(model)
    before = _kept(tx, model)
    gone = delete(OwnModelRow).where(OwnModelRow.id == model).returning(OwnModelRow.id)
    if tx.execute(gone).first() is None:
        raise unknown_model(model)
    _forget_override(tx, model)
    audit(tx, actor, "model.delete", f"model:{model}", before, None, now)


def _fetch(tx: Tx, models: list[str]) -> list[Entry]:
    """These models, read from their rows and kept.

    A row that this version of the house cannot read is left out, loudly: one model must not take all others with it.
    """
    if not models:
        return []
    found = []
    wanted = select(OwnModelRow.id, OwnModelRow.digest, OwnModelRow.entry).where(OwnModelRow.id.in_(models))
    for model, digest, table in tx.execute(wanted):
        try:
            entry = _read[digest] = Entry.read(table)
        except ValidationError as error:
            log.error(
                "own_model_unreadable", model=model, problems=error.errors(include_input=False, include_url=False)
            )
            continue
        found.append(entry)
    while len(_read) > OWN_MODELS_MAX:
        _read.popitem(last=False)
    return found


def _content(entry: Entry) -> dict[str, Any]:
    table = entry.model_dump(mode="json", exclude_defaults=True)
    canonical = json.dumps(table, sort_keys=True, separators=(",", ":"))
    return {"entry": table, "digest": hashlib.sha256(canonical.encode()).hexdigest()}


def _forget_override(tx: Tx, model: str) -> None:
    tx.execute(delete(ModelOverrideRow).where(ModelOverrideRow.model_id == model))


def _require_own(model: str) -> None:
    if not model.startswith(OWN_PREFIX):
        raise Conflict(
            "catalog.not_own",
            f"{model!r} was shipped with the house: it can be switched off or priced anew, not replaced or deleted.",
            field="model",
        )


def require_sound(entry: Entry) -> None:
    """What the shelf demands of its entries beyond their shape, and what the provider's adapter says of the options.

    Raises `Invalid` (`catalog.invalid_model`) and `NotFound` (`provider.unknown`).
    """
    if not entry.id.startswith(OWN_PREFIX):
        raise _invalid("id", f"must begin with {OWN_PREFIX!r}, so that no model shipped later has the same")
    if entry.aliases:
        raise _invalid("aliases", "must be empty: other names are the shelf's")
    for path, words in all_words(entry):
        if words == UNNAMED:
            raise _invalid(path, "has no words; it needs both languages, en and zh")
    adapter = adapters().get(entry.provider)
    if adapter is None:
        raise NotFound("provider.unknown", f"There is no provider {entry.provider!r}.", field="provider")
    for finding in findings_in(adapter, entry.options):
        if finding.blocks:
            where = f" ({finding.where})" if finding.where else ""
            raise _invalid("options", f"{finding.message.en}{where}")


def _invalid(field: str, message: str) -> Invalid:
    problem = {"field": field, "code": "invalid", "message": message}
    return Invalid("catalog.invalid_model", f"{field}: {message}", field=field, extras={"errors": [problem]})


def _kept(tx: Tx, model: str) -> dict[str, Any]:
    """What the audit keeps of a model as its row has it; raises `NotFound` (`catalog.unknown_model`)."""
    wanted = select(OwnModelRow.entry, OwnModelRow.digest).where(OwnModelRow.id == model)
    row = tx.execute(wanted).one_or_none()
    if row is None:
        raise unknown_model(model)
    try:
        return _audited(Entry.read(row.entry))
    except ValidationError:
        # A row of another version of the house: what it holds is unknown, and it must still be possible to end it.
        return {"readable": False, "digest": row.digest}


def _audited(entry: Entry) -> dict[str, Any]:
    return {
        "provider": entry.provider,
        "name": entry.name.en,
        "enabled": entry.enabled,
        "visibility": entry.visibility,
        "base_credits": entry.price.base_credits,
        "per_output_credits": entry.price.per_output_credits,
        "params": [param.name for param in entry.params],
        "digest": _content(entry)["digest"],
    }
