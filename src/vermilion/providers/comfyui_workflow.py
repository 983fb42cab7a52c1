"""What a workflow can be told from outside, found by walking its links from what it saves back to where it begins.

Nothing is known here of node packs: a sampler is what a latent picture flows into, a prompt is the text that flows
into its positive side, a picture to bring is what a loading node names. Classes are named only where nothing else
tells.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from vermilion.providers.comfyui_graph import Graph, Node, Place
from vermilion.providers.comfyui_media import Brought, Media, brought_files, made_media, not_kept, saving_nodes
from vermilion.providers.comfyui_specs import Specs
from vermilion.providers.comfyui_words import find_words
from vermilion.providers.credential import LocalText
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
    prompt, negative = find_words(graph, reached, samplers, findings)
    brought = brought_files(graph, reached, specs, findings)
    taken = {(place.node.id, place.key) for place in (*prompt, *negative)}
    taken |= {(given.node.id, given.key) for given in brought}

    settings: list[Setting] = []
    if negative:
        said = negative[0].node.text(negative[0].key) or ""
        settings.append(Setting("negative_prompt", negative, said, shown=not _is_distilled(reached)))
    path = _latent_path(graph, samplers)
    settings += _sizes(graph, reached, path)
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
    findings += not_kept(saving)
    return Anatomy(tuple(reached), makes, len(saving), prompt, tuple(settings), brought, tuple(findings))


def _blocking(en: str, zh: str, where: str | None = None) -> Finding:
    return Finding(LocalText(en, zh), where, blocks=True)


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


def _number(graph: Graph, node: Node, key: str) -> tuple[Place, int] | None:
    """Where a whole number is written: in the input itself, or in a node that holds nothing else."""
    if (value := node.whole(key)) is not None:
        return Place(node, key, key), value
    link = node.link(key)
    source = graph.nodes.get(link.node_id) if link else None
    if source is None or len(source.inputs) > 1:
        return None
    return next(
        ((Place(source, other, key), found) for other in source.inputs if (found := source.whole(other)) is not None),
        None,
    )


def _sizes(graph: Graph, reached: Iterable[Node], path: Sequence[Node]) -> list[Setting]:
    """The size of the picture where it begins: the last node on the way back that names one."""
    sized = []
    for node in path:
        across, down = _number(graph, node, "width"), _number(graph, node, "height")
        if across and down and across[1] > 0 and down[1] >= 0 and not _keeps_shape(node):
            sized.append((node, across, down))
    if not sized:
        return []
    fresh = (found for found in reversed(sized) if "batch_size" in found[0].inputs)
    _, (across_at, width), (down_at, height) = next(fresh, sized[-1])
    if not height:
        # A side of 0 is worked out from the other by the server; a mask is scaled beside its picture.
        alike = (node for node in reached if (node.whole("width"), node.whole("height")) == (width, 0))
        return [Setting("width", tuple(Place(node, "width") for node in alike), width, shown=True)]
    if (across_at.node.id, across_at.key) == (down_at.node.id, down_at.key):
        return []
    along = [node for node in reached if node.class_type in _SIZED_ALONG and node.whole("width") == width]
    places = tuple(Place(node, key, key) for node in along for key in ("width", "height") if node.whole(key))
    return [Setting("size", (across_at, down_at, *places), {"width": width, "height": height}, shown=True)]


def _keeps_shape(node: Node) -> bool:
    """Whether a size is only a frame that the picture is fitted into: then its shape is not for anybody to choose."""
    kept = node.literal("keep_proportion")
    return kept is True or (isinstance(kept, str) and kept not in ("stretch", "crop"))


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
    distilled = _is_distilled(reached)
    staged = any((end := node.whole("end_at_step")) is not None and end < _TO_THE_END for node in reached)
    for kind, keys, types in _NAMED:
        groups: dict[Any, list[Place]] = {}
        for node in reached:
            for key in keys:
                if type(value := node.literal(key)) in types:
                    groups.setdefault(value, []).append(Place(node, key))
        for index, (value, places) in enumerate(groups.items()):
            shown = index == 0 and kind != "checkpoint"
            # Where stages split the steps, their number is part of the workflow.
            shown = shown and not (kind == "cfg" and distilled) and not (kind == "steps" and staged)
            shown = shown and not (kind == "denoise" and not from_picture)
            settings.append(Setting(kind, tuple(places), value, shown))
    return settings


def _is_distilled(reached: Sequence[Node]) -> bool:
    """Whether every sampler works at a strength of 1: the model takes no other, and heeds nothing to avoid."""
    strengths = [value for node in reached if isinstance(value := node.literal("cfg"), int | float)]
    return bool(strengths) and all(value == 1 for value in strengths)


def _others(reached: Sequence[Node], taken: set[tuple[str, str]]) -> list[Setting]:
    return [
        Setting("other", (Place(node, key),), value, shown=False)
        for node in reached
        for key in node.inputs
        if (node.id, key) not in taken
        and key not in _NEVER
        and isinstance(value := node.literal(key), int | float | str | bool)
    ]
