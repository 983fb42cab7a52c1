"""Packages, orders and the gateway, for admins."""

from uuid import UUID

from fastapi import APIRouter

from vermilion.billing.commands.gateway import change_gateway
from vermilion.billing.commands.packages import add_package, change_package, delete_package
from vermilion.billing.gateway import gateway_view
from vermilion.billing.house import HouseHere
from vermilion.billing.order_views import (
    AdminOrderView,
    AdminPackageList,
    AdminPackageView,
    GatewayPatch,
    GatewayTestView,
    GatewayView,
    NewPackage,
    OrderStatus,
    PackagePatch,
)
from vermilion.billing.selling import all_orders, all_packages
from vermilion.identity import AdminActor, Cursor, Limit, problem_responses, write_responses
from vermilion.kit import Page

payments_router = APIRouter(prefix="/admin", tags=["admin"])


@payments_router.get("/packages", responses=problem_responses(401, 403), summary="The packages")
async def get_packages(house: HouseHere, _actor: AdminActor) -> AdminPackageList:
    """Every package of credits, in the order they are shown."""
    return AdminPackageList(items=await house.db.read(all_packages))


@payments_router.post("/packages", status_code=201, responses=write_responses(401), summary="Add a package")
async def post_package(house: HouseHere, actor: AdminActor, body: NewPackage) -> AdminPackageView:
    """Offer credits at a price."""
    return await house.db.write(add_package, actor, body, house.clock.now())


@payments_router.patch("/packages/{package_id}", responses=write_responses(401, 404), summary="Change a package")
async def patch_package(house: HouseHere, actor: AdminActor, package_id: UUID, body: PackagePatch) -> AdminPackageView:
    """Change a package, or take it off the shelf; orders keep what was sold."""
    return await house.db.write(change_package, actor, package_id, body, house.clock.now())


@payments_router.delete(
    "/packages/{package_id}", status_code=204, responses=write_responses(401, 404), summary="Delete a package"
)
async def remove_package(house: HouseHere, actor: AdminActor, package_id: UUID) -> None:
    """Delete a package; orders keep what was sold."""
    await house.db.write(delete_package, actor, package_id, house.clock.now())


@payments_router.get("/orders", responses=problem_responses(401, 403), summary="Everybody's orders")
async def get_admin_orders(
    house: HouseHere,
    _actor: AdminActor,
    status: OrderStatus | None = None,
    cursor: Cursor | None = None,
    limit: Limit = 50,
) -> Page[AdminOrderView]:
    """Purchases, the latest first."""
    return await house.db.read(all_orders, status=status, cursor=cursor, limit=limit)


@payments_router.get("/payment-gateway", responses=problem_responses(401, 403), summary="The payment gateway")
async def get_payment_gateway(house: HouseHere, _actor: AdminActor) -> GatewayView:
    """Who takes the money; the key is masked."""
    return await house.db.read(gateway_view, house.sealer, house.payments.notify_url)


@payments_router.patch("/payment-gateway", responses=write_responses(401, 409), summary="Set up the payment gateway")
async def patch_payment_gateway(house: HouseHere, actor: AdminActor, body: GatewayPatch) -> GatewayView:
    """Change the gateway; effective at once on every node. Another address needs the key again.

    Another address or merchant is refused while orders are pending: switch selling off, and they end by themselves.
    """
    await house.db.write(change_gateway, house.sealer, actor, body, house.clock.now())
    return await house.db.read(gateway_view, house.sealer, house.payments.notify_url)


@payments_router.post("/payment-gateway/test", responses=write_responses(401, 409), summary="Test the payment gateway")
async def test_payment_gateway(house: HouseHere, _actor: AdminActor) -> GatewayTestView:
    """Ask the gateway whether merchant and key are right. It costs nothing."""
    return await house.payments.test()
