"""The order in which a workflow's nodes run, and which of them a server remembers from the last time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Prompt = Mapping[str, Any]


def links_of(node: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """The links into a node: input name, source node id, output index."""
    for name, value in (node.get("inputs") or {}).items():
        if isinstance(value, list) and len(value) == 2 and isinstance(value[1], int):
            yield name, str(value[0]), value[1]


def run_order(prompt: Prompt, outputs: Iterable[str]) -> list[str]:
    """The nodes the outputs are made from, each after what it needs."""
    done: dict[str, None] = {}
    left = [(output, False) for output in reversed(list(outputs))]
    while left:
        node_id, ready = left.pop()
        if node_id in done:
            continue
        if ready:
            done[node_id] = None
            continue
        left.append((node_id, True))
        left += [(source, False) for _, source, _ in reversed(list(links_of(prompt[node_id]))) if source not in done]
    return list(done)


def signatures(prompt: Prompt, order: Iterable[str]) -> dict[str, str]:
    """For each node what its result depends on: equal for equal work. `order` has every node after its sources."""
    found: dict[str, str] = {}
    for node_id in order:
        node = prompt[node_id]
        sources = {name: (found[source], index) for name, source, index in links_of(node)}
        inputs = {name: sources.get(name, value) for name, value in sorted((node.get("inputs") or {}).items())}
        text = json.dumps([node["class_type"], inputs], sort_keys=True, default=str)
        found[node_id] = hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
    return found


def texts_in(prompt: Prompt) -> list[str]:
    """Every text somebody wrote into a workflow."""
    return [
        value
        for node in prompt.values()
        if isinstance(node, dict) and isinstance(node.get("inputs"), dict)
        for value in node["inputs"].values()
        if isinstance(value, str)
    ]
