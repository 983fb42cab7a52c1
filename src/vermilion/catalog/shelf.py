"""The shelf: every catalog entry, read once from TOML and checked to the last number.

A file describes one provider. Parameters and inputs shared by its models are defined once, and a model names them,
changing what differs:

    [provider]
    name = "acme"
    title = "Acme"
    endpoints_are_aliases = true

    [param.seed]
    type = "integer"
    …

    [[model]]
    id = "acme-one"
    params = ["seed", { use = "guidance_scale", default = 4.5 }]

Nothing unbounded is loaded: a mistake anywhere refuses the whole file, naming file, model and key.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError

from vermilion.catalog.choices import ChoiceParam, SizeParam
from vermilion.catalog.declared import UNNAMED, Declared, Name
from vermilion.catalog.entry import Entry
from vermilion.kit import NotFound

T = TypeVar("T", bound=Declared)

OWN_PREFIX = "own-"
"""How the ids of models begin that a house makes for itself; none on the shelf does, so they never meet."""

_SPEAKS_FOR_ITSELF = re.compile(r"^[0-9:.x×%]+$")
"""`16:9` and `1024x768` read the same in every language; any other choice needs its words."""


class CatalogBroken(Exception):
    """A catalog file that cannot be trusted; the message says where and why."""


class ProviderTitle(Declared):
    """The head of a catalog file."""

    name: Name
    title: Annotated[str, Field(min_length=1, max_length=80)]
    endpoints_are_aliases: bool = False
    """People may also ask for a model by the provider's own name for it."""
    words_carry_flags: bool = False
    """Its models read flags out of the words."""
    place: Annotated[int, Field(ge=0, le=1000)] = 100
    """Where its models stand among those of others: lower comes first."""


class Shelf:
    """All entries, by id and by alias; it never changes."""

    def __init__(self, entries: Iterable[Entry], providers: Iterable[ProviderTitle] = ()) -> None:
        self._entries = {entry.id: entry for entry in entries}
        self._titles = {provider.name: provider.title for provider in providers}
        self._by_alias = {alias: entry for entry in self._entries.values() for alias in entry.aliases}

    def entries(self) -> tuple[Entry, ...]:
        """Every entry, provider by provider."""
        return tuple(self._entries.values())

    def get(self, model: str) -> Entry | None:
        """The entry with this id or alias, or None."""
        return self._entries.get(model) or self._by_alias.get(model)

    def entry(self, model: str) -> Entry:
        """The entry with this id or alias; raises `NotFound` (`catalog.unknown_model`)."""
        found = self.get(model)
        if found is None:
            raise unknown_model(model)
        return found

    def providers(self) -> Mapping[str, str]:
        """Provider names that have models here, with their titles."""
        return dict(self._titles)


def unknown_model(model: str) -> NotFound:
    """What is answered about a model that is not there, or not for the asker to see."""
    return NotFound("catalog.unknown_model", f"There is no model {model[:80]!r}.", field="model")


