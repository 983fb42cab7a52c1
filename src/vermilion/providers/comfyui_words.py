"""Where the words of a workflow are written, found by following a sampler's two sides back to their texts."""

from collections.abc import Sequence
from typing import Literal

from vermilion.providers.comfyui_graph import Graph, Link, Node, Place
from vermilion.providers.credential import LocalText
from vermilion.providers.proposal import Finding

_SAID = ("text", "text_g", "text_l", "clip_g", "clip_l", "t5xxl", "prompt")
_TEXTS = {"positive": (*_SAID, "positive_prompt"), "negative": (*_SAID, "negative_prompt")}
_WRITTEN = ("value", "text", "string", "prompt", "text_positive")
_POSITIVE = ("positive", "conditioning", "cond1", "cond2")
_NOT_WORDS = frozenset(
    {"clip", "vae", "model", "unet", "control_net", "style_model", "clip_vision", "clip_vision_output", "mask", "audio"}
    | {"image", "images", "pixels", "start_image", "end_image", "samples", "latent", "latent_image"}
)
"""Inputs on the way to a conditioning that lead to no words of it."""


def find_words(
    graph: Graph, reached: Sequence[Node], samplers: Sequence[Node], findings: list[Finding]
) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
    """Where the prompt is written, and where what to avoid.

    Of several different texts the first is the prompt; a finding names the others.
    """
    positive: list[Place] = []
    negative: list[Place] = []
    for sampler in samplers:
        guider = sampler.link("guider")
        source = graph.nodes.get(guider.node_id) if guider else sampler
        if source is None:
            continue
        for key in _POSITIVE:
            if (link := source.link(key)) is not None:
                positive += _texts(graph, link, "positive")
        if (link := source.link("negative")) is not None:
            negative += _texts(graph, link, "negative")
    if not positive:
        # Nodes that do everything in one go are told the words directly.
        positive = [place for key in ("prompt", "positive_prompt") for place in _named(reached, key)]
        negative += _named(reached, "negative_prompt")
    prompt, odd = _same_words(positive)
    if odd:
        names = ", ".join(dict.fromkeys(place.node.where for place in odd))
        findings.append(
            Finding(
                LocalText(
                    f"Different texts flow into the picture. The prompt goes to {prompt[0].node.where}; {names} keeps"
                    " what the workflow says.",
                    f"有多段不同的文字流入画面。提示词写入 {prompt[0].node.where}；{names} 保持工作流中的内容。",
                )
            )
        )
    spoken = {(place.node.id, place.key) for place in positive}
    against, _ = _same_words([place for place in negative if (place.node.id, place.key) not in spoken])
    return prompt, against


def _named(reached: Sequence[Node], key: str) -> list[Place]:
    return [Place(node, key) for node in reached if node.text(key) is not None]


def _same_words(places: Sequence[Place]) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
    """The places that say what the first node says, and those that say something else."""
    unique = list({(place.node.id, place.key): place for place in places}.values())
    if not unique:
        return (), ()
    first = unique[0].node
    said = {place.node.text(place.key) for place in unique if place.node.id == first.id}
    same = [place for place in unique if place.node.id == first.id or place.node.text(place.key) in said]
    return tuple(same), tuple(place for place in unique if place not in same)


def _texts(graph: Graph, start: Link, side: Literal["positive", "negative"]) -> list[Place]:
    """The texts that a conditioning is made of, on one side of a sampler."""
    found: list[Place] = []
    seen: set[tuple[str, int]] = set()
    waiting = [start]
    while waiting:
        link = waiting.pop(0)
        node = graph.nodes.get(link.node_id)
        if node is None or (node.id, link.output) in seen:
            continue
        seen.add((node.id, link.output))
        if node.link("positive") and node.link("negative"):
            # Both sides pass through: the first output is the positive one, the second the negative. A node with
            # more of them gives each sampler a pair, and there the side tells.
            through = node.link({0: "positive", 1: "negative"}.get(link.output, side))
            waiting += [through] if through else []
            continue
        for key in _TEXTS[side]:
            if node.text(key) is not None:
                found.append(Place(node, key))
            elif (text := node.link(key)) is not None:
                found += _written(graph, text)
        waiting += [each for key, each in node.links() if key not in _NOT_WORDS and key not in _TEXTS[side]]
    return found


def _written(graph: Graph, start: Link) -> list[Place]:
    """Where a text that flows in was written."""
    seen: set[str] = set()
    link: Link | None = start
    while link is not None and link.node_id not in seen:
        seen.add(link.node_id)
        node = graph.nodes.get(link.node_id)
        if node is None:
            return []
        for key in _WRITTEN:
            if node.text(key) is not None:
                return [Place(node, key)]
        link = next((node.link(key) for key in _WRITTEN if node.link(key)), None)
    return []
