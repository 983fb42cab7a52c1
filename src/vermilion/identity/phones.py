"""Phone numbers in their one spelling (E.164), and how they are shown where they are nobody's business."""

import re
import unicodedata
from typing import Final

from vermilion.kit import Invalid
from vermilion.sms import MAINLAND

_MAINLAND: Final = re.compile(r"1[3-9][0-9]{9}")
_ANYWHERE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_DRESSING: Final = re.compile(r"[\s().\-]+")
_RANGE_CHARS: Final = 4


def normalised_phone(given: str) -> str:
    """The number as `+8613800138000`; eleven digits alone are a mainland number. Raises 422 `auth.bad_phone`.

    Spaces, brackets, dots, hyphens, full-width digits and `00` for `+` are what people type; they mean nothing.
    """
    bare = _DRESSING.sub("", unicodedata.normalize("NFKC", given))
    if bare.startswith("00"):
        bare = f"+{bare[2:]}"
    home = bare.removeprefix(MAINLAND)
    if _MAINLAND.fullmatch(home):
        return MAINLAND + home
    if bare.startswith(MAINLAND) or not _ANYWHERE.fullmatch(bare):
        raise Invalid(
            "auth.bad_phone",
            "This is no phone number. Numbers of other countries begin with + and the country.",
            field="phone",
        )
    return bare


def is_mainland(phone: str) -> bool:
    """Whether a normalised number is one of mainland China."""
    return phone.startswith(MAINLAND)


def masked_phone(phone: str) -> str:
    """`+86138••••8000`: enough for its owner to know it again."""
    return f"{phone[:-8]}••••{phone[-4:]}" if len(phone) > _RANGE_CHARS * 2 + 2 else f"••••{phone[-4:]}"


def number_range(phone: str) -> str:
    """The ten thousand numbers around this one, which whoever sends for money's sake tries one after another."""
    return phone[:-_RANGE_CHARS]
