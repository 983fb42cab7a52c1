"""The problems the ledger tells about, and what it accepts as an amount, a reason and a key."""

from vermilion.kit import AppError, Conflict, Invalid, NotFound
from vermilion.ledger.tables import AMOUNT_MAX_CREDITS, BALANCE_MAX_CREDITS, TEXT_MAX_CHARS


class InsufficientCredits(AppError):
    """The price is above what is available; `extras`: `price_credits`, `available_credits`, `missing_credits`."""

    status = 402
    title = "Not enough credits"

    def __init__(self, price_credits: int, available_credits: int) -> None:
        super().__init__(
            "credits.insufficient",
            f"This costs {price_credits} credits and {available_credits} are available.",
            extras={
                "price_credits": price_credits,
                "available_credits": available_credits,
                "missing_credits": price_credits - available_credits,
            },
        )


class ReusedHold(Conflict):
    """A hold with this id was made before; nothing was held again."""

    def __init__(self) -> None:
        super().__init__("credits.hold_reused", "A hold with this id was made before.")


def unknown_account() -> NotFound:
    return NotFound("credits.unknown_account", "This person has no account.")


def unknown_hold() -> NotFound:
    return NotFound("credits.unknown_hold", "No hold with this id was ever made.")


def exceeds_hold(amount_credits: int, held_credits: int) -> Invalid:
    return Invalid(
        "credits.settle_exceeds_hold",
        f"{amount_credits} credits cannot be spent of a hold of {held_credits}.",
        field="amount_credits",
    )


def account_full() -> Conflict:
    return Conflict("credits.account_full", f"An account holds at most {BALANCE_MAX_CREDITS} credits.")


def reused_key() -> Conflict:
    return Conflict("credits.key_reused", "This key was used before, for another movement of credits.", field="key")


def too_little(code: str, amount_credits: int, available_credits: int) -> Conflict:
    """Less is available than was to be taken or expired."""
    return Conflict(
        code,
        f"{amount_credits} credits were to be removed and {available_credits} are available.",
        field="amount_credits",
        extras={"available_credits": available_credits},
    )


def check_amount(amount_credits: object, *, least: int = 1) -> None:
    """Raise `Invalid` unless the amount is an integer (no bool, no float) from `least` to 10^9."""
    if type(amount_credits) is not int or not least <= amount_credits <= AMOUNT_MAX_CREDITS:
        raise Invalid(
            "credits.bad_amount",
            f"An amount of credits is a whole number from {least} to {AMOUNT_MAX_CREDITS}.",
            field="amount_credits",
        )


def check_text(code: str, field: str, value: str, *, least: int = 0) -> None:
    """Raise `Invalid` with this code unless every database can store the text, in at most 200 characters."""
    if not least <= len(value) <= TEXT_MAX_CHARS or value != storable(value):
        raise Invalid(
            code,
            f"The {field} has from {least} to {TEXT_MAX_CHARS} characters, none of them NUL or half of a pair.",
            field=field,
        )


def storable(text: str) -> str:
    """The text without what a database refuses (NUL, lone surrogates), cut to 200 characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")[:TEXT_MAX_CHARS]
