"""The payment gateway's settings: how they are read, opened and shown."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from vermilion.billing import epay
from vermilion.billing.epay import Merchant
from vermilion.billing.order_views import Flow, GatewayView
from vermilion.billing.tables import GatewayRow
from vermilion.db import Tx
from vermilion.kit import mask
from vermilion.kit.sealed import SealBroken, Sealer

FIELDS: Final = ("base_url", "pid", "key")


@dataclass(frozen=True, slots=True)
class OpenGateway:
    """The gateway, ready to be paid through."""

    merchant: Merchant
    methods: tuple[str, ...]
    flow: Flow
    is_sandbox: bool


def open_gateway(tx: Tx, sealer: Sealer) -> OpenGateway | None:
    """The gateway if it is switched on and has all it needs; None where credits are not sold."""
    row = tx.get(GatewayRow, epay.NAME)
    merchant = known_merchant(tx, sealer)
    if row is None or not row.enabled or merchant is None:
        return None
    return OpenGateway(merchant, tuple(row.methods), cast(Flow, row.flow), row.managed_by == "sandbox")


def known_merchant(tx: Tx, sealer: Sealer) -> Merchant | None:
    """Who is paid, also while nothing is sold: what was ordered before may be paid yet.

    None where something of the login is missing, and for a sandbox that does not run.
    """
    row = tx.get(GatewayRow, epay.NAME)
    if row is None or (row.managed_by == "sandbox" and not row.enabled):
        return None
    fields = fields_of(sealer, row)
    if not all(fields.get(name) for name in FIELDS):
        return None
    return Merchant(base_url=fields["base_url"], pid=fields["pid"], key=fields["key"])


def fields_of(sealer: Sealer, row: GatewayRow) -> Mapping[str, str]:
    """The login in clear; nothing where the key file does not open it, so that all of it must be entered again."""
    try:
        fields: dict[str, str] = json.loads(sealer.open(row.fields_sealed, bound_to=seal_of(row.name)))
    except SealBroken:
        return {}
    return fields


def gateway_view(tx: Tx, sealer: Sealer, notify_url: str) -> GatewayView:
    """The gateway as admins see it."""
    row = tx.get(GatewayRow, epay.NAME)
    fields = fields_of(sealer, row) if row else {}
    return GatewayView(
        configured=row is not None,
        base_url=fields.get("base_url", ""),
        pid=fields.get("pid", ""),
        key=mask(fields.get("key", "")),
        methods=cast(Any, row.methods if row else ["alipay", "wxpay"]),
        flow=cast(Any, row.flow if row else "page"),
        enabled=row is not None and row.enabled,
        allow_private_hosts=row is not None and row.allow_private_hosts,
        managed_by=cast(Any, row.managed_by if row else None),
        notify_url=notify_url,
    )


def seal_of(name: str) -> str:
    """What a gateway's sealed login is bound to."""
    return f"payment_gateway:{name}"
