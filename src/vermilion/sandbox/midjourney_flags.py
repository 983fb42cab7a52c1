"""Midjourney's flags in a prompt: what they say, and which of them Midjourney refuses once it reads them.

Facts: the proxies' own parser of prompts, and a guide to the versions' parameters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .faults import without_markers

_FLAG = re.compile(r"(?<!\S)(?:--|—)([a-z]+)(?!\S)", re.IGNORECASE)
_LONG = {
    "v": "version", "ar": "aspect", "c": "chaos", "s": "stylize", "w": "weird", "q": "quality", "p": "profile",
    "r": "repeat",
}  # fmt: skip
_RANGES: dict[str, tuple[float, float]] = {
    "chaos": (0, 100), "stylize": (0, 1000), "weird": (0, 3000), "seed": (0, 4_294_967_295), "stop": (10, 100),
    "iw": (0, 3), "sw": (0, 1000), "cw": (0, 100), "ow": (0, 1000), "exp": (0, 100), "sv": (1, 6), "repeat": (1, 40),
    "zoom": (1, 2),
}  # fmt: skip
_VERSIONS = {"1", "2", "3", "4", "5", "5.1", "5.2", "6", "6.1", "7", "8.1"}
_NIJIS = {"4", "5", "6", "7"}
_OTHERS = {
    "version", "niji", "aspect", "quality", "no", "tile", "sref", "cref", "oref", "style", "raw", "profile", "draft",
    "fast", "relax", "turbo", "stealth", "public", "video", "motion", "loop", "end", "bs", "dref",
}  # fmt: skip
_STYLES = {"raw", "4a", "4b", "4c", "cute", "scenic", "expressive", "original"}
_NOT_BEFORE = {"sref": 6.0, "oref": 7.0, "weird": 5.2, "draft": 7.0, "exp": 7.0, "raw": 5.1, "sv": 7.0}
_NOT_IN_8 = {"quality", "tile", "weird", "draft", "exp", "sv", "stop", "cref"}
_TOGETHER = {"sw": "sref", "sv": "sref", "cw": "cref", "ow": "oref"}


@dataclass(frozen=True, slots=True)
class Spoken:
    """A prompt taken apart: its words, its flags by their long names, and the model they choose."""

    words: str
    flags: dict[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """`7`, `6.1`, `niji-6`; the newest where nothing that exists is said."""
        niji, version = self.flags.get("niji"), self.flags.get("version")
        if niji is not None:
            return f"niji-{niji if niji in _NIJIS else 7}"
        return version if version in _VERSIONS else "8.1"

    @property
    def aspect(self) -> tuple[int, int]:
        """Width and height in proportion."""
        found = re.fullmatch(r"([1-9][0-9]{0,3}):([1-9][0-9]{0,3})", self.flags.get("aspect", "1:1"))
        return (int(found[1]), int(found[2])) if found else (1, 1)

    @property
    def speed(self) -> str | None:
        """The speed the flags ask for."""
        return next((speed for speed in ("turbo", "fast", "relax") if speed in self.flags), None)


def take_apart(prompt: str) -> Spoken:
    """Words before the first flag, and every flag with what stands behind it."""
    prompt = without_markers(prompt)
    hits = list(_FLAG.finditer(prompt))
    if not hits:
        return Spoken(prompt.strip())
    ends = [*(hit.start() for hit in hits[1:]), len(prompt)]
    flags = {}
    for hit, end in zip(hits, ends, strict=True):
        name = hit[1].lower()
        flags[_LONG.get(name, name)] = prompt[hit.end() : end].strip()
    return Spoken(prompt[: hits[0].start()].strip(), flags)


def problem_of(spoken: Spoken, *, pictures: int) -> str | None:
    """What Midjourney says of a prompt it does not take, as a failure's text; None when it takes it."""
    for name, value in spoken.flags.items():
        wrong = _wrong(spoken, name, value, pictures)
        if wrong:
            return f"[Invalid parameter] {wrong}"
    return None


def _wrong(spoken: Spoken, name: str, value: str, pictures: int) -> str | None:
    if name not in _RANGES and name not in _OTHERS:
        return f"Unrecognized parameter(s): `--{name}`"
    if name in _RANGES:
        low, high = _RANGES[name]
        if not re.fullmatch(r"[0-9]*\.?[0-9]+", value) or not low <= float(value) <= high:
            return f"Invalid value for `--{name}`: {value or 'nothing'}"
    if (name == "version" and value not in _VERSIONS) or (name == "niji" and value not in _NIJIS):
        return f"Invalid value provided for argument `--{name}`: {value}"
    if name == "aspect" and not re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", value):
        return f"Invalid value provided for argument `--ar`: {value}"
    if name == "style" and value not in _STYLES:
        return f"Invalid value provided for argument `--style`: {value}"
    if name in _TOGETHER and _TOGETHER[name] not in spoken.flags:
        return f"`--{name}` needs `--{_TOGETHER[name]}`"
    if name == "iw" and not pictures and not spoken.words.startswith("http"):
        return "`--iw` needs an image prompt"
    return _not_of_this_version(spoken, name, value)


def _not_of_this_version(spoken: Spoken, name: str, value: str) -> str | None:
    number = float(spoken.version.removeprefix("niji-"))
    is_niji = "niji" in spoken.flags
    if "niji" in spoken.flags and "version" in spoken.flags:
        return "`--niji` and `--version` exclude each other"
    oldest = 6.0 if name == "weird" and is_niji else _NOT_BEFORE.get(name, 0.0)
    too_new = number >= 8 and name in _NOT_IN_8
    gone = name == "cref" and number >= 7
    dear = name == "quality" and value not in (
        {"1", "2", "4"} if number == 7 else {".25", ".5", "1", "2", "0.25", "0.5"}
    )
    if number < oldest or too_new or gone or dear:
        return f"`--{name}` is not compatible with `--{'niji' if is_niji else 'version'} {number:g}`"
    return None
