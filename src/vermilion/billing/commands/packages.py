"""Adding, changing and removing packages of credits."""

from datetime import datetime
from typing import Any
from uuid import UUID

from vermilion.billing.order_views import AdminPackageView, NewPackage, PackagePatch, PackageTitle
from vermilion.billing.problems import unknown_package
from vermilion.billing.selling import admin_package_view
from vermilion.billing.tables import PackageRow
from vermilion.db import Tx
from vermilion.identity import Actor, audit
from vermilion.kit import new_id


def add_package(tx: Tx, actor: Actor | None, wanted: NewPackage, now: datetime) -> AdminPackageView:
    """Offer another package."""
    row = PackageRow(id=new_id(), managed_by=None, created_at=now, updated_at=now, **_columns(wanted.model_dump()))
    tx.add(row)
    tx.flush()
    audit(tx, actor, "package.add", f"package:{row.id}", None, wanted.model_dump(), now)
    return admin_package_view(row)


def change_package(
    tx: Tx, actor: Actor | None, package_id: UUID, patch: PackagePatch, now: datetime
) -> AdminPackageView:
    """Change a package; an example that an admin changed is the admin's own. Raises `NotFound` (`package.unknown`)."""
    row = _require(tx, package_id)
    changes = patch.model_dump(exclude_unset=True)
    before = {name: value for name, value in admin_package_view(row).model_dump().items() if name in changes}
    for name, value in _columns(changes).items():
        setattr(row, name, value)
    if changes:
        row.managed_by = None
        row.updated_at = now
        tx.flush()
        audit(tx, actor, "package.change", f"package:{package_id}", before, changes, now)
    return admin_package_view(row)


def delete_package(tx: Tx, actor: Actor | None, package_id: UUID, now: datetime) -> None:
    """Delete a package; orders keep what was sold. Raises `NotFound` (`package.unknown`)."""
    row = _require(tx, package_id)
    before = admin_package_view(row).model_dump(mode="json")
    tx.delete(row)
    tx.flush()
    audit(tx, actor, "package.delete", f"package:{package_id}", before, None, now)


def add_examples(tx: Tx, now: datetime) -> None:
    """Two packages to try buying with; they are sold only while the sandbox takes the money."""
    for position, (amount_credits, price_minor, en, zh) in enumerate(
        ((500, 600, "Starter", "入门"), (5_000, 5_000, "Studio", "画室"))
    ):
        tx.add(
            PackageRow(
                id=new_id(),
                title_en=en,
                title_zh=zh,
                amount_credits=amount_credits,
                price_minor=price_minor,
                currency="CNY",
                enabled=True,
                position=position,
                managed_by="sandbox",
                created_at=now,
                updated_at=now,
            )
        )
    tx.flush()


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    title = values.get("title")
    rest = {name: value for name, value in values.items() if name != "title"}
    if title is None:
        return rest
    told = PackageTitle.model_validate(title)
    return {**rest, "title_en": told.en.strip(), "title_zh": told.zh.strip()}


def _require(tx: Tx, package_id: UUID) -> PackageRow:
    row = tx.get(PackageRow, package_id)
    if row is None:
        raise unknown_package()
    return row
