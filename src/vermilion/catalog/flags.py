"""Flags in the words: `a red fox --ar 16:9 --no snow --turbo` says what the form would say.

Where parameters have flags, they are read out of the prompt; what is left are the words alone. What was typed wins
over what the form says: the form always says something, whoever types means it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vermilion.catalog.choices import ChoiceParam, SizeParam
from vermilion.catalog.declared import Refused
from vermilion.catalog.params import BooleanParam, IntegerParam, NumberParam, Param, StringParam

_FLAG = re.compile(r"(?<!\S)(--|—)([A-Za-z][A-Za-z0-9_-]{0,39})(?!\S)")
"""Phones turn two hyphens into one dash; such a dash counts only before a flag the model knows."""
_WHOLE = re.compile(r"[+-]?[0-9]{1,30}")
_NUMBER = re.compile(r"[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})")
_SIZE = re.compile(r"([0-9]{1,6})[x×:]([0-9]{1,6})")


@dataclass(slots=True)
class Typed:
    """What a prompt says: its words, the parameters its flags stand for, and what is wrong (field and why)."""

    prompt: str
    params: dict[str, Any] = field(default_factory=dict)
    problems: list[tuple[str, Refused]] = field(default_factory=list)


def flags_of(params: Sequence[Param]) -> dict[str, tuple[Param, str | None]]:
    """Every flag of these parameters, with the value it stands for where it stands for one."""
    found: dict[str, tuple[Param, str | None]] = {}
    for param in params:
        found |= dict.fromkeys(param.flag, (param, None))
        if isinstance(param, ChoiceParam):
            found |= {choice.flag: (param, choice.value) for choice in param.choices if choice.flag is not None}
    return found


def read_flags(prompt: str, params: Sequence[Param], settled: Mapping[str, str]) -> Typed:
    """Read the flags out of a prompt; `settled` ones may be typed as they are, and are then dropped.

    A model without flags leaves every prompt as it is.
    """
    known = flags_of(params)
    if not known and not settled:
        return Typed(prompt)
    hits = [hit for hit in _FLAG.finditer(prompt) if hit[1] == "--" or hit[2].lower() in {*known, *settled}]
    if not hits:
        return Typed(prompt)
    ends = [*(hit.start() for hit in hits[1:]), len(prompt)]
    typed = Typed(prompt[: hits[0].start()].rstrip())
    for hit, end in zip(hits, ends, strict=True):
        rest = _take(typed, hit[2].lower(), prompt[hit.end() : end].strip(), known, settled)
        typed.prompt = f"{typed.prompt} {rest}".strip() if rest else typed.prompt
    return typed


def _take(
    typed: Typed, flag: str, text: str, known: Mapping[str, tuple[Param, str | None]], settled: Mapping[str, str]
) -> str:
    """Take one flag with the text behind it; what of that text is not its value."""
    if flag in settled:
        value, _, rest = text.partition(" ")
        if value and not _same(value, settled[flag]):
            only = Refused("settled", f"says --{flag} {value[:40]}, and this model is --{flag} {settled[flag]}")
            typed.problems.append(("prompt", only))
        return rest.strip()
    if flag not in known:
        typed.problems.append(("prompt", Refused("unknown_flag", f"says --{flag}, which this model does not take")))
        return ""
    param, value_of_flag = known[flag]
    if param.name in typed.params:
        twice = Refused("twice", f"is said twice in the words: --{flag} is the second time")
        typed.problems.append((f"params.{param.name}", twice))
    if value_of_flag is not None:
        typed.params[param.name] = value_of_flag
        return text
    if isinstance(param, BooleanParam):
        typed.params[param.name] = True
        return text
    value, rest = (text, "") if isinstance(param, StringParam) else _parted(text)
    if not value:
        alone = param.flag_alone if isinstance(param, StringParam) else None
        if alone is None:
            typed.problems.append((f"params.{param.name}", Refused("required", f"needs a value behind --{flag}")))
        value = alone or ""
    typed.params[param.name] = _read(param, value) if value else None
    return rest


def _parted(text: str) -> tuple[str, str]:
    value, _, rest = text.partition(" ")
    return value, rest.strip()


def _read(param: Param, value: str) -> Any:
    """The value as JSON would say it; what cannot be read is left for the parameter to refuse."""
    if isinstance(param, IntegerParam) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(param, NumberParam) and _NUMBER.fullmatch(value):
        return float(value)
    if isinstance(param, ChoiceParam):
        return next((choice.value for choice in param.choices if _same(choice.value, value)), value)
    if isinstance(param, SizeParam) and (sides := _SIZE.fullmatch(value)):
        presets = {choice.value for choice in param.choices}
        return value if value in presets else {"width": int(sides[1]), "height": int(sides[2])}
    return value


def _same(one: str, other: str) -> bool:
    """Whether two values are written alike, or are the same number: `.5` is `0.5`."""
    if one.casefold() == other.casefold():
        return True
    return bool(_NUMBER.fullmatch(one) and _NUMBER.fullmatch(other)) and float(one) == float(other)
