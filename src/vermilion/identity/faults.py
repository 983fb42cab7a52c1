"""What is wrong with one field of a request, in the house's words; Pydantic's own are about its insides."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

BODY: Final = "body"
"""What a fault of the body as a whole names as its field."""

_FIELD_CHARS_MAX: Final = 200

_CODES: Final = {
    "missing": "required",
    "extra_forbidden": "unknown",
    "string_too_long": "too_long",
    "too_long": "too_long",
    "string_too_short": "too_short",
    "too_short": "too_short",
    "greater_than": "too_small",
    "greater_than_equal": "too_small",
    "less_than": "too_large",
    "less_than_equal": "too_large",
    "literal_error": "not_a_choice",
    "enum": "not_a_choice",
    "string_pattern_mismatch": "bad_format",
    "int_from_float": "wrong_type",
    "union_tag_invalid": "not_a_choice",
    "union_tag_not_found": "required",
}
"""Pydantic's kinds of error in our words; what ends in `_type` or `_parsing` is `wrong_type`, the rest `invalid`."""

_LIMITS: Final = ("max_length", "min_length", "ge", "gt", "le", "lt")

_SAID: Final = {
    "missing": "is required",
    "union_tag_not_found": "is required",
    "extra_forbidden": "is not known here",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} items",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "decimal_max_places": "must have at most {decimal_places} decimal places",
    "decimal_max_digits": "must have at most {max_digits} digits",
    "decimal_whole_digits": "must have at most {whole_digits} digits before the point",
    "finite_number": "must be a finite number",
    "timezone_aware": "must name its time zone, as in 2026-01-31T12:00:00Z",
}

_WANTED: Final = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "dict": "an object",
    "model": "an object",
    "mapping": "an object",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "uuid": "an id (a UUID)",
    "datetime": "a date and time such as 2026-01-31T12:00:00Z",
    "date": "a date such as 2026-01-31",
    "url": "an address",
}
"""What should have been there, by the first word of Pydantic's kind of error."""

_FORMS: Final = (
    ("@", "must be an e-mail address"),
    ("【", "must be one line without brackets: they are added when it is sent"),
    (r"[^\s", "must be one line without control characters, and not blank"),
    (r"\x00-\x1f", "must be one line without control characters"),
    ("{6}$", "must be six digits"),
    (
        "[a-z0-9.-]{0,63}",
        "must be at most 64 small letters, digits, dots and hyphens, and begin with a letter or a digit",
    ),
    ("[a-z0-9_]{0,39}", "must be at most 40 small letters, digits and underscores, and begin with a letter"),
    ("[a-z0-9_-]{0,39}", "must be at most 40 small letters, digits, underscores and hyphens, and begin with a letter"),
    ("(image|video|audio)/", "must be a kind of picture, film or sound such as image/png"),
)
"""What a pattern asks for, by what stands in it; nobody is told the pattern itself."""

_OF_A_KEY: Final = "[key]"
"""What the framework adds to the path of a table's key that is wrong, beside the key."""

_TAG: Final = re.compile(r"'(\w+)'")
"""How the framework names the one field that tells which of several tables is meant."""

_BRANCH: Final = re.compile(r"(?:int|float|str|bool|constrained-\w+)$|(?:list|dict|tuple|nullable|function-[\w-]+)\[")
"""What the framework adds to the path where a field may be one of several kinds: the kind it tried."""


