"""The problems of buying and redeeming."""

from datetime import datetime

from vermilion.kit import AppError, Conflict, Invalid, NotFound


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
