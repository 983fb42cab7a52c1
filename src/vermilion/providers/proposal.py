"""A vendor's own document made into a catalog entry: the optional powers `propose` and `check_options`, and templates.

Some vendors run what the operator brings (a graph, a script, a preset). An adapter that can read such a document has

    propose(document, settings) -> Proposal     read it, ask the vendor whether it can run there, propose an entry
    check_options(options) -> findings          whether an entry's `options` hold together; a plain function
    templates                                   a class attribute: ready-made documents to begin with

What is proposed are the same tables a catalog file has, so that whoever stores them needs no word of the vendor's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from vermilion.providers.contract import JsonObject, Provider
from vermilion.providers.credential import LocalText


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know or to mend about a document.

    `where` is the part of it, as the vendor's own editor calls it; `blocks` says that a request would fail as it is;
    `setting` names the parameter whose value would mend it.
    """

    message: LocalText
    where: str | None = None
    setting: str | None = None
    blocks: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a document could be as a catalog entry.

    `entry` holds the tables of an entry as a catalog file would (`makes`, `endpoint`, `prompt`, `params`, `inputs`,
    `outputs`, `options`, …) without id, name and price; None where nothing can be made of the document. `spare` are
    further parameters that could be opened to people, in the same form; `options` already knows them all. `checked`
    says that the vendor was asked.
    """

    entry: JsonObject | None
    spare: tuple[JsonObject, ...] = ()
    findings: tuple[Finding, ...] = ()
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """A ready-made document of the vendor's."""

    id: str
    title: LocalText
    about: LocalText
    document: JsonObject


class CanPropose(Protocol):
    """An adapter with the power `propose`."""

    async def propose(self, document: JsonObject, settings: JsonObject) -> Proposal:
        """Read the document, or the `options` of an entry made of one.

        `settings` are values by parameter name to be written into it first. Never raises for what is wrong with the
        document: that is told in findings.
        """
        ...


def templates_of(adapter: type[Provider]) -> tuple[Template, ...]:
    """The ready-made documents an adapter offers."""
    return cast(tuple[Template, ...], getattr(adapter, "templates", ()))


def findings_in(adapter: type[Provider], options: JsonObject) -> Sequence[Finding]:
    """What is wrong with an entry's options in the eyes of its adapter; nothing where it has no opinion."""
    check = cast(Callable[[JsonObject], Sequence[Finding]] | None, getattr(adapter, "check_options", None))
    return () if check is None else check(options)
