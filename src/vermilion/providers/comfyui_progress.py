"""How far a running workflow is, from the events of its server; and the passing pictures among them.

ComfyUI tells each node's own progress. The whole is the share of the work that is done, where sampling counts for
most of it; what an event tells of the nodes before it (they must have ended) is used too, so that whoever listens
from the middle knows as much. Facts: `comfy_execution/progress.py`, `protocol.py`.
"""

import json
import struct
from collections.abc import Iterable, Mapping
from typing import Any

from vermilion.providers.comfyui_graph import Graph, Node, NoWorkflow, read_workflow
from vermilion.providers.contract import Preview

SAMPLER_WEIGHT = 30.0
UPSCALER_WEIGHT = 8.0
NODE_WEIGHT = 1.0
MOST_PERCENT = 99.0
"""The result still has to be fetched."""

_PREVIEW_IMAGE, _PREVIEW_WITH_METADATA = 1, 4
_FORMATS = {1: "image/jpeg", 2: "image/png"}
_METADATA_MAX_BYTES = 64 * 1024


class Progress:
    """One prompt's progress. `percent` never falls."""

    def __init__(self, prompt_id: str, workflow: Any, outputs: Iterable[str]) -> None:
        self.prompt_id = prompt_id
        self.started = False
        self.ended = False
        self.percent = 0.0
        try:
            self._graph = read_workflow(workflow)
        except NoWorkflow:
            self._graph = Graph({})
        reached = self._graph.upstream(outputs) or list(self._graph.nodes.values())
        self._weights = {node.id: _weight(node) for node in reached}
        self._cached: set[str] = set()
        self._finished: set[str] = set()
        self._shares: dict[str, float] = {}

    def hear(self, kind: str, data: Mapping[str, Any]) -> bool:
        """Take note of an event; whether anything moved. Events of other prompts are none of ours."""
        if data.get("prompt_id") not in (None, self.prompt_id):
            return False
        before = (self.started, self.ended, self.percent)
        match kind:
            case "execution_start":
                self.started = True
            case "execution_cached":
                self._cached |= _ids(data.get("nodes"))
            case "executing":
                self._executing(data)
            case "progress":
                self._share(data.get("node"), data.get("value"), data.get("max"))
            case "progress_state":
                self._states(data.get("nodes"))
            case "executed":
                self._finish(data.get("node"))
        self._count()
        return before != (self.started, self.ended, self.percent)

    def _executing(self, data: Mapping[str, Any]) -> None:
        node_id = data.get("node")
        if node_id is None:
            # The end of a prompt names it; without a name it is none.
            self.ended = data.get("prompt_id") == self.prompt_id
            return
        self.started = True
        self._finished |= {node.id for node in self._graph.upstream([str(node_id)])} - {str(node_id)}

    def _states(self, nodes: Any) -> None:
        for node_id, state in nodes.items() if isinstance(nodes, Mapping) else ():
            if not isinstance(state, Mapping):
                continue
            if state.get("state") == "finished":
                self._finish(node_id)
            elif state.get("state") == "running":
                self._share(node_id, state.get("value"), state.get("max"))

    def _share(self, node_id: Any, value: Any, most: Any) -> None:
        if isinstance(value, int | float) and isinstance(most, int | float) and most > 0:
            self.started = True
            # A node that only says that it runs tells 0 of 1, and its own steps afterwards.
            self._shares[str(node_id)] = max(self._shares.get(str(node_id), 0.0), min(1.0, max(0.0, value / most)))

    def _finish(self, node_id: Any) -> None:
        self._finished.add(str(node_id))

    def _count(self) -> None:
        to_do = {node_id: weight for node_id, weight in self._weights.items() if node_id not in self._cached}
        total = sum(to_do.values())
        if total <= 0:
            return
        done = sum(
            weight * (1.0 if node_id in self._finished else self._shares.get(node_id, 0.0))
            for node_id, weight in to_do.items()
        )
        self.percent = max(self.percent, min(MOST_PERCENT, round(100.0 * done / total, 1)))


def read_event(message: str) -> tuple[str, Mapping[str, Any]]:
    """A text frame's type and data; what is none has the type "" and is for nobody."""
    try:
        event = json.loads(message)
    except ValueError:
        return "", {}
    kind = event.get("type") if isinstance(event, dict) else None
    data = event.get("data") if isinstance(event, dict) else None
    return (kind if isinstance(kind, str) else ""), (data if isinstance(data, dict) else {})


def read_preview(frame: bytes, prompt_id: str) -> Preview | None:
    """The picture in a binary frame; None where there is none, or it is another prompt's."""
    if len(frame) <= 8:
        return None
    kind, second = struct.unpack(">II", frame[:8])
    if kind == _PREVIEW_IMAGE:
        return Preview(frame[8:], _FORMATS.get(second, "image/jpeg"))
    if kind != _PREVIEW_WITH_METADATA or second > _METADATA_MAX_BYTES:
        return None
    try:
        about = json.loads(frame[8 : 8 + second])
    except ValueError:
        return None
    if not isinstance(about, dict) or about.get("prompt_id") not in (None, prompt_id):
        return None
    picture = frame[8 + second :]
    return Preview(picture, str(about.get("image_type", "image/jpeg"))) if picture else None


def _weight(node: Node) -> float:
    works = any(True for _ in node.links())
    if "Sampler" in node.class_type and works:
        return SAMPLER_WEIGHT
    return UPSCALER_WEIGHT if "UpscaleWithModel" in node.class_type else NODE_WEIGHT


def _ids(nodes: Any) -> set[str]:
    return {str(node_id) for node_id in nodes} if isinstance(nodes, list) else set()
