"""`python -m vermilion.catalog.provider_page [FILE]`: what each provider can do, as a page, from the code itself."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, get_args

from vermilion.catalog.credential_fields import is_address
from vermilion.catalog.entry import Entry
from vermilion.catalog.shelf import Shelf, load_shelf
from vermilion.kit import write_out
from vermilion.providers import Ambiguity, CredentialField, Makes, PowerName, Provider, adapters, has_power

_POWERS: Final[dict[PowerName, str]] = {
    "probe": "a connection test that costs nothing",
    "cancel": "a job that runs or waits can be stopped",
    "check_many": "many jobs are asked about in one question",
    "listen": "progress is announced instead of asked for",
    "read_callback": "reports by itself that a job has ended, which is verified and then asked about",
    "find": "a job whose receipt was lost can be looked up",
    "propose": "makes a model of a document of its own",
}

_LOST: Final[dict[Ambiguity, str]] = {
    Ambiguity.IDEMPOTENCY_KEY: "sent again under the same key: the provider makes one job of the two",
    Ambiguity.FIND_BY_REFERENCE: "looked up by our reference",
    Ambiguity.LIST_RECENT: "recognised among the recent jobs",
    Ambiguity.NONE: "kept as `uncertain`, its credits held until a callback or an admin tells, at most a day",
}


def described(shelf: Shelf) -> str:
    """The page, in Markdown: the same for the same code."""
    return "\n".join([*_overview(shelf), *(line for name in adapters() for line in _provider(shelf, name))]) + "\n"


def _overview(shelf: Shelf) -> Iterator[str]:
    yield "# Providers"
    yield ""
    yield "Made from the code by `make providers`; [adding-a-provider.md](adding-a-provider.md) adds one."
    yield ""
    rows = []
    for name, adapter in adapters().items():
        entries = _models_of(shelf, name)
        powers = ["yes" if has_power(name, power) else "" for power in _POWERS]
        link = f"[{_cell(adapter.title)}](#{_anchor(adapter.title)})"
        rows.append([link, ", ".join(_kinds(entries)) or "–", str(len(entries)), *powers, _LOST[adapter.ambiguity]])
    names = [f"`{power}`" for power in _POWERS]
    yield from _table(["provider", "makes", "models", *names, "a submit whose answer was lost is"], rows)
    yield ""
    for power, words in _POWERS.items():
        yield f"- `{power}`: {words}"


def _provider(shelf: Shelf, name: str) -> Iterator[str]:
    adapter, entries = adapters()[name], _models_of(shelf, name)
    yield ""
    yield f"## {adapter.title}"
    yield ""
    yield f"Provider `{name}`; {adapter.max_concurrent_default} jobs at once unless the operator says otherwise."
    powers = [f"`{power}`" for power in _POWERS if has_power(name, power)]
    yield f"Powers: {', '.join(powers) or 'none'}. A submit whose answer was lost is {_LOST[adapter.ambiguity]}."
    yield ""
    yield from _fields(adapter)
    if entries:
        yield ""
        yield from _table(
            ["model", "name", "makes", "price", "takes", "typical"],
            [_model(entry) for entry in entries],
        )


def _fields(adapter: type[Provider]) -> Iterator[str]:
    rows = []
    for field in adapter.credential_fields:
        default = f"`{_cell(field.default)}`" if field.default else "" if field.required else "may be empty"
        words = [field.help.en] if field.help else []
        if field.choices:
            words.append(f"One of {', '.join(f'`{choice.value}`' for choice in field.choices)}.")
        rows.append([f"`{field.name}`", _cell(field.label.en), _kind(field), default, _cell(" ".join(words))])
    yield from _table(["credential field", "label", "kind", "default", ""], rows)


def _kind(field: CredentialField) -> str:
    if field.secret:
        return "secret"
    if is_address(field.name):
        return "address"
    return "choice" if field.choices else "text"


def _model(entry: Entry) -> list[str]:
    takes = ["words" if entry.prompt.required else "words, if wanted"] if entry.prompt else []
    for given in entry.inputs:
        count = str(given.maximum) if given.minimum == given.maximum else f"{given.minimum}–{given.maximum}"
        takes.append(f"{count} {given.role}")
    name = entry.name.en if entry.enabled else f"{entry.name.en} (off unless switched on)"
    least, most = entry.price_range()
    price = str(least) if least == most else f"{least}–{most}"
    return [
        f"`{entry.id}`",
        _cell(name),
        entry.makes,
        f"{price} credits",
        _cell(", ".join(takes)),
        f"{entry.typical_seconds} s",
    ]


def _models_of(shelf: Shelf, provider: str) -> list[Entry]:
    return [entry for entry in shelf.entries() if entry.provider == provider]


def _kinds(entries: Iterable[Entry]) -> list[str]:
    made = Counter(entry.makes for entry in entries)
    return [f"{kind} ({made[kind]})" for kind in get_args(Makes) if made[kind]]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("\n", " ")


def _anchor(title: str) -> str:
    """The fragment a heading is reached by, as the common renderers of Markdown make it."""
    kept = (letter if letter.isalnum() or letter in "-_" else "-" if letter == " " else "" for letter in title.lower())
    return "".join(kept)


if __name__ == "__main__":
    write_out(described(load_shelf()))
