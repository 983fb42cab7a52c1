"""The node types a sandbox's ComfyUI has, by their class names."""

from __future__ import annotations

from .comfyui_node import NodeType
from .comfyui_nodes_latent import CONDITIONINGS, LATENTS, LOADERS, SAMPLER_NODES
from .comfyui_nodes_pixels import IMAGES, OUTPUTS

NODES: dict[str, NodeType] = {
    node.name: node for node in (*LOADERS, *CONDITIONINGS, *LATENTS, *SAMPLER_NODES, *IMAGES, *OUTPUTS)
}