def faults_of(errors: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """`{field, code, message, limit?}` of each field that is wrong, from Pydantic's errors; no input is echoed.

    A field that may be one of several kinds is wrong once, and told all of them; where the fault lies within it, it was
    of the right kind.
    """
    faults: dict[str, dict[str, Any]] = {}
    wanted: dict[str, list[str]] = {}
    for error in errors:
        fault = _fault(error)
        field = fault["field"]
        known = faults.setdefault(field, fault)
        if known["code"] == "wrong_type" and fault["code"] != "wrong_type":
            faults[field] = fault
        elif known["code"] == fault["code"] == "wrong_type":
            kinds = wanted.setdefault(field, [])
            kind = fault["message"].removeprefix("must be ")
            if kind != fault["message"] and kind not in kinds:
                kinds.append(kind)
            if kinds:
                known["message"] = f"must be {' or '.join(kinds)}"
    return [
        fault
        for field, fault in faults.items()
        if fault["code"] != "wrong_type" or not any(other.startswith(f"{field}.") for other in faults)
    ]


def sentence(fault: Mapping[str, Any]) -> str:
    """One sentence about one fault, for people."""
    field, message = fault["field"], fault["message"]
    goes_on = message.startswith(("must ", "is "))
    if field in ("", BODY):
        said = f"The body {message}" if goes_on else f"{message[:1].upper()}{message[1:]}"
    else:
        said = f"{field} {message}" if goes_on else f"{field}: {message}"
    return said if said.endswith((".", "!", "?")) else f"{said}."


def is_of_the_body(fault: Mapping[str, Any]) -> bool:
    """Whether the body as a whole is no object, as when nobody said that it is JSON."""
    return bool(fault["field"] == BODY and fault["code"] == "wrong_type")


def _fault(error: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(error["type"])
    context = error.get("ctx") or {}
    code = _CODES.get(kind)
    if code is None:
        code = "wrong_type" if kind.endswith(("_type", "_parsing")) else "invalid"
    fault: dict[str, Any] = {
        "field": _storable(_path((*error["loc"], *_tag(kind, context)))),
        "code": code,
        "message": _storable(_message(kind, code, context, str(error["msg"]))),
    }
    limit = next((context[name] for name in _LIMITS if name in context), None)
    if isinstance(limit, int | float):
        fault["limit"] = limit
    return fault


def _path(places: tuple[int | str, ...]) -> str:
    """The field's path; the first place says where (body, query, path), and a form knows its fields without it."""
    parts = [str(place) for place in places[1:] if place != _OF_A_KEY and not _BRANCH.match(str(place))]
    return ".".join(parts) or str(places[0] if places else BODY)


def _tag(kind: str, context: Mapping[str, Any]) -> tuple[str, ...]:
    """The field within a table that tells which one it is, where that is what is wrong."""
    named = _TAG.fullmatch(str(context.get("discriminator", ""))) if kind.startswith("union_tag_") else None
    return (named[1],) if named else ()


def _message(kind: str, code: str, context: Mapping[str, Any], own: str) -> str:
    if kind == "value_error":
        # What a check of ours says is a sentence already; the framework puts its own words before it.
        return own.removeprefix("Value error, ")
    if kind in {"string_too_short", "too_short"} and context.get("min_length") == 1:
        return "must not be empty"
    if kind == "string_pattern_mismatch":
        pattern = str(context.get("pattern", ""))
        return next((said for mark, said in _FORMS if mark in pattern), "is not written as it should be")
    if code == "not_a_choice":
        return _choices(context)
    if kind in _SAID:
        return _SAID[kind].format_map(context)
    if code == "wrong_type" and (wanted := _WANTED.get(kind.partition("_")[0])):
        return f"must be {wanted}"
    return "is not valid"


def _choices(context: Mapping[str, Any]) -> str:
    """What may stand there; tables are told apart by words that the framework lists without an "or"."""
    choices = str(context.get("expected", "")).replace("'", "")
    if tags := str(context.get("expected_tags", "")).replace("'", ""):
        choices = " or ".join(tags.rsplit(", ", 1))
    return f"must be one of {choices}" if " or " in choices else f"must be {choices}"


def _storable(text: str) -> str:
    """Text that can be sent: a client may put half a surrogate pair into a field's name."""
    return text[:_FIELD_CHARS_MAX].encode("utf-8", "replace").decode()
