"""From a workflow to a catalog entry: read it, ask the server about its nodes, propose the tables.

What people may set becomes parameters, and each has slots in `options`: where in the workflow its value goes. A slot
whose name has no value leaves what the workflow says. A size is one parameter with two slots, `size.width` and
`size.height`.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from vermilion.providers.comfyui_check import check_workflow
from vermilion.providers.comfyui_files import MASK
from vermilion.providers.comfyui_graph import Graph, NoWorkflow, Place, read_workflow
from vermilion.providers.comfyui_media import Brought
from vermilion.providers.comfyui_specs import NodeSpec, Specs, read_spec
from vermilion.providers.comfyui_tables import SPARE_MAX, Parameter, parameters
from vermilion.providers.comfyui_templates import spelled_out
from vermilion.providers.comfyui_workflow import Anatomy, dissect
from vermilion.providers.contract import JsonObject
from vermilion.providers.credential import LocalText
from vermilion.providers.errors import ProviderError
from vermilion.providers.proposal import Finding, Proposal

PROMPT_CHARS_MAX = 5000
FILE_BYTES_MAX = {"image": 20 * 2**20, "video": 200 * 2**20, "audio": 50 * 2**20}
CONTENT_TYPES = {
    "image": ["image/png", "image/jpeg", "image/webp"],
    "video": ["video/mp4"],
    "audio": ["audio/mpeg", "audio/wav"],
}
SECONDS = {"image": (30, 1800), "video": (240, 7200), "audio": (60, 1800)}
"""How long it usually takes and how long it may, including the line at the server; the admin knows better."""

_QUESTIONS_AT_ONCE = 4
_ROLE_WORDS = {
    "image": ("Picture", "图片"),
    "mask": ("Mask", "蒙版"),
    "first_frame": ("First frame", "首帧"),
    "last_frame": ("Last frame", "尾帧"),
    "video": ("Video", "视频"),
    "audio": ("Sound", "音频"),
}

Ask = Callable[[str], Awaitable[Any]]
"""What the server says about one node class: the body of `GET /object_info/<class>`, raising `ProviderError`."""


async def propose_entry(document: JsonObject, settings: JsonObject, ask: Ask) -> Proposal:
    """Propose an entry of a workflow. A server that does not answer leaves it unchecked, and says so."""
    try:
        graph = read_workflow(spelled_out(document))
    except NoWorkflow as problem:
        return Proposal(None, findings=(problem.finding,))
    findings: list[Finding] = []
    specs: Specs = {}
    try:
        specs = await _ask_all(graph, ask)
    except ProviderError as error:
        findings.append(
            Finding(
                LocalText(
                    f"The server could not be asked whether it can run this: {error.message}",
                    f"无法向服务器确认它能否运行这个工作流：{error.message}",
                )
            )
        )
    anatomy = dissect(graph, specs)
    found = parameters(anatomy, specs)
    if settings:
        graph = _with(graph, found, settings)
        anatomy = dissect(graph, specs)
        found = parameters(anatomy, specs)
    names = {(place.node.id, place.key): each.name for each in found for place in each.setting.places}
    findings += anatomy.findings
    findings += check_workflow(graph, anatomy.reached, specs, names)
    usable = [each for each in found if each.table is not None]
    shown = [each for each in usable if each.setting.shown and _can_be_left_alone(each)]
    spare = [each for each in usable if each not in shown][:SPARE_MAX]
    asks = anatomy.prompt or any(given.required for given in anatomy.brought)
    entry = _entry(graph, anatomy, shown, [*shown, *spare]) if asks else None
    return Proposal(entry, tuple(each.table for each in spare if each.table), tuple(findings), bool(specs))


def classes_of(graph: Graph) -> list[str]:
    """The node classes a workflow is made of."""
    return sorted({node.class_type for node in graph.nodes.values()})


async def _ask_all(graph: Graph, ask: Ask) -> Specs:
    specs: dict[str, NodeSpec | None] = {}
    turn = asyncio.Semaphore(_QUESTIONS_AT_ONCE)

    async def one(name: str) -> None:
        async with turn:
            answer = await ask(name)
        if not isinstance(answer, Mapping) or name not in answer:
            specs[name] = None
        elif (spec := read_spec(answer[name])) is not None:
            specs[name] = spec

    try:
        async with asyncio.TaskGroup() as group:
            for name in classes_of(graph):
                group.create_task(one(name))
    except ExceptionGroup as several:
        told, others = several.split(ProviderError)
        if told is None or others is not None:
            raise
        raise _first(told) from several
    return specs


def _first(group: ExceptionGroup[ProviderError]) -> ProviderError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first


def _can_be_left_alone(parameter: Parameter) -> bool:
    """Not so a choice without a default: its value in the workflow is one the server does not have."""
    table = parameter.table or {}
    return table["type"] != "choice" or "default" in table


def _with(graph: Graph, found: list[Parameter], settings: JsonObject) -> Graph:
    """The workflow with these values written into it."""
    inputs = {node.id: dict(node.inputs) for node in graph.nodes.values()}
    for each in found:
        if each.name not in settings or each.table is None:
            continue
        value = settings[each.name]
        for choice in each.table.get("choices", ()):
            if choice["value"] == value:
                value = choice.get("wire", value)
        for place in each.setting.places:
            part = value.get(place.part) if isinstance(value, Mapping) else value
            if isinstance(part, str | int | float):
                inputs[place.node.id][place.key] = part
    return Graph({node.id: dataclasses.replace(node, inputs=inputs[node.id]) for node in graph.nodes.values()})


def _entry(graph: Graph, anatomy: Anatomy, shown: list[Parameter], known: list[Parameter]) -> dict[str, Any]:
    many = next((each for each in shown if each.setting.kind == "num_images"), None)
    batch = next((each.setting.value for each in known if each.setting.kind == "num_images"), 1)
    typical, deadline = SECONDS[anatomy.makes]
    outputs = {"outputs_param": many.name} if many else {"outputs": min(100, anatomy.saved * max(1, batch))}
    return {
        "endpoint": "workflow",
        "makes": anatomy.makes,
        **({"prompt": {"required": True, "max_chars": PROMPT_CHARS_MAX}} if anatomy.prompt else {}),
        "params": [each.table for each in shown],
        "inputs": [_input(given) for given in anatomy.brought],
        **outputs,
        "typical_seconds": typical,
        "deadline_seconds": deadline,
        "options": {"workflow": _as_json(graph), "slots": _slots(anatomy, known)},
    }


def _input(given: Brought) -> dict[str, Any]:
    en, zh = _ROLE_WORDS[given.role.rstrip("_0123456789")]
    if given.role[-1].isdigit():
        # Of several, only their titles in the workflow say which is which.
        en, zh = f"{en} · {given.node.title}", f"{zh} · {given.node.title}"
    return {
        "role": given.role,
        "label": {"en": en, "zh": zh},
        "minimum": 1 if given.required else 0,
        "maximum": 1,
        "content_types": CONTENT_TYPES[given.media],
        "max_bytes": FILE_BYTES_MAX[given.media],
        "wire": given.role,
        **({"mask": {"reads": "either"}} if given.role == MASK else {}),
    }


def _slots(anatomy: Anatomy, known: list[Parameter]) -> list[dict[str, Any]]:
    slots = _grouped("prompt", anatomy.prompt)
    for given in anatomy.brought:
        slots.append({"name": given.role, "node_ids": [given.node.id], "key": given.key})
    for each in known:
        for part in dict.fromkeys(place.part for place in each.setting.places):
            name = f"{each.name}.{part}" if part else each.name
            slots += _grouped(name, [place for place in each.setting.places if place.part == part])
    return slots


def _grouped(name: str, places: Sequence[Place]) -> list[dict[str, Any]]:
    by_key: dict[str, list[str]] = {}
    for place in places:
        by_key.setdefault(place.key, []).append(place.node.id)
    return [{"name": name, "node_ids": node_ids, "key": key} for key, node_ids in by_key.items()]


def _as_json(graph: Graph) -> dict[str, Any]:
    return {
        node.id: {"class_type": node.class_type, "inputs": dict(node.inputs), "_meta": {"title": node.title}}
        for node in graph.nodes.values()
    }
