"""A workflow in API format: nodes by id, what is written in them, and the links between them.

Source: ComfyUI's own examples of calling the server (`script_examples/`) and `execution.validate_inputs`: an input is
a literal, or a link `[node id, output]`; a list that is no link is wrapped as `{"__value__": [...]}`; `_meta` is for
people. What the editor saves is another format (`nodes` and `links`), which the server does not understand.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from vermilion.providers.contract import JsonObject
from vermilion.providers.credential import LocalText
from vermilion.providers.proposal import Finding

NODES_MAX = 500
TITLE_CHARS_MAX = 80


class NoWorkflow(Exception):
    """The document is no workflow the server would run; `finding` says what it is and what to do."""

    def __init__(self, en: str, zh: str, where: str | None = None) -> None:
        super().__init__(en)
        self.finding = Finding(LocalText(en, zh), where, blocks=True)


@dataclass(frozen=True, slots=True)
class Link:
    """Which output of which node flows into an input."""

    node_id: str
    output: int


@dataclass(frozen=True, slots=True)
class Node:
    """One node, as far as it can be read without knowing its class."""

    id: str
    class_type: str
    title: str
    inputs: JsonObject

    @property
    def where(self) -> str:
        """How people find it in the editor."""
        return f"{self.title} (#{self.id})"

    def link(self, key: str) -> Link | None:
        """What flows into this input; None for a literal."""
        return as_link(self.inputs.get(key))

    def links(self) -> Iterator[tuple[str, Link]]:
        """Every input that something flows into."""
        for key, value in self.inputs.items():
            if (link := as_link(value)) is not None:
                yield key, link

    def literal(self, key: str) -> Any:
        """What is written into this input; None where something flows into it, or it is not there."""
        value = self.inputs.get(key)
        return None if as_link(value) else value

    def whole(self, key: str) -> int | None:
        """The literal, if it is a whole number."""
        value = self.literal(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def text(self, key: str) -> str | None:
        """The literal, if it is text."""
        value = self.literal(key)
        return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Place:
    """One input of one node; `part` says which member of a value that has several."""

    node: Node
    key: str
    part: str | None = None


@dataclass(frozen=True)
class Graph:
    """All nodes, in the order of the document."""

    nodes: Mapping[str, Node]

    @cached_property
    def flows(self) -> Mapping[str, tuple[tuple[Node, str, int], ...]]:
        """Where each node's outputs go: by node id, (receiving node, its input, which output)."""
        flows: dict[str, list[tuple[Node, str, int]]] = {}
        for node in self.nodes.values():
            for key, link in node.links():
                flows.setdefault(link.node_id, []).append((node, key, link.output))
        return {node_id: tuple(found) for node_id, found in flows.items()}

    def upstream(self, node_ids: Iterable[str]) -> list[Node]:
        """These nodes and all they are made from, nearest first."""
        found: dict[str, Node] = {}
        waiting = list(node_ids)
        while waiting:
            node = self.nodes.get(waiting.pop(0))
            if node is None or node.id in found:
                continue
            found[node.id] = node
            waiting += [link.node_id for _, link in node.links()]
        return list(found.values())


def as_link(value: Any) -> Link | None:
    """The link an input's value is, or None. The server reads every list of two as one."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int):
        output = value[1]
        if isinstance(output, int) and not isinstance(output, bool):
            return Link(str(value[0]), output)
    return None


def read_workflow(document: Any) -> Graph:
    """The workflow in a document.

    Bare, as it is posted (`prompt`), as our own options hold it (`workflow`), or as others wrap it for their workers
    (`input`). Names that begin with `_` are notes of other programs, and left out. Raises `NoWorkflow`.
    """
    nodes = _nodes_of(document)
    if len(nodes) > NODES_MAX:
        raise NoWorkflow(
            f"This workflow has {len(nodes)} nodes; at most {NODES_MAX} are taken.",
            f"这个工作流有 {len(nodes)} 个节点，最多支持 {NODES_MAX} 个。",
        )
    return Graph({node_id: _node(node_id, table) for node_id, table in nodes.items() if not node_id.startswith("_")})


def _nodes_of(document: Any) -> Mapping[str, Any]:
    for wrapped in ("input", "prompt", "workflow"):
        if isinstance(document, Mapping) and isinstance(document.get(wrapped), Mapping):
            document = document[wrapped]
    if not isinstance(document, Mapping) or not document:
        raise NoWorkflow(
            "This is no workflow. In ComfyUI, choose Workflow → Export (API) and take the file it saves.",
            "这不是工作流文件。请在 ComfyUI 中选择“工作流 → 导出（API）”，使用它保存的文件。",
        )
    if isinstance(document.get("nodes"), list):
        raise NoWorkflow(
            "This is the format of the editor, which the server does not run. In ComfyUI, open it and choose"
            " Workflow → Export (API), then take that file.",
            "这是编辑器自己的格式，服务器无法运行。请在 ComfyUI 中打开它，选择“工作流 → 导出（API）”，再用导出的文件。",
        )
    if not any(isinstance(node, Mapping) and "class_type" in node for node in document.values()):
        raise NoWorkflow(
            "There is no node in this file. In ComfyUI, choose Workflow → Export (API) and take the file it saves.",
            "这个文件里没有节点。请在 ComfyUI 中选择“工作流 → 导出（API）”，使用它保存的文件。",
        )
    return document


def _node(node_id: str, table: Any) -> Node:
    if not isinstance(table, Mapping):
        raise NoWorkflow(f"What stands under {node_id!r} is no node.", f"“{node_id}” 下面不是一个节点。", f"#{node_id}")
    class_type = table.get("class_type")
    inputs = table.get("inputs", {})
    if not isinstance(class_type, str) or not class_type or not isinstance(inputs, Mapping):
        raise NoWorkflow(
            f"Node {node_id} says no class_type, or its inputs are no table.",
            f"节点 {node_id} 没有 class_type，或者它的 inputs 不是一个对象。",
            f"#{node_id}",
        )
    meta = table.get("_meta")
    title = meta.get("title") if isinstance(meta, Mapping) else None
    named = title.strip() if isinstance(title, str) and title.strip() else class_type
    return Node(node_id, class_type, named[:TITLE_CHARS_MAX], inputs)
