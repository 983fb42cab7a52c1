"""Redemption codes as text: how they are made, read back from what people type, and looked up."""

import hashlib
import hmac
import re
import secrets
import unicodedata
from typing import Final

from vermilion.billing.problems import unknown_code

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is taken for a digit, so a code survives being read aloud or copied by hand."""

GROUPS: Final = 4
GROUP_CHARS: Final = 5
CODE_CHARS: Final = GROUPS * GROUP_CHARS
"""Twenty characters of five random bits each: 100 bits, so guessing one of a million codes is hopeless at any pace."""

TYPED_MAX_CHARS: Final = 100

_MEANT: Final = str.maketrans({"I": "1", "L": "1", "O": "0"})
_BETWEEN: Final = re.compile(r"[\s\-‐‑‒–—_.]+")
_CODE: Final = re.compile(f"[{ALPHABET}]{{{CODE_CHARS}}}")


def new_code() -> str:
    """A new code, as people see it: `7K2QX-…` in four groups."""
    chars = "".join(secrets.choice(ALPHABET) for _ in range(CODE_CHARS))
    return "-".join(chars[start : start + GROUP_CHARS] for start in range(0, CODE_CHARS, GROUP_CHARS))


def hash_of(code_key: bytes, typed: str) -> str:
    """The keyed hash (HMAC-SHA-256, hexadecimal) under which the code somebody typed is stored.

    Case, spaces, dashes and the letters taken for digits do not matter. Raises `NotFound` (`redemption.unknown`) for
    what can be no code.
    """
    plain = _BETWEEN.sub("", unicodedata.normalize("NFKC", typed[:TYPED_MAX_CHARS])).upper().translate(_MEANT)
    if not _CODE.fullmatch(plain):
        raise unknown_code()
    return hmac.new(code_key, plain.encode(), hashlib.sha256).hexdigest()


def ending_of(code: str) -> str:
    """What lists show of a code: its last four characters."""
    return code[-4:]
