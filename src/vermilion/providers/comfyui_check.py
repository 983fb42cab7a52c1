"""What is wrong with a workflow, told with the titles of its nodes: by itself, and on one server.

The same things the server would say (`execution.validate_inputs`), before anybody has paid for asking.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from vermilion.providers.comfyui_graph import Graph, Node, NoWorkflow, read_workflow
from vermilion.providers.comfyui_specs import InputSpec, NodeSpec, Specs
from vermilion.providers.comfyui_templates import spelled_out
from vermilion.providers.contract import JsonObject
from vermilion.providers.credential import LocalText
from vermilion.providers.proposal import Finding

NamesByPlace = Mapping[tuple[str, str], str]
"""What a parameter is called, by node id and input."""

_SHOWN = 6
"""How many of the choices a server has are named in a sentence."""


def check_workflow(graph: Graph, reached: Iterable[Node], specs: Specs, names: NamesByPlace) -> list[Finding]:
    """Everything that would stop the nodes that are run; `names` are the parameters that could mend it."""
    nodes = list(reached)
    found = _circle(nodes)
    for node in nodes:
        found += _broken_links(graph, node, specs)
        if node.class_type not in specs:
            continue
        spec = specs[node.class_type]
        if spec is None:
            found.append(
                _blocks(
                    node,
                    f"This server does not know the node class {node.class_type}. Install the pack it belongs to, or"
                    " choose another server.",
                    f"这台服务器没有 {node.class_type} 这种节点。请安装它所属的节点包，或者换一台服务器。",
                )
            )
        else:
            found += _against(node, spec, names)
    return found


def check_options(options: JsonObject) -> list[Finding]:
    """Whether an entry's options hold a workflow and slots that stand in it."""
    try:
        graph = read_workflow({"workflow": spelled_out(options).get("workflow")})
    except NoWorkflow as problem:
        return [problem.finding]
    slots = options.get("slots")
    if not isinstance(slots, list) or not all(_is_slot(slot) for slot in slots):
        return [
            Finding(
                LocalText(
                    "slots must be a list of {name, node_ids, key}.",
                    "slots 必须是由 {name, node_ids, key} 组成的列表。",
                ),
                "slots",
                blocks=True,
            )
        ]
    found: list[Finding] = []
    for slot in slots:
        for node_id in slot["node_ids"]:
            node = graph.nodes.get(node_id)
            if node is None or slot["key"] not in node.inputs:
                found.append(
                    Finding(
                        LocalText(
                            f"The slot {slot['name']} points to {slot['key']} of node {node_id}, which is not there.",
                            f"参数位 {slot['name']} 指向节点 {node_id} 的 {slot['key']}，但它不存在。",
                        ),
                        f"#{node_id}",
                        blocks=True,
                    )
                )
    return found


def _is_slot(slot: Any) -> bool:
    return (
        isinstance(slot, Mapping)
        and isinstance(slot.get("name"), str)
        and isinstance(slot.get("key"), str)
        and isinstance(slot.get("node_ids"), list)
        and all(isinstance(node_id, str) for node_id in slot["node_ids"])
    )


def _blocks(node: Node, en: str, zh: str, setting: str | None = None) -> Finding:
    return Finding(LocalText(en, zh), node.where, setting, blocks=True)


def _circle(reached: Sequence[Node]) -> list[Finding]:
    """The first node that is made from itself: older servers refuse it without a word."""
    order = TopologicalSorter({node.id: {link.node_id for _, link in node.links()} for node in reached})
    try:
        order.prepare()
    except CycleError as error:
        around = set(error.args[1])
        first = next(node for node in reached if node.id in around)
        return [
            _blocks(
                first,
                "It depends on itself: the links lead round to it again.",
                "它依赖于自身：连接绕了一圈又回到这个节点。",
            )
        ]
    return []


def _broken_links(graph: Graph, node: Node, specs: Specs) -> Iterator[Finding]:
    for key, link in node.links():
        source = graph.nodes.get(link.node_id)
        if source is None:
            yield _blocks(
                node,
                f"{key} is linked to node {link.node_id}, which is not in this workflow.",
                f"{key} 连接到节点 {link.node_id}，但工作流里没有这个节点。",
            )
            continue
        spec = specs.get(source.class_type)
        if spec is not None and spec.outputs and not 0 <= link.output < spec.outputs:
            yield _blocks(
                node,
                f"{key} takes output {link.output} of {source.where}, which has only {spec.outputs}.",
                f"{key} 取自 {source.where} 的第 {link.output} 个输出，但它只有 {spec.outputs} 个输出。",
            )


def _against(node: Node, spec: NodeSpec, names: NamesByPlace) -> Iterator[Finding]:
    for key, told in spec.inputs.items():
        if key not in node.inputs:
            if told.required and not _grows(key, told, node):
                yield _blocks(
                    node,
                    f"{key} is missing; this server's version of the node needs it. Export the workflow anew from it.",
                    f"缺少 {key}；这台服务器上的节点版本需要它。请在该服务器上重新导出工作流。",
                )
            continue
        value = node.literal(key)
        # A choice of several at once is a list; the server alone knows how to judge it.
        if value is None or told.uploads or isinstance(value, list | dict):
            continue
        name = names.get((node.id, key))
        if told.choices is not None and value not in told.choices:
            yield _not_there(node, key, value, told, name)
        elif isinstance(value, int | float) and not isinstance(value, bool) and not _within(value, told):
            yield _blocks(
                node,
                f"{key} is {value:g}; this server takes {_bounds(told)}.",
                f"{key} 为 {value:g}，这台服务器只接受 {_bounds(told)}。",
                name,
            )


def _grows(key: str, told: InputSpec, node: Node) -> bool:
    """Inputs that unfold in the editor are written under further names (`images.image0`), or not at all."""
    return told.type.startswith("COMFY_") or any(other.startswith(f"{key}.") for other in node.inputs)


def _within(value: float, told: InputSpec) -> bool:
    return not (
        (told.minimum is not None and value < told.minimum) or (told.maximum is not None and value > told.maximum)
    )


def _bounds(told: InputSpec) -> str:
    least = "" if told.minimum is None else f"{told.minimum:g}"
    most = "" if told.maximum is None else f"{told.maximum:g}"
    return f"{least} – {most}"


def _not_there(node: Node, key: str, value: Any, told: InputSpec, name: str | None) -> Finding:
    choices = told.choices or ()
    if not choices:
        return _blocks(
            node,
            f"{key} is {value!r}, and this server has none to choose from. Put the file there, then check again.",
            f"{key} 为 {value!r}，但这台服务器上没有任何可选项。请先把文件放到服务器上，再重新检查。",
            name,
        )
    some = ", ".join(str(choice) for choice in choices[:_SHOWN])
    more = f" (+{len(choices) - _SHOWN})" if len(choices) > _SHOWN else ""
    return _blocks(
        node,
        f"{key} is {value!r}, which this server does not have. It has: {some}{more}.",
        f"{key} 为 {value!r}，这台服务器上没有。它有：{some}{more}。",
        name,
    )
