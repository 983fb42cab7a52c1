"""What a sandbox's ComfyUI tells of itself: its nodes, its files, its machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from .comfyui_inputs import FOLDERS, UPLOADED, Input
from .comfyui_node import NodeType
from .comfyui_nodes import NODES

Generation = Literal["new", "old"]

VERSIONS: dict[Generation, str] = {"new": "0.38.1", "old": "0.3.64"}
_GIB = 2**30
MAX_UPLOAD_BYTES = 104_857_600


def choices_of(given: Input, uploaded: Sequence[str]) -> list[str]:
    """What may be chosen now."""
    if isinstance(given.choices, tuple):
        return list(given.choices)
    return sorted(uploaded) if given.choices == UPLOADED else list(FOLDERS[given.choices])


def node_info(node: NodeType, generation: Generation, uploaded: Sequence[str]) -> dict[str, Any]:
    """One node as `/object_info` tells it."""
    told: dict[str, dict[str, Any]] = {"required": {}, "optional": {}}
    for name, given in node.inputs.items():
        told["optional" if given.optional else "required"][name] = _input_info(
            given, uploaded, modern=node.modern and generation == "new"
        )
    order = {part: list(inputs) for part, inputs in told.items() if inputs}
    about: dict[str, Any] = {
        "input": {part: inputs for part, inputs in told.items() if inputs},
        "input_order": order,
        "output": list(node.outputs),
        "output_is_list": [False] * len(node.outputs),
        "output_name": list(node.outputs),
        "name": node.name,
        "display_name": node.title,
        "description": "",
        "python_module": node.module,
        "category": node.category,
        "output_node": node.output_node,
    }
    if node.output_node:
        about["input"]["hidden"] = {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"}
    return about


def object_info(generation: Generation, uploaded: Sequence[str]) -> dict[str, Any]:
    """All of them."""
    return {name: node_info(node, generation, uploaded) for name, node in NODES.items()}


def _input_info(given: Input, uploaded: Sequence[str], *, modern: bool) -> list[Any]:
    options = dict(given.options)
    if given.type == "COMBO":
        choices = choices_of(given, uploaded)
        return ["COMBO", {**options, "options": choices}] if modern else [choices, options]
    return [given.type, options] if options else [given.type]


def system_stats(generation: Generation, *, loaded: bool) -> dict[str, Any]:
    """The machine, as `/system_stats` tells it; `loaded` says whether a model lies in the card's memory."""
    free = (24 - (6 if loaded else 1)) * _GIB
    argv = ["main.py", "--listen", *(["--preview-method", "auto"] if generation == "old" else [])]
    return {
        "system": {
            "os": "posix",
            "ram_total": 64 * _GIB,
            "ram_free": 40 * _GIB,
            "comfyui_version": VERSIONS[generation],
            "python_version": "3.12.3 (main) [GCC 13.2.0]",
            "pytorch_version": "2.8.0+cu128",
            "embedded_python": False,
            "argv": argv,
        },
        "devices": [
            {
                "name": "cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync",
                "type": "cuda",
                "index": 0,
                "vram_total": 24 * _GIB,
                "vram_free": free,
                "torch_vram_total": 6 * _GIB if loaded else 0,
                "torch_vram_free": _GIB if loaded else 0,
            }
        ],
    }


def features() -> dict[str, Any]:
    """The server's feature flags."""
    return {"supports_preview_metadata": True, "max_upload_size": MAX_UPLOAD_BYTES}
