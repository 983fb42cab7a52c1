"""What a workflow can be told from outside, found by walking its links from what it saves back to where it begins.

Nothing is known here of node packs: a sampler is what a latent picture flows into, a prompt is the text that flows
into its positive side, a picture to bring is what a loading node names. Classes are named only where nothing else
tells.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from vermilion.providers.comfyui_graph import Graph, Link, Node
from vermilion.providers.comfyui_media import Brought, Media, brought_files, made_media, saving_nodes
from vermilion.providers.comfyui_specs import Specs
from vermilion.providers.contract import LocalText
from vermilion.providers.proposal import Finding

Kind = Literal[
    "negative_prompt",
    "size",
    "width",
    "num_images",
    "steps",
    "cfg",
    "guidance",
    "denoise",
    "sampler",
    "scheduler",
    "seed",
    "checkpoint",
    "other",
]

_TEXTS = ("text", "text_g", "text_l", "clip_g", "clip_l", "t5xxl", "prompt", "positive_prompt", "negative_prompt")
_WRITTEN = ("value", "text", "string", "prompt", "text_positive")
_POSITIVE = ("positive", "conditioning", "cond1", "cond2")
_NOT_WORDS = frozenset(
    {"clip", "vae", "model", "unet", "control_net", "style_model", "clip_vision", "clip_vision_output", "mask", "audio"}
    | {"image", "images", "pixels", "start_image", "end_image", "samples", "latent", "latent_image"}
)
"""Inputs on the way to a conditioning that lead to no words of it."""

_LATENTS = ("latent_image", "samples", "latent", "pixels", "image", "images", "destination", "start_image")
"""Inputs on the way from a sampler back to the picture it begins with, empty or given."""

_SIZED_ALONG = frozenset({"ModelSamplingFlux", "Flux2Scheduler"})
"""Classes that must be told the same size as the picture."""

_NAMED: tuple[tuple[Kind, tuple[str, ...], tuple[type, ...]], ...] = (
    ("steps", ("steps",), (int,)),
    ("cfg", ("cfg",), (int, float)),
    ("guidance", ("guidance",), (int, float)),
    ("denoise", ("denoise",), (int, float)),
    ("sampler", ("sampler_name",), (str,)),
    ("scheduler", ("scheduler",), (str,)),
    ("checkpoint", ("ckpt_name", "unet_name"), (str,)),
)
"""What is known by the name of its input, and which literals it can be."""

_TO_THE_END = 10_000
"""What `end_at_step` says where a sampler goes on to its last step."""
_NEVER = frozenset({"filename_prefix", "control_after_generate", "add_noise", "return_with_leftover_noise", "upload"})
"""Inputs that are nobody's to set: the adapter writes them, or the workflow breaks without them."""


@dataclass(frozen=True, slots=True)
class Place:
    """One input of one node."""

    node: Node
    key: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be set, everywhere it is written; `value` is what the workflow says."""

    kind: Kind
    places: tuple[Place, ...]
    value: Any
    shown: bool


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A workflow as the catalog sees it."""

    reached: tuple[Node, ...]
    """The nodes the server runs for what is saved."""
    makes: Media
    saved: int
    """How many nodes save a result."""
    prompt: tuple[Place, ...]
    settings: tuple[Setting, ...]
    brought: tuple[Brought, ...]
    findings: tuple[Finding, ...]


def dissect(graph: Graph, specs: Specs) -> Anatomy:
    """Find everything that can be set in a workflow; what is odd about it is told in `findings`."""
    saving = saving_nodes(graph, specs)
    reached = graph.upstream(node.id for node in saving)
    samplers = [node for node in reached if node.link("latent_image") is not None]
    findings: list[Finding] = []
    prompt, negative = _words(graph, reached, samplers, findings)
    brought = brought_files(graph, reached, specs, findings)
    taken = {(place.node.id, place.key) for place in (*prompt, *negative)}
    taken |= {(given.node.id, given.key) for given in brought}

    settings: list[Setting] = []
    if negative:
        settings.append(Setting("negative_prompt", negative, negative[0].node.text(negative[0].key) or "", shown=True))
    path = _latent_path(graph, samplers)
    settings += _sizes(reached, path)
    settings += _batches(path or reached, alone=len(saving) == 1)
    from_picture = any(node.link("pixels") or node.link("image") for node in path)
    settings += _named(reached, from_picture=from_picture)
    seeds = tuple(Place(node, key) for node in reached for key in ("seed", "noise_seed") if node.whole(key) is not None)
    if seeds:
        settings.append(Setting("seed", seeds, seeds[0].node.whole(seeds[0].key), shown=True))
    taken |= {(place.node.id, place.key) for setting in settings for place in setting.places}
    settings += _others(reached, taken)

    makes = made_media(saving)
    if not saving:
        findings.append(
            _blocking(
                "Nothing in this workflow saves a result. Add a Save Image node and export it again.",
                "这个工作流没有保存任何结果。请添加“保存图像”节点后重新导出。",
            )
        )
    elif not prompt and not any(given.required for given in brought):
        findings.append(
            _blocking(
                "Neither a prompt nor a picture flows into this workflow: nothing could be asked of it.",
                "没有提示词或图片流入这个工作流，用户无法向它提出任何要求。",
            )
        )
    return Anatomy(tuple(reached), makes, len(saving), prompt, tuple(settings), brought, tuple(findings))


