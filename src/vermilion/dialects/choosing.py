"""Which model a request means, and its fields in that model's words."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from vermilion.catalog import Entry, Param, Shelf, effective_entries
from vermilion.db import Tx
from vermilion.dialects.table import BY_DEFAULT, FROM_FILES, MAKES, Job, Service
from vermilion.identity import Actor, read_choices
from vermilion.kit import AppError, NotFound

WIDTH_HEIGHT: Final = "width_height"
"""The field that holds both sides in pixels, as `{width, height}`."""


@dataclass(frozen=True, slots=True)
class Meant:
    """A request in the catalog's words: the entry, its parameters, the roles of the files, and what was left out.

    `fields` tells, by parameter, the field it comes from.
    """

    entry: Entry
    params: dict[str, Any]
    roles: tuple[str, ...]
    ignored: tuple[str, ...]
    fields: Mapping[str, str]


def entries_of(tx: Tx, shelf: Shelf, service: Service, role: Literal["user", "admin"]) -> list[Entry]:
    """The service's models, as people with this role may know of them."""
    return [entry for entry in effective_entries(tx, shelf, role) if entry.provider == service.provider]


def meant_entry(
    tx: Tx, shelf: Shelf, service: Service, actor: Actor, job: Job, name: str | None, files: Iterable[str]
) -> Entry:
    """The entry a request means: of those that go by the name, the first that begins with just these files.

    Without a name it is the operator's choice for the service, where that fits, else the service's usual model.
    Raises `NotFound` (`catalog.unknown_model`).
    """
    entries = entries_of(tx, shelf, service, actor.role)
    given = tuple(files)
    if name is not None:
        known = [entry for entry in entries if name in _names(service, entry)]
    else:
        defaults = read_choices(tx).service_defaults
        chosen = defaults.get(f"{service.name}.model") if job in BY_DEFAULT else None
        named = [entry for entry in entries if chosen is not None and chosen in _names(service, entry)]
        usual = [entry for model in service.models.get(job, ()) for entry in entries if entry.id == model]
        known = [entry for entry in named if _fits(service, entry, job, given)] + usual
        if not known:
            known = [entry for entry in entries if _fits(service, entry, job, given)]
    if not known:
        asked = "that does this" if name is None else repr(name[:80])
        raise NotFound("catalog.unknown_model", f"There is no model {asked} of {service.title}.", field="model")
    return next((entry for entry in known if _fits(service, entry, job, given)), known[0])


def meant(
    entry: Entry, service: Service, fields: Mapping[str, Any], files: Iterable[str], defaults: Mapping[str, str]
) -> Meant:
    """The fields as the entry's parameters; those it does not know are left out, and named.

    `defaults` are the operator's choices for fields that were not sent.
    """
    params: dict[str, Any] = {}
    comes_from: dict[str, str] = {}
    ignored = []
    chosen = {
        name.partition(".")[2]: value
        for name, value in defaults.items()
        if name.startswith(f"{service.name}.") and name != f"{service.name}.model"
    }
    asked = {**chosen, **fields}
    shape = asked.pop(WIDTH_HEIGHT, None)
    if shape is not None:
        found = _shaped(entry, service, shape)
        params |= found
        comes_from |= dict.fromkeys(found, WIDTH_HEIGHT)
        ignored += [] if found else [WIDTH_HEIGHT]
    for name, value in asked.items():
        param = param_of(service, entry, name)
        if param is not None and comes_from.get(param.name) == WIDTH_HEIGHT:
            # Pixels say more than the shape beside them.
            ignored += [name] if name in fields else []
        elif param is not None:
            params[param.name] = _fitted(param.type, value)
            comes_from[param.name] = name
        elif name in fields:
            ignored.append(name)
    roles = tuple(role_of(service, entry, name) or name for name in files)
    return Meant(entry, params, roles, tuple(ignored), comes_from)


def param_of(service: Service, entry: Entry, name: str) -> Param | None:
    """The entry's parameter for a field that a request calls `name`."""
    return next((found for each in service.fields.get(name, (name,)) if (found := entry.param(each)) is not None), None)


def role_of(service: Service, entry: Entry, name: str) -> str | None:
    """The entry's role for a file that a request calls `name`."""
    roles = {given.role for given in entry.inputs}
    return next((role for role in service.roles.get(name, (name,)) if role in roles), None)


def _names(service: Service, entry: Entry) -> set[str]:
    """What the entry goes by: its id, the provider's own names for it, and the name it shares with its variants."""
    names = {entry.id, entry.endpoint, *entry.aliases}
    names |= {own for key in ("model_name", "version") if isinstance(own := entry.options.get(key), str)}
    names.update(entry.id.removesuffix(ending) for ending in service.variants)
    return names


def _fits(service: Service, entry: Entry, job: Job, files: tuple[str, ...]) -> bool:
    if entry.makes != MAKES.get(job, entry.makes) or not entry.enabled or (job in FROM_FILES and not entry.inputs):
        return False
    roles = [role_of(service, entry, name) for name in files]
    return None not in roles and all(
        given.minimum <= roles.count(given.role) <= given.maximum for given in entry.inputs
    )


def _shaped(entry: Entry, service: Service, shape: Mapping[str, int]) -> dict[str, Any]:
    """Width and height as the entry takes them: exactly where they are within its limits, side by side, or as the
    shape that is these pixels, else the nearest one; nothing where it takes none."""
    exact = param_of(service, entry, WIDTH_HEIGHT)
    if exact is not None and exact.type == "size":
        within = all(exact.minimum <= side <= exact.maximum for side in shape.values())
        if within or entry.param("aspect_ratio") is None:
            return {exact.name: dict(shape)}
    if entry.param("width") is not None and entry.param("height") is not None:
        return dict(shape)
    param = entry.param("aspect_ratio")
    if param is None or param.type != "choice":
        return {}
    same = next((choice for choice in param.choices if choice.wire == dict(shape)), None)
    ratio = shape["width"] / shape["height"]
    shapes = [choice for choice in param.choices if choice.aspect]
    nearest = min(shapes, key=lambda choice: abs(math.log((choice.aspect or 1) / ratio)), default=None)
    chosen = same or nearest
    return {} if chosen is None else {param.name: chosen.value}


def _fitted(kind: str, value: Any) -> Any:
    """A value as the parameter's kind spells it: choices are text here, and numbers to many clients."""
    if kind == "choice" and isinstance(value, bool):
        return "on" if value else "off"
    if kind == "choice" and isinstance(value, int | float):
        return f"{value:g}"
    return value


def unknown_model_is_bad_request(error: NotFound) -> AppError:
    """The problem for an unknown model where the description asks for 400."""
    return AppError(error.code, error.detail, status=400, field="model_name", extras=error.extras)
