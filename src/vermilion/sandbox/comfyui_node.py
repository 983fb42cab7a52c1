"""One class of a sandbox's ComfyUI nodes, and the links that lead into many of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .comfyui_inputs import SIDE_MAX, Input, link, whole


@dataclass(frozen=True, slots=True)
class NodeType:
    """One class of nodes. `modern` ones tell their lists of choices in the newer form."""

    name: str
    title: str
    category: str
    inputs: Mapping[str, Input]
    outputs: tuple[str, ...] = ()
    output_node: bool = False
    modern: bool = False
    module: str = "nodes"


MODEL, CLIP, VAE, LATENT, IMAGE, MASK = (link(kind) for kind in ("MODEL", "CLIP", "VAE", "LATENT", "IMAGE", "MASK"))
CONDITIONING = link("CONDITIONING")
ANY_SIDE = whole(512, 0, SIDE_MAX)
