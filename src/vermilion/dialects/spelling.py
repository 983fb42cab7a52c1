"""Keys in either spelling, `snake_case` or `camelCase`, and under the other names that clients have for them."""

import re
from collections.abc import Callable
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def snake(key: str) -> str:
    """`cfgScale` as `cfg_scale`."""
    return _HUMP.sub("_", key).lower()


def named(given: Any, name_of: Callable[[str], str]) -> Any:
    """The body with its keys as they are called here; what is sent under two of its names must be the same.

    Null under one name says nothing against a value under another: clients send every field they know.
    """
    if not isinstance(given, dict):
        return given
    sent_as: dict[str, str] = {}
    found: dict[str, Any] = {}
    for key, value in given.items():
        name = name_of(str(key))
        if name in found and value is None:
            continue
        if found.get(name) is not None and (type(found[name]), found[name]) != (type(value), value):
            said = f"is sent twice, and not the same: as {sent_as[name]} and as {key}"
            fault = InitErrorDetails(type=PydanticCustomError("value_error", said), loc=(name,), input=None)
            raise ValidationError.from_exception_data("body", [fault])
        sent_as[name], found[name] = str(key), value
    return found


def renamed(given: Any, **names: str) -> Any:
    """The body with these keys, in either spelling, under the names they have here."""
    return named(given, lambda key: names.get(snake(key), key))
