"""How a secret looks from outside: its last four characters, where it is long enough to spare them."""

MASK = "••••"
MASK_SHOWS_FROM_CHARS = 12
"""Shorter secrets are not shown at all: four characters of eight would be half of it."""


def mask(secret: str) -> str:
    """`••••` and the last four characters; nothing for nothing."""
    if not secret:
        return ""
    return MASK + (secret[-4:] if len(secret) >= MASK_SHOWS_FROM_CHARS else "")


def is_masked(given: str) -> bool:
    """Whether what was sent back is a mask, and so means the secret that is stored."""
    return given.startswith(MASK[0])
