"""Flags in the words: `a red fox --ar 16:9 --no snow --turbo` says what the form would say.

Where parameters have flags, they are read out of the prompt; what is left are the words alone. What was typed wins
over what the form says: the form always says something, whoever types means it.
"""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from vermilion.catalog.choices import ChoiceParam, SizeParam
from vermilion.catalog.declared import Refused
from vermilion.catalog.params import BooleanParam, IntegerParam, NumberParam, Param, StringParam, asks_several

_FLAG = re.compile(r"(?<!\S)(--|—{1,2}|－－)([A-Za-z][A-Za-z0-9_-]{0,39})(?!\S)")
"""Phones turn two hyphens into one dash, Chinese keyboards type one or two long or full-width ones; such a dash counts

only before a flag the model knows.
"""
_LEFT = re.compile(r"(?:(?P<flag>--|(?<![\w—])—+)|—)(?P<name>[A-Za-z][A-Za-z0-9_-]{0,39})")
"""What still looks like a flag, wherever it stands; a dash between two words is prose, unless the flag is known."""
_WHOLE = re.compile(r"[+-]?[0-9]{1,30}")
_NUMBER = re.compile(r"[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})")
_SIZE = re.compile(r"([0-9]{1,6})[x×:]([0-9]{1,6})")
_HALF_WIDTH = {code + 0xFEE0: code for code in range(0x21, 0x7F)}
"""Full-width digits and marks (U+FF01 to U+FF5E), as Chinese keyboards type them: `3：2`."""
_BEHIND = ",;、。"
"""What people put behind a value, and never is part of one."""


@dataclass(slots=True)
class Typed:
    """What a prompt says: its words, the parameters its flags stand for, and what is wrong (field and why).

    `said` is how it said each of them: `--ar 3:2`.
    """

    prompt: str
    params: dict[str, Any] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[str, Refused]] = field(default_factory=list)


def flags_of(params: Sequence[Param]) -> dict[str, tuple[Param, str | None]]:
    """Every flag of these parameters, with the value it stands for where it stands for one."""
    found: dict[str, tuple[Param, str | None]] = {}
    for param in params:
        found |= dict.fromkeys(param.flag, (param, None))
        if isinstance(param, ChoiceParam):
            found |= {choice.flag: (param, choice.value) for choice in param.choices if choice.flag is not None}
    return found


def read_flags(
    prompt: str,
    params: Sequence[Param],
    settled: Mapping[str, str],
    *,
    carried: bool = False,
    kept: Sequence[str] = (),
) -> Typed:
    """Read the flags out of a prompt; `settled` ones may be typed as they are, and are then dropped.

    `carried` says that the provider reads flags out of the words, too: then none may be left in them but those
    `kept`, however it is written, and no `{red, blue}`, which is several requests. Of other providers, a model
    without flags leaves every prompt as it is.
    """
    known = flags_of(params)
    if not known and not settled and not carried:
        return Typed(prompt)
    typed = _taken_out(prompt, known, settled, kept)
    # What is no flag of the model's was told already, where it stood by itself.
    told = any(refused.code == "unknown_flag" for _, refused in typed.problems)
    if carried and not told and (left := _left(typed.prompt, {*known, *settled, *kept}, kept)):
        typed.problems.append(("prompt", left))
    if carried and asks_several(typed.prompt):
        several = "asks for several at once, in {…, …}; a comma that is only a comma is written with a backslash before"
        typed.problems.append(("prompt", Refused("several", several)))
    return typed


def _left(words: str, known: AbstractSet[str], kept: Sequence[str]) -> Refused | None:
    """The first that the provider would still read as a flag."""
    for hit in _LEFT.finditer(words):
        name = hit["name"].lower()
        if name in kept and _FLAG.match(words, hit.start()) and hit["flag"] == "--":
            continue
        if hit["flag"] or name in known:
            glued = f"says --{name} where it cannot be read: write two hyphens and spaces around it, or leave it out"
            return Refused("unknown_flag", glued)
    return None


def _taken_out(
    prompt: str, known: Mapping[str, tuple[Param, str | None]], settled: Mapping[str, str], kept: Sequence[str]
) -> Typed:
    own = {*known, *settled}
    found = [hit for hit in _FLAG.finditer(prompt) if hit[2].lower() in own or hit[2].lower() not in kept]
    hits = [hit for hit in found if hit[1] == "--" or hit[2].lower() in own]
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
        value, rest = _parted(text)
        if value and not _same(value, settled[flag]):
            only = Refused("settled", f"says --{flag} {value[:40]}, and this model is --{flag} {settled[flag]}")
            typed.problems.append(("prompt", only))
        return rest
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
    typed.said[param.name] = f"--{flag} {value[:40]}".strip()
    return rest


def _parted(text: str) -> tuple[str, str]:
    """The value of a flag that takes one word, in ASCII, and the words behind it."""
    value, *rest = text.split(maxsplit=1) or [""]
    return value.translate(_HALF_WIDTH).rstrip(_BEHIND), "".join(rest)


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
