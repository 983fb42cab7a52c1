"""Whether a sandbox's ComfyUI takes a workflow: every node's inputs, and what is wrong with each, in its own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .comfyui_info import Generation, choices_of
from .comfyui_inputs import FOLDERS, Input
from .comfyui_node import NodeType
from .comfyui_nodes import NODES

_LISTED_MAX = 20
_TOO_DEEP = 500


@dataclass(slots=True)
class Verdict:
    """`outputs` are the output nodes that will run; with `error` nothing runs."""

    outputs: list[str] = field(default_factory=list)
    error: dict[str, Any] | None = None
    node_errors: dict[str, Any] = field(default_factory=dict)


def problem(kind: str, message: str, details: str = "", extra: dict[str, Any] | None = None) -> dict[str, Any]:
    """An error as ComfyUI writes one down."""
    return {"type": kind, "message": message, "details": details, "extra_info": extra or {}}


def judge(
    prompt: dict[str, Any], generation: Generation, uploaded: Sequence[str], targets: Any = None, *, bare: bool = False
) -> Verdict:
    """Whether and what of this workflow will run. `targets` are the outputs somebody restricts it to.

    A `bare` server has no model files.
    """
    wanted = {str(target) for target in targets} if isinstance(targets, list) else None
    outputs: list[str] = []
    for node_id, node in prompt.items():
        kind = node.get("class_type") if isinstance(node, dict) else None
        if not isinstance(kind, str) or kind not in NODES:
            return Verdict(error=_missing(node_id, node, kind, generation))
        if NODES[kind].output_node and (wanted is None or node_id in wanted):
            outputs.append(node_id)
    if not outputs:
        return Verdict(error=problem("prompt_no_outputs", "Prompt has no outputs"))
    judging = _Judging(prompt, uploaded, bare=bare)
    good = []
    for output in outputs:
        if judging.is_valid(output):
            good.append(output)
        for node_id in judging.on_the_way(output) & set(judging.node_errors):
            judging.node_errors[node_id]["dependent_outputs"].append(output)
    if good:
        return Verdict(good, None, judging.node_errors)
    said, message = "prompt_outputs_failed_validation", "Prompt outputs failed validation"
    if generation == "new":
        details = "\n".join(
            f"* {found['class_type']} {node_id}:\n"
            + "\n".join(f"  - {error['message']}: {error['details']}" for error in found["errors"])
            for node_id, found in judging.node_errors.items()
        )
        return Verdict([], problem(said, message, details), judging.node_errors)
    # Older servers tell there only what is wrong with the output nodes themselves, and of a circle nothing anywhere.
    told = {
        node_id: found
        for node_id, found in judging.node_errors.items()
        if all(error["type"] != "dependency_cycle" for error in found["errors"])
    }
    details = "\n".join(
        f"{error['message']}: {error['details']}"
        for found in told.values()
        if NODES[found["class_type"]].output_node
        for error in found["errors"]
    )
    return Verdict([], problem(said, message, details), told)


def _missing(node_id: str, node: Any, kind: Any, generation: Generation) -> dict[str, Any]:
    meta = node.get("_meta") if isinstance(node, dict) else None
    title = meta.get("title") if isinstance(meta, dict) else None
    name = title or kind
    known = isinstance(kind, str)
    message = f"Node '{name}' not found. The custom node may not be installed." if known else ""
    if generation == "old":
        what = f"Cannot execute because node {kind} does not exist." if known else ""
        return problem(
            "invalid_prompt",
            what or "Cannot execute because a node is missing the class_type property.",
            f"Node ID '#{node_id}'",
        )
    extra = {"node_id": node_id, "class_type": kind if known else None, "node_title": name}
    return problem(
        "missing_node_type",
        message or f"Node '{node_id}' has no class_type. The workflow may be corrupted.",
        f"Node ID '#{node_id}'",
        extra,
    )


class _Judging:
    """One workflow under judgement; each node is looked at once."""

    def __init__(self, prompt: dict[str, Any], uploaded: Sequence[str], *, bare: bool) -> None:
        self._bare = bare
        self.prompt = prompt
        self.node_errors: dict[str, Any] = {}
        self._uploaded = uploaded
        self._known: dict[str, bool] = {}
        self._path: list[str] = []
        self._asked_by: dict[str, Any] = {}

    def is_valid(self, node_id: str) -> bool:
        """Whether this node can run, and everything before it."""
        if node_id in self._known:
            return self._known[node_id]
        node = self.prompt[node_id]
        if node_id in self._path or len(self._path) > _TOO_DEEP:
            way = " -> ".join([*self._path, node_id])[:500]
            self._tell(node_id, problem("dependency_cycle", "Dependency cycle detected", way))
            return False
        self._path.append(node_id)
        inputs = node.get("inputs")
        given = inputs if isinstance(inputs, dict) else {}
        # Every input is looked at, also after one that is wrong.
        fine = [self._input(node_id, name, about, given) for name, about in NODES[node["class_type"]].inputs.items()]
        self._path.pop()
        self._known[node_id] = all(fine) and node_id not in self.node_errors
        return self._known[node_id]

    def on_the_way(self, output: str) -> set[str]:
        """The nodes an output is made from, itself among them."""
        seen: set[str] = set()
        left = [output]
        while left:
            node_id = left.pop()
            if node_id in seen or node_id not in self.prompt:
                continue
            seen.add(node_id)
            inputs = self.prompt[node_id].get("inputs")
            for value in inputs.values() if isinstance(inputs, dict) else ():
                if isinstance(value, list) and len(value) == 2:
                    left.append(str(value[0]))
        return seen

    def _input(self, node_id: str, name: str, about: Input, given: dict[str, Any]) -> bool:
        if name not in given:
            if not about.optional:
                self._tell(
                    node_id, problem("required_input_missing", "Required input is missing", name, {"input_name": name})
                )
            return about.optional
        value = given[name]
        extra = {"input_name": name, "input_config": _config(about), "received_value": value}
        if isinstance(value, dict) and set(value) == {"__value__"}:
            value = given[name] = value["__value__"]
        elif isinstance(value, list):
            return self._link(node_id, name, about, value, extra)
        wrong = self._literal(name, about, value, given, extra)
        if wrong is not None:
            self._tell(node_id, wrong)
        return wrong is None

    def _link(self, node_id: str, name: str, about: Input, value: list[Any], extra: dict[str, Any]) -> bool:
        if len(value) != 2:
            what = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            self._tell(node_id, problem("bad_linked_input", what, name, extra))
            return False
        source, index = str(value[0]), value[1]
        node = self.prompt.get(source)
        if node is None or not isinstance(index, int):
            return self._stumble(node_id, "KeyError", f"'{source}'")
        outputs = NODES[node["class_type"]].outputs
        if not -len(outputs) <= index < len(outputs):
            return self._stumble(node_id, "IndexError", "tuple index out of range")
        received = outputs[index]
        if received != about.type:
            details = f"{name}, received_type({received}) mismatch input_type({about.type})"
            extra |= {"received_type": received, "linked_node": value}
            del extra["received_value"]
            self._tell(
                node_id, problem("return_type_mismatch", "Return type mismatch between linked nodes", details, extra)
            )
            return False
        del extra["received_value"]
        self._asked_by[source] = {**extra, "linked_node": value}
        return self.is_valid(source)

    def _stumble(self, node_id: str, exception: str, words: str) -> bool:
        """The server's own code fails at this node; of an inner one it names the input that asked for it."""
        about: dict[str, Any] = {"exception_type": exception, "traceback": []}
        if node_id in self._asked_by:
            kind, message = "exception_during_inner_validation", "Exception when validating inner node"
            about |= {**self._asked_by[node_id], "exception_message": words}
        else:
            kind, message = "exception_during_validation", "Exception when validating node"
        self._tell(node_id, problem(kind, message, words, about))
        return False

    def _literal(
        self, name: str, about: Input, value: Any, given: dict[str, Any], extra: dict[str, Any]
    ) -> dict[str, Any] | None:
        converts = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}.get(about.type)
        if converts is not None:
            try:
                value = given[name] = converts(value)
            except (TypeError, ValueError, OverflowError) as error:
                message = f"Failed to convert an input value to a {about.type} value"
                told = {**extra, "exception_message": str(error)}
                return problem("invalid_input_type", message, f"{name}, {value}, {error}", told)
        low, high = about.options.get("min"), about.options.get("max")
        if low is not None and value < low:
            return problem("value_smaller_than_min", f"Value {value} smaller than min of {low}", name, extra)
        if high is not None and value > high:
            return problem("value_bigger_than_max", f"Value {value} bigger than max of {high}", name, extra)
        if about.type != "COMBO":
            return None
        empty = self._bare and about.choices in FOLDERS
        choices = [] if empty else choices_of(about, self._uploaded)
        if value in choices:
            return None
        if about.options.get("image_upload"):
            details = f"{name} - Invalid image file: {value}"
            # The node itself judges this one, and the server does not say what it was given.
            about_it = {"input_name": name}
            return problem("custom_validation_failed", "Custom validation failed for node", details, about_it)
        short = len(choices) <= _LISTED_MAX
        listed = str(choices) if short else f"(list of length {len(choices)})"
        extra["input_config"] = _config(about, choices) if short else None
        return problem("value_not_in_list", "Value not in list", f"{name}: '{value}' not in {listed}", extra)

    def _tell(self, node_id: str, error: dict[str, Any]) -> None:
        kind: NodeType = NODES[self.prompt[node_id]["class_type"]]
        found = self.node_errors.setdefault(node_id, {"errors": [], "dependent_outputs": [], "class_type": kind.name})
        found["errors"].append(error)


def _config(about: Input, choices: list[str] | None = None) -> list[Any]:
    first: Any = choices if choices is not None else about.type
    return [first, dict(about.options)]
