"""What a server says about its node classes (`GET /object_info/<class>`): inputs, limits, choices, outputs.

Source: `server.py` `node_info`. An input is `[TYPE, {…}]`; a choice is told in two ways, `[["a", "b"], {…}]` and
`["COMBO", {"options": ["a", "b"]}]`, and both are in use on one server.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

UPLOADS = ("image_upload", "video_upload", "audio_upload")


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input of a class. `choices` is None where anything of the type goes, and where the list is not told."""

    type: str
    required: bool
    choices: tuple[Any, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    multiline: bool = False
    uploads: str | None = None
    """`image`, `video` or `audio`, where the choice is a file the caller may bring."""


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node class."""

    inputs: Mapping[str, InputSpec]
    is_output: bool
    outputs: int
    """How many outputs it has."""


Specs = Mapping[str, NodeSpec | None]
"""By class name; None where the server does not know the class, absent where it was not asked."""


def read_spec(info: Any) -> NodeSpec | None:
    """One class out of the server's answer; None for what cannot be read, which is then not judged."""
    if not isinstance(info, Mapping) or not isinstance(info.get("input"), Mapping):
        return None
    inputs: dict[str, InputSpec] = {}
    for kind in ("optional", "required"):
        group = info["input"].get(kind)
        if isinstance(group, Mapping):
            inputs |= {str(key): _input(value, required=kind == "required") for key, value in group.items()}
    outputs = info.get("output")
    return NodeSpec(inputs, info.get("output_node") is True, len(outputs) if isinstance(outputs, list) else 0)


def _input(value: Any, *, required: bool) -> InputSpec:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return InputSpec("*", required)
    config = value[1] if len(value) > 1 and isinstance(value[1], Mapping) else {}
    uploads = next((name.removesuffix("_upload") for name in UPLOADS if config.get(name) is True), None)
    if isinstance(value[0], list):
        return InputSpec("COMBO", required, choices=tuple(value[0]), uploads=uploads)
    if value[0] == "COMBO":
        options = config.get("options")
        choices = tuple(options) if isinstance(options, list) else None
        return InputSpec("COMBO", required, choices=choices, uploads=uploads)
    return InputSpec(
        str(value[0]),
        required,
        minimum=_number(config.get("min")),
        maximum=_number(config.get("max")),
        step=_number(config.get("step")),
        multiline=config.get("multiline") is True,
    )


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