def _blocking(en: str, zh: str, where: str | None = None) -> Finding:
    return Finding(LocalText(en, zh), where, blocks=True)


def _words(
    graph: Graph, reached: Sequence[Node], samplers: Sequence[Node], findings: list[Finding]
) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
    positive: list[Place] = []
    negative: list[Place] = []
    for sampler in samplers:
        guider = sampler.link("guider")
        source = graph.nodes.get(guider.node_id) if guider else sampler
        if source is None:
            continue
        for key in _POSITIVE:
            if (link := source.link(key)) is not None:
                positive += _texts(graph, link)
        if (link := source.link("negative")) is not None:
            negative += _texts(graph, link)
    if not positive:
        # Nodes that do everything in one go are told the words directly.
        positive = [Place(node, "prompt") for node in reached if node.text("prompt") is not None]
        negative += [Place(node, "negative_prompt") for node in reached if node.text("negative_prompt") is not None]
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


def _same_words(places: Sequence[Place]) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
    """The places that say what the first node says, and those that say something else."""
    unique = list({(place.node.id, place.key): place for place in places}.values())
    if not unique:
        return (), ()
    first = unique[0].node
    said = {place.node.text(place.key) for place in unique if place.node.id == first.id}
    same = [place for place in unique if place.node.id == first.id or place.node.text(place.key) in said]
    return tuple(same), tuple(place for place in unique if place not in same)


def _texts(graph: Graph, start: Link) -> list[Place]:
    """The texts that a conditioning is made of."""
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
            # Both sides pass through: the first output is the positive one, the second the negative.
            side = node.link("positive" if link.output == 0 else "negative")
            waiting += [side] if side else []
            continue
        for key in _TEXTS:
            if node.text(key) is not None:
                found.append(Place(node, key))
            elif (text := node.link(key)) is not None:
                found += _written(graph, text)
        waiting += [each for key, each in node.links() if key not in _NOT_WORDS and key not in _TEXTS]
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


def _latent_path(graph: Graph, samplers: Sequence[Node]) -> list[Node]:
    """From the samplers back to where their pictures begin, nearest first."""
    found: dict[str, Node] = {}
    waiting = [link.node_id for sampler in samplers if (link := sampler.link("latent_image"))]
    while waiting:
        node = graph.nodes.get(waiting.pop(0))
        if node is None or node.id in found:
            continue
        found[node.id] = node
        waiting += [link.node_id for key in _LATENTS if (link := node.link(key))]
    return list(found.values())


def _sizes(reached: Iterable[Node], path: Sequence[Node]) -> list[Setting]:
    """The size of the picture where it begins: the last node on the way back that names one."""
    sized = [
        node
        for node in path
        if (node.whole("width") or 0) > 0 and (height := node.whole("height")) is not None and height >= 0
    ]
    if not sized:
        return []
    base = next((node for node in reversed(sized) if node.whole("batch_size") is not None), sized[-1])
    width, height = base.whole("width"), base.whole("height")
    if not height:
        # A side of 0 is worked out from the other by the server; a mask is scaled beside its picture.
        alike = (node for node in reached if (node.whole("width"), node.whole("height")) == (width, 0))
        return [Setting("width", tuple(Place(node, "width") for node in alike), width, shown=True)]
    along = [node for node in reached if node.class_type in _SIZED_ALONG and node.whole("width") == width]
    places = tuple(Place(node, key) for node in (base, *along) for key in ("width", "height"))
    return [Setting("size", places, {"width": width, "height": height}, shown=True)]


def _batches(path: Sequence[Node], *, alone: bool) -> list[Setting]:
    """How many pictures at once; where several nodes save some, their number is the workflow's own."""
    for node in path:
        for key in ("amount", "batch_size"):
            if (number := node.whole(key)) is not None and (key == "batch_size" or node.link("samples")):
                # A film is made of one batch; several of them at once is nobody's wish.
                shown = alone and node.whole("length") is None
                return [Setting("num_images", (Place(node, key),), number, shown)]
    return []


def _named(reached: Sequence[Node], *, from_picture: bool) -> list[Setting]:
    settings: list[Setting] = []
    guided = any(node.literal("guidance") is not None for node in reached)
    staged = any((end := node.whole("end_at_step")) is not None and end < _TO_THE_END for node in reached)
    for kind, keys, types in _NAMED:
        groups: dict[Any, list[Place]] = {}
        for node in reached:
            for key in keys:
                if type(value := node.literal(key)) in types:
                    groups.setdefault(value, []).append(Place(node, key))
        for index, (value, places) in enumerate(groups.items()):
            shown = index == 0 and kind != "checkpoint"
            # Distilled models are led by guidance; where stages split the steps, their number is part of the workflow.
            shown = shown and not (kind == "cfg" and guided and value == 1) and not (kind == "steps" and staged)
            shown = shown and not (kind == "denoise" and not from_picture)
            settings.append(Setting(kind, tuple(places), value, shown))
    return settings


def _others(reached: Sequence[Node], taken: set[tuple[str, str]]) -> list[Setting]:
    return [
        Setting("other", (Place(node, key),), value, shown=False)
        for node in reached
        for key in node.inputs
        if (node.id, key) not in taken
        and key not in _NEVER
        and isinstance(value := node.literal(key), int | float | str | bool)
    ]
