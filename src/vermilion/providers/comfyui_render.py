"""A workflow with its slots filled: the document that is sent for one attempt.

`options["workflow"]` is the workflow itself, or the id of a ready-made one; `options["slots"]` say where values go:
`{"name", "node_ids", "key"}`. A name is `prompt`, a parameter's wire name (`size.width` for a member of a value that
is an object), or an input's role. A slot without a value keeps what the workflow says.
"""

import copy
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vermilion.providers.comfyui_templates import TEMPLATES
from vermilion.providers.contract import Call, JsonObject
from vermilion.providers.errors import NotInstalled

SIDE_STEP_PX = 8
SIDE_MIN_PX = 16
SEED_MAX = 2**53 - 1
"""What ComfyUI takes goes further; beyond this JSON readers disagree about which number is meant."""

FOLDER = "vermilion"
"""Results and inputs lie in a folder of their own at the server."""

_SEED_KEYS = frozenset({"seed", "noise_seed"})
_SIDE_KEYS = frozenset({"width", "height"})
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class Rendered:
    """What is sent; `filled` are the inputs (node id, key) that carry the person's own values."""

    workflow: dict[str, Any]
    filled: frozenset[tuple[str, str]] = frozenset()
    seed: int | None = None


def render(
    call: Call,
    files: Mapping[str, Sequence[str]],
    attempt: str,
    draw_seed: Callable[[], int] = lambda: secrets.randbelow(SEED_MAX + 1),
) -> Rendered:
    """The workflow for this call. `files` are the uploaded files' names at the server, by role.

    Each attempt saves under names of its own: with an equal graph the server would answer with the last one's file.
    Raises `NotInstalled` where the catalog entry does not fit together.
    """
    workflow = _workflow_of(call.options)
    values = _values_of(call)
    filled: set[tuple[str, str]] = set()
    drawn = draw_seed()
    seed: int | None = None
    for slot in _slots_of(call.options):
        name, key = slot["name"], slot["key"]
        for place, node_id in enumerate(slot["node_ids"]):
            inputs = _inputs_of(workflow, node_id, name)
            if name in files:
                # One file for all of the slot's nodes, or several one after another.
                inputs[key] = files[name][min(place, len(files[name]) - 1)]
            elif name in values:
                inputs[key] = _fitting(key, values[name])
            elif key in _SEED_KEYS:
                inputs[key] = drawn
            else:
                continue
            filled.add((node_id, key))
            if key in _SEED_KEYS and seed is None and isinstance(inputs[key], int):
                seed = inputs[key]
    for node_id, node in workflow.items():
        inputs = node["inputs"]
        if isinstance(inputs.get("filename_prefix"), str):
            inputs["filename_prefix"] = f"{FOLDER}/{attempt}/{_NOT_IN_NAMES.sub('_', node_id)}"
    return Rendered(workflow, frozenset(filled), seed)


def title_of(workflow: JsonObject, node_id: str) -> str:
    """What people call a node: its title, or else its class."""
    node = workflow.get(node_id)
    if not isinstance(node, Mapping):
        return f"node {node_id}"
    meta = node.get("_meta")
    title = meta.get("title") if isinstance(meta, Mapping) else None
    return str(title or node.get("class_type") or f"node {node_id}")[:80]


def _workflow_of(options: JsonObject) -> dict[str, Any]:
    given = options.get("workflow")
    if isinstance(given, str):
        given = next((template.document for template in TEMPLATES if template.id == given), None)
    if not isinstance(given, Mapping) or not given:
        raise NotInstalled("The catalog entry of this model has no workflow.")
    workflow = copy.deepcopy(dict(given))
    for node_id, node in workflow.items():
        if not isinstance(node, dict) or not isinstance(node.setdefault("inputs", {}), dict):
            raise NotInstalled(f"Node {node_id} of this model's workflow is no node.")
    return workflow


def _slots_of(options: JsonObject) -> list[dict[str, Any]]:
    slots = options.get("slots", [])
    if not isinstance(slots, list) or not all(
        isinstance(slot, dict)
        and isinstance(slot.get("name"), str)
        and isinstance(slot.get("key"), str)
        and isinstance(slot.get("node_ids"), list)
        for slot in slots
    ):
        raise NotInstalled("The slots of this model's workflow are not {name, node_ids, key}.")
    return slots


def _values_of(call: Call) -> dict[str, Any]:
    values: dict[str, Any] = {"prompt": call.prompt} if call.prompt else {}
    for name, value in call.params.items():
        values[name] = value
        if isinstance(value, Mapping):
            values |= {f"{name}.{member}": inner for member, inner in value.items()}
    return values


def _inputs_of(workflow: dict[str, Any], node_id: Any, slot: str) -> dict[str, Any]:
    node = workflow.get(str(node_id))
    if node is None:
        raise NotInstalled(f"The slot {slot} points to node {node_id}, which is not in this model's workflow.")
    inputs: dict[str, Any] = node["inputs"]
    return inputs


def _fitting(key: str, value: Any) -> Any:
    """A value as an input takes it: sides in eights, and no list that would be read as a link."""
    if key in _SIDE_KEYS and isinstance(value, int | float) and value > 0:
        return max(SIDE_MIN_PX, round(value / SIDE_STEP_PX) * SIDE_STEP_PX)
    return {"__value__": value} if isinstance(value, list) else value