def load_shelf(*sources: Traversable) -> Shelf:
    """Read the house's own entries, then every further TOML file given; raises `CatalogBroken`."""
    own = resources.files("vermilion.catalog") / "entries"
    files = sorted((file for file in own.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    read = [read_entries(file.name, file.read_text(encoding="utf-8")) for file in (*files, *sources)]
    read.sort(key=lambda each: each[0].place)
    entries = [entry for _, found in read for entry in found]
    check_names(entries)
    return Shelf(entries, [provider for provider, _ in read])


def read_entries(filename: str, text: str) -> tuple[ProviderTitle, list[Entry]]:
    """The provider and the entries of one catalog file; raises `CatalogBroken`."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogBroken(f"{filename}: {error}") from error
    if unknown := set(tables) - {"provider", "param", "input", "model"}:
        raise CatalogBroken(f"{filename}: unknown table {min(unknown)!r}")
    if "provider" not in tables or "model" not in tables:
        raise CatalogBroken(f"{filename}: needs a [provider] table and at least one [[model]]")
    provider = _parse(ProviderTitle, tables["provider"], f"{filename}: provider")
    shared = {
        "param": _Shared("param", "name", tables.get("param", {})),
        "input": _Shared("input", "role", tables.get("input", {})),
    }
    entries = [_entry(filename, provider, shared, model) for model in tables["model"]]
    for definitions in shared.values():
        if unused := set(definitions.tables) - definitions.used:
            raise CatalogBroken(f"{filename}: {definitions.kind}.{min(unused)} is defined and never used")
    return provider, entries


@dataclass
class _Shared:
    """The definitions of one kind that the models of a file share, and which of them were used."""

    kind: str
    named_by: str
    tables: Mapping[str, Any]
    used: set[str] = field(default_factory=set)

    def resolve(self, where: str, item: Any) -> dict[str, Any]:
        """A parameter or input as a model uses it: the shared definition, changed by what the model says."""
        changes = {"use": item} if isinstance(item, str) else item
        if not isinstance(changes, dict):
            raise CatalogBroken(f"{where}: {self.kind}s hold names or tables, not {item!r}")
        resolved = dict(changes)
        if "use" in changes:
            name = resolved.pop("use")
            if name not in self.tables:
                raise CatalogBroken(f"{where}: uses {self.kind} {name!r}, which is not defined in this file")
            self.used.add(name)
            resolved = {self.named_by: name, **self.tables[name], **resolved}
        if isinstance(resolved.get("choices"), list):
            resolved["choices"] = [_choice(choice) for choice in resolved["choices"]]
        return resolved


def _entry(filename: str, provider: ProviderTitle, shared: Mapping[str, _Shared], model: Any) -> Entry:
    if not isinstance(model, dict):
        raise CatalogBroken(f"{filename}: every model must be a table")
    where = f"{filename}: model {model.get('id', '?')}"
    table: dict[str, Any] = {
        "provider": provider.name,
        "words_carry_flags": provider.words_carry_flags,
        **model,
    }
    table["params"] = [shared["param"].resolve(where, item) for item in _list(where, model, "params")]
    table["inputs"] = [shared["input"].resolve(where, item) for item in _list(where, model, "inputs")]
    if provider.endpoints_are_aliases and "endpoint" in model:
        table["aliases"] = [model["endpoint"], *_list(where, model, "aliases")]
    entry = _parse(Entry, table, where)
    for path, words in all_words(entry):
        if words == UNNAMED:
            raise CatalogBroken(f"{where}: {path} has no words; it needs {{ en = …, zh = … }}")
    return entry


def _choice(choice: Any) -> Any:
    """A choice that reads the same everywhere needs no words of its own."""
    if not isinstance(choice, dict) or "label" in choice or not _SPEAKS_FOR_ITSELF.match(str(choice.get("value"))):
        return choice
    return choice | {"label": {"en": choice["value"], "zh": choice["value"]}}


def all_words(entry: Entry) -> Iterator[tuple[str, Any]]:
    """Every place of an entry that people read, with its words; `UNNAMED` where there are none."""
    yield "about", entry.about
    for param in entry.params:
        yield f"params.{param.name}.label", param.label
        if isinstance(param, ChoiceParam | SizeParam):
            for choice in param.choices:
                yield f"params.{param.name}.choices.{choice.value}.label", choice.label
    for given in entry.inputs:
        yield f"inputs.{given.role}.label", given.label
    for follow_up in entry.follow_ups:
        yield f"follow_ups.{follow_up.input_role}.label", follow_up.label


def check_names(entries: Iterable[Entry]) -> None:
    """Every id and alias names one model, and none begins like the house's own; raises `CatalogBroken`."""
    owners: dict[str, str] = {}
    for entry in entries:
        for name in (entry.id, *entry.aliases):
            if name.startswith(OWN_PREFIX):
                raise CatalogBroken(f"{name!r} begins like the models a house makes for itself; call it otherwise")
            if name in owners:
                raise CatalogBroken(f"{name!r} names two models: {owners[name]} and {entry.id}")
            owners[name] = entry.id


def _list(where: str, model: Mapping[str, Any], key: str) -> list[Any]:
    value = model.get(key, [])
    if not isinstance(value, list):
        raise CatalogBroken(f"{where}: {key} must be a list")
    return value


def _parse(model: type[T], table: Mapping[str, Any], where: str) -> T:
    try:
        # As JSON in strict mode: a number in quotes or a date is a mistake, not something to convert.
        return model.model_validate_json(json.dumps(table), strict=True)
    except (ValidationError, TypeError) as error:
        raise CatalogBroken(f"{where}: {_reasons(error)}") from error


def _reasons(error: ValidationError | TypeError) -> str:
    if isinstance(error, TypeError):
        return f"holds something that JSON cannot say ({error})"
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc']) or 'entry'}: {problem['msg'].removeprefix('Value error, ')}"
        for problem in error.errors()[:5]
    )
