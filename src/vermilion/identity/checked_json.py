"""JSON from outside, bounded in depth, count and alphabet before anything reads it.

What is refused here would otherwise fail deeper down: text with NUL cannot be stored by PostgreSQL, half a surrogate
pair cannot be sent, NaN is not JSON, and a number of ten thousand digits takes seconds to read.
"""

import json
import re
from typing import Any, Final, NoReturn

from vermilion.kit import AppError

JSON_DEPTH_MAX = 32
JSON_VALUES_MAX = 20_000
JSON_INTEGER_MAX = 2**63 - 1
"""Larger integers fit neither the database nor a reader's 64 bits."""

MARKS_MAX = 10 * JSON_VALUES_MAX
"""How many commas and opening brackets a body may have before it is read at all: 24 MB of `{},` read are 500 MB.
Those within texts count too, of which nobody writes so many."""

_BAD_CHARACTERS: Final = re.compile("[\0\ud800-\udfff]")


def check_json(body: bytes) -> None:
    """Raise 400 unless `body` is empty or JSON within the limits above."""
    if not body:
        return
    if sum(map(body.count, (b",", b"[", b"{"))) > MARKS_MAX:
        raise _too_many_values()
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise AppError("request.not_utf8", "The body is not UTF-8.") from error
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise AppError("request.not_json", "The body is not JSON.") from error
    _check_values(value)


def _check_values(root: Any) -> None:
    waiting: list[tuple[Any, int]] = [(root, 1)]
    count = 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if count > JSON_VALUES_MAX:
            raise _too_many_values()
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, dict | list):
            if depth > JSON_DEPTH_MAX:
                raise _too_deep()
            if isinstance(value, dict):
                for key in value:
                    _check_text(key)
                waiting.extend((child, depth + 1) for child in value.values())
            else:
                waiting.extend((child, depth + 1) for child in value)
        elif isinstance(value, int) and abs(value) > JSON_INTEGER_MAX:
            raise AppError("request.number_too_large", "An integer in the body has more than 64 bits.")
        elif isinstance(value, float) and value in (float("inf"), float("-inf")):
            raise AppError("request.number_too_large", "A number in the body is too large.")


def _check_text(text: str) -> None:
    if "\0" in text if text.isascii() else _BAD_CHARACTERS.search(text):
        raise bad_characters()


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def bad_characters() -> AppError:
    """400 `request.bad_characters`."""
    return AppError("request.bad_characters", "The request has characters that cannot be stored (NUL, half a pair).")


def _too_deep() -> AppError:
    return AppError("request.too_deep", f"The body is nested deeper than {JSON_DEPTH_MAX} levels.")


def _too_many_values() -> AppError:
    return AppError("request.too_many_values", f"The body holds more than {JSON_VALUES_MAX} values.")
