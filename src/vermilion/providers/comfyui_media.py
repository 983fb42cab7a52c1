"""What goes in and out of a workflow as files: the pictures it loads, the results it saves."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from vermilion.providers.comfyui_graph import Graph, Node
from vermilion.providers.comfyui_specs import Specs
from vermilion.providers.credential import LocalText
from vermilion.providers.proposal import Finding

Media = Literal["image", "video", "audio"]

_LOADERS: dict[str, tuple[str, Media]] = {
    "LoadImage": ("image", "image"),
    "LoadImageMask": ("image", "image"),
    "LoadVideo": ("file", "video"),
    "VHS_LoadVideo": ("video", "video"),
    "LoadAudio": ("audio", "audio"),
    "VHS_LoadAudioUpload": ("audio", "audio"),
}
"""Loading classes of the core and of the most used pack; others are known by what the server says of their inputs."""

_NOT_KEPT = {"SaveAudio": "FLAC", "SaveAudioOpus": "Opus", "SaveSVGNode": "SVG", "SaveGLB": "GLB"}
"""What core classes write that is no kind of file this house keeps."""

_SAVERS = ("Save", "Preview", "VHS_VideoCombine")
_PASSES_PICTURES = frozenset(
    {"ImageScale", "ImageScaleBy", "ImageScaleToTotalPixels", "ImageScaleToMaxDimension", "ImageInvert", "ImageBlur"}
    | {"ImageCrop", "FluxKontextImageScale", "ImageResizeKJ"}
)
_MAKES_MASKS = frozenset({"ImageToMask", "ImageColorToMask"})
_FRAMES = {"start_image": "first_frame", "end_image": "last_frame"}


@dataclass(frozen=True, slots=True)
class Brought:
    """A file that people bring, and the input its name is written into."""

    role: str
    media: Media
    node: Node
    key: str
    required: bool = True


def saving_nodes(graph: Graph, specs: Specs) -> list[Node]:
    """The nodes whose results leave the server; passing looks count only where nothing is saved."""
    ends = [node for node in graph.nodes.values() if _is_output(node, specs)]
    saving = [node for node in ends if not node.class_type.startswith("Preview")]
    return saving or ends


def made_media(saving: Sequence[Node]) -> Media:
    """What a workflow makes: a film where it saves one, else pictures, else sound."""
    words = [node.class_type.lower() for node in saving]
    if any("video" in word or "webm" in word for word in words):
        return "video"
    return "audio" if words and all("audio" in word for word in words) else "image"


def not_kept(saving: Sequence[Node]) -> Iterator[Finding]:
    """The nodes that save a kind of file this house does not keep; where no other node saves one, nothing can come."""
    alone = all(node.class_type in _NOT_KEPT for node in saving)
    for node in saving:
        if (kind := _NOT_KEPT.get(node.class_type)) is not None:
            yield Finding(
                LocalText(
                    f"It saves {kind} files, which are not kept here. Save sound with Save Audio (MP3), pictures with"
                    " Save Image, films with Save Video.",
                    f"它保存的是 {kind} 文件，本站不保存这种文件。声音请用“保存音频 (MP3)”，图片请用“保存图像”，"
                    "视频请用“保存视频”。",
                ),
                node.where,
                blocks=alone,
            )


def brought_files(graph: Graph, reached: Iterable[Node], specs: Specs, findings: list[Finding]) -> tuple[Brought, ...]:
    """The files a workflow loads, each with a role; masks are told from pictures by where they flow."""
    found: list[Brought] = []
    roles: dict[str, int] = {}
    for node in reached:
        loads = _loads(node, specs)
        if loads is None:
            continue
        key, media = loads
        role = _role(graph, node) if media == "image" else media
        roles[role] = roles.get(role, 0) + 1
        found.append(Brought(role if roles[role] == 1 else f"{role}_{roles[role]}", media, node, key))
    if "mask" not in roles:
        for given in found:
            if given.media == "image" and any(output == 1 for _, _, output in graph.flows.get(given.node.id, ())):
                findings.append(
                    Finding(
                        LocalText(
                            "The mask comes from the transparency of the picture, so nobody can paint it here. Load it"
                            " with a node of its own (Load Image as Mask) to have it painted.",
                            "蒙版取自图片的透明部分，因此无法在这里涂抹。若要在这里涂抹，请用单独的节点加载蒙版（加载图像为遮罩）。",
                        ),
                        given.node.where,
                    )
                )
    return tuple(found)


def _is_output(node: Node, specs: Specs) -> bool:
    spec = specs.get(node.class_type)
    return spec.is_output if spec is not None else node.class_type.startswith(_SAVERS)


def _loads(node: Node, specs: Specs) -> tuple[str, Media] | None:
    spec = specs.get(node.class_type)
    if spec is not None:
        for key, each in spec.inputs.items():
            if each.uploads in ("image", "video", "audio") and node.text(key) is not None:
                return key, each.uploads  # type: ignore[return-value]  # one of the three, as was just asked
    key, media = _LOADERS.get(node.class_type, ("", "image"))
    return (key, media) if key and node.text(key) is not None else None


def _role(graph: Graph, loader: Node) -> str:
    if loader.class_type == "LoadImageMask":
        return "mask"
    uses: set[str] = set()
    waiting = [(loader.id, 0)]
    seen: set[tuple[str, int]] = set()
    while waiting:
        source = waiting.pop()
        if source in seen:
            continue
        seen.add(source)
        for node, key, output in graph.flows.get(source[0], ()):
            if output != source[1]:
                continue
            if key == "mask" or node.class_type in _MAKES_MASKS:
                uses.add("mask")
            elif node.class_type in _PASSES_PICTURES:
                waiting.append((node.id, 0))
            else:
                uses.add(_FRAMES.get(key, "image"))
    return next((use for use in ("image", "first_frame", "last_frame", "mask") if use in uses), "image")
