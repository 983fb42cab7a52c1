"""What a refusal calls a field: what the client called it, for nobody mends a field they never sent."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from vermilion.kit import AppError, Invalid

FAULTS_SAID_MAX: Final = 5
"""How many faults the sentence of a refusal tells; all of them are among its `errors`."""


@contextmanager
def called(names: Mapping[str, str]) -> Iterator[None]:
    """Refusals from within tell the client's names.

    `names` has, by the path of a field of ours, what the client calls it; what lies below a path goes by its name.
    """
    try:
        yield
    except AppError as error:
        _rename(error, names)
        raise


def required(fields: Sequence[str]) -> Invalid:
    """The refusal (`request.invalid`) of a request that lacks these fields."""
    faults = [{"field": field, "code": "required", "message": "is required"} for field in fields]
    said = "; ".join(f"{field} is required" for field in fields)
    return Invalid("request.invalid", f"{said}.", field=fields[0], extras={"errors": faults})


def _rename(error: AppError, names: Mapping[str, str]) -> None:
    own = error.field
    if own is not None:
        error.field = _told(own, names)
    if faults := error.extras.get("errors"):
        told = [{**fault, "field": _told(fault["field"], names)} for fault in faults]
        error.extras["errors"] = told
        error.detail = "; ".join(f"{fault['field']} {fault['message']}" for fault in told[:FAULTS_SAID_MAX]) + "."
    elif own is not None and error.detail.startswith(f"{(last := own.rpartition('.')[2])} "):
        # Such a sentence begins with the field it is about.
        error.detail = f"{error.field}{error.detail.removeprefix(last)}"


def _told(field: str, names: Mapping[str, str]) -> str:
    path = field
    while path:
        if path in names:
            return names[path]
        path = path.rpartition(".")[0]
    return field
