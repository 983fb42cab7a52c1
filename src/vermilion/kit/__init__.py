"""Small things every room may use: clock, ids, errors, pages, sealed secrets, the download door.

Anyone may come in; `kit` itself knows nobody. `sealed` and `download` are imported by name
(`vermilion.kit.sealed`), since few rooms need them and they pull in more.
"""

from vermilion.kit.clock import Clock, SystemClock
from vermilion.kit.errors import AppError, Conflict, Forbidden, Invalid, NotFound
from vermilion.kit.given import Change, Given
from vermilion.kit.ids import new_id
from vermilion.kit.masks import is_masked, mask
from vermilion.kit.paging import Page, decode_cursor, encode_cursor
from vermilion.kit.together import Gathered, Together
from vermilion.kit.written import write_out

__all__ = [
    "AppError",
    "Change",
    "Clock",
    "Conflict",
    "Forbidden",
    "Gathered",
    "Given",
    "Invalid",
    "NotFound",
    "Page",
    "SystemClock",
    "Together",
    "decode_cursor",
    "encode_cursor",
    "is_masked",
    "mask",
    "new_id",
    "write_out",
]
