"""The problems of buying and redeeming."""

from datetime import datetime

from vermilion.kit import AppError, Conflict, Forbidden, Invalid, NotFound


class PaymentRefused(AppError):
    """The gateway said no, or nothing that can be understood; nothing was paid."""

    status = 502
    title = "The payment gateway refused"


def unknown_code() -> NotFound:
    return NotFound("redemption.unknown", "There is no such code. Check it for typing mistakes.", field="code")


def used_code() -> Conflict:
    return Conflict("redemption.used", "This code was used before.", field="code")


def received_code(amount_credits: int, received_at: datetime) -> Conflict:
    """The same person redeems the same code again: nothing is wrong, and nothing more is given."""
    return Conflict(
        "redemption.already_received",
        f"You already received the {amount_credits} credits of this code.",
        field="code",
        extras={"amount_credits": amount_credits, "received_at": received_at.isoformat()},
    )


def expired_code(expires_at: datetime) -> Conflict:
    return Conflict(
        "redemption.expired",
        f"This code could be redeemed until {expires_at:%Y-%m-%d %H:%M} UTC.",
        field="code",
        extras={"expires_at": expires_at.isoformat()},
    )


def disabled_code() -> Conflict:
    return Conflict("redemption.disabled", "This code was switched off by the studio.", field="code")


def too_many_to_export(most: int) -> Invalid:
    return Invalid(
        "redemption.too_many_to_export", f"At most {most} codes are exported at once: name a batch or a state."
    )


def bad_expiry() -> Invalid:
    return Invalid("redemption.bad_expiry", "A code expires in the future, or never.", field="expires_at")


def forged_notice() -> Forbidden:
    """What is wrong with it is not told: whoever forges learns nothing."""
    return Forbidden("payment.notice_refused", "This is no notice of this studio's payment gateway.")


def unconfirmed() -> AppError:
    """The notice is signed, and the gateway, asked, does not say the same; it is sent again, and asked about again."""
    return AppError("payment.unconfirmed", "The gateway does not confirm this payment yet.", status=503)


def wrong_payment(paid: str, ordered: str) -> Conflict:
    """409 `payment.wrong`, from both sums in words; where they are the same, it went to somebody else."""
    if paid == ordered:
        said = f"{paid} was paid, but not for this order, or not to the merchant it was placed with."
    else:
        said = f"{paid} was paid where {ordered} was ordered."
    return Conflict("payment.wrong", f"{said} Nothing was credited.")


def not_ready() -> Conflict:
    return Conflict("payment.not_configured", "This studio does not sell credits at the moment.")


def pending_payments(count: int) -> Conflict:
    return Conflict(
        "payment.orders_pending",
        f"{count} orders can still be paid at this address and to this merchant, and nobody else could tell that they "
        "were. Switch selling off, and change both once these orders have ended.",
        extras={"count": count},
    )


def unknown_method(methods: list[str]) -> Invalid:
    return Invalid(
        "payment.unknown_method",
        "This studio does not offer this way to pay.",
        field="method",
        extras={"methods": methods},
    )


def unreachable_gateway() -> AppError:
    return AppError("payment.unreachable", "The payment gateway does not answer. Nothing was paid.", status=503)


def unknown_order() -> NotFound:
    return NotFound("order.unknown", "There is no such order.")


def reused_order() -> Conflict:
    return Conflict("order.id_reused", "An order with this id was made for something else.", field="id")


def stale_order() -> Conflict:
    return Conflict(
        "order.stale",
        "This order has ended, or the studio's payment gateway has changed since. Order again.",
        field="id",
    )


def too_many_orders(most: int) -> Conflict:
    return Conflict(
        "order.too_many_open",
        f"{most} orders wait to be paid. Pay one of them, or wait until they expire.",
        extras={"limit": most},
    )


def unknown_package() -> NotFound:
    return NotFound("package.unknown", "There is no such package of credits.", field="package_id")


def bad_gateway_field(name: str, why: str) -> Invalid:
    return Invalid("payment.invalid_field", f"{name} {why}.", field=name)


def key_required() -> Invalid:
    return Invalid(
        "payment.key_required",
        "The address changes, so the key must be entered again: it is not sent to another host unasked.",
        field="key",
    )
