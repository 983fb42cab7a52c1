"""Setting up the payment gateway, by an admin or for the sandbox."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import update

from vermilion.billing import epay
from vermilion.billing.commands.packages import add_examples
from vermilion.billing.gateway import FIELDS, fields_of, seal_of
from vermilion.billing.order_views import GatewayPatch
from vermilion.billing.problems import bad_gateway_field, key_required, pending_payments
from vermilion.billing.selling import count_pending
from vermilion.billing.tables import GatewayRow
from vermilion.db import Tx
from vermilion.identity import Actor, audit
from vermilion.kit import is_masked, mask
from vermilion.kit.addresses import web_address_refusal
from vermilion.kit.sealed import Sealer

_METHODS = ["alipay", "wxpay"]


def change_gateway(tx: Tx, sealer: Sealer, actor: Actor | None, patch: GatewayPatch, now: datetime) -> None:
    """Set the gateway up, or change it. With another login what the sandbox had set up becomes the admin's own.

    Only the gateway an order was placed for can tell that it was paid: another address or merchant waits until no
    order is pending. Those for play money hinder nobody.

    Raises `Invalid` (`payment.invalid_field`, `payment.key_required`) and `Conflict` (`payment.orders_pending`).
    """
    row = tx.get(GatewayRow, epay.NAME, with_for_update=True)
    known = fields_of(sealer, row) if row else {}
    before = _audited(row, known) if row else None
    if row is None:
        row = _new_row(now)
        tx.add(row)
    fields = _merged(patch, known)
    given = patch.model_dump(exclude_unset=True, exclude=set(FIELDS))
    for name, value in given.items():
        setattr(row, name, list(dict.fromkeys(value)) if name == "methods" else value)
    _check(fields, private=row.allow_private_hosts)
    if fields["base_url"] != known.get("base_url") and known.get("key") and not _typed(patch.key):
        raise key_required()
    if row.managed_by is None:
        _require_ended(tx, fields, known)
    missing = next((name for name in FIELDS if not fields[name]), None)
    if missing is not None:
        if patch.enabled and fields["key"]:
            raise bad_gateway_field(missing, "must not be empty")
        row.enabled = False
    row.fields_sealed = _sealed(sealer, fields)
    if fields != known:
        row.managed_by = None
    row.updated_at = now
    tx.flush()
    audit(tx, actor, "payment_gateway.change", f"payment_gateway:{epay.NAME}", before, _audited(row, fields), now)


def ensure_sandbox_gateway(tx: Tx, sealer: Sealer, fields: Mapping[str, str], now: datetime) -> None:
    """Let the house's own sandbox take play money, unless an operator has set up a gateway of their own.

    The first time two example packages come with it.
    """
    row = tx.get(GatewayRow, epay.NAME)
    if row is not None and row.managed_by is None:
        return
    if row is None:
        row = _new_row(now)
        row.managed_by = "sandbox"
        row.allow_private_hosts = True
        tx.add(row)
        add_examples(tx, now)
    complete = {name: fields[name] for name in FIELDS}
    if row.fields_sealed == "" or fields_of(sealer, row) != complete:
        row.fields_sealed = _sealed(sealer, complete)
        row.updated_at = now
    row.enabled = True
    tx.flush()


def disable_sandbox_gateway(tx: Tx) -> None:
    """Switch the gateway off if it is the sandbox: it does not run this time."""
    tx.execute(update(GatewayRow).where(GatewayRow.managed_by == "sandbox").values(enabled=False))


def _new_row(now: datetime) -> GatewayRow:
    return GatewayRow(
        name=epay.NAME,
        fields_sealed="",
        methods=list(_METHODS),
        flow="page",
        enabled=False,
        allow_private_hosts=False,
        managed_by=None,
        updated_at=now,
    )


def _merged(patch: GatewayPatch, known: Mapping[str, str]) -> dict[str, str]:
    fields = {name: known.get(name, "") for name in FIELDS}
    if patch.base_url is not None:
        fields["base_url"] = patch.base_url.strip().rstrip("/")
    if patch.pid is not None:
        fields["pid"] = patch.pid.strip()
    if patch.key is not None:
        typed = patch.key.strip()
        if not is_masked(typed):
            fields["key"] = typed
        elif typed != mask(known.get("key", "")):
            raise bad_gateway_field("key", "is a mask, but not the one of the key that is stored")
    return fields


def _check(fields: Mapping[str, str], *, private: bool) -> None:
    if fields["base_url"]:
        refusal = web_address_refusal(fields["base_url"], allow_private=private)
        if refusal is not None:
            raise bad_gateway_field("base_url", refusal)
    if not fields["pid"].isascii() or any(char in "&= " for char in fields["pid"]):
        raise bad_gateway_field("pid", "must be the merchant's number, without & or =")


def _require_ended(tx: Tx, fields: Mapping[str, str], known: Mapping[str, str]) -> None:
    if all(fields[name] == known.get(name, fields[name]) for name in ("base_url", "pid")):
        return
    pending = count_pending(tx, known["pid"])
    if pending:
        raise pending_payments(pending)


def _typed(key: str | None) -> bool:
    return key is not None and not is_masked(key.strip())


def _sealed(sealer: Sealer, fields: Mapping[str, str]) -> str:
    return sealer.seal(json.dumps(dict(fields)), bound_to=seal_of(epay.NAME))


def _audited(row: GatewayRow, fields: Mapping[str, str]) -> dict[str, Any]:
    return {
        "base_url": fields.get("base_url", ""),
        "pid": fields.get("pid", ""),
        "key": mask(fields.get("key", "")),
        "methods": list(row.methods),
        "flow": row.flow,
        "enabled": row.enabled,
        "allow_private_hosts": row.allow_private_hosts,
    }
