"""Ready-made workflows of core nodes alone: three families of models, from words, from a picture, within a mask.

File names are those the models are usually downloaded under; where a server calls them otherwise, the check says so
and lets another be chosen. Sources: node classes and their inputs as in ComfyUI's `nodes.py` and `comfy_extras`
(`nodes_flux`, `nodes_sd3`, `nodes_mask`, `nodes_upscale_model`).
"""

from dataclasses import dataclass
from typing import Any

from vermilion.providers.contract import JsonObject
from vermilion.providers.credential import LocalText
from vermilion.providers.proposal import Template

Workflow = dict[str, dict[str, Any]]
Flow = list[str | int]


@dataclass(frozen=True, slots=True)
class _Family:
    """What the models of a family share: their size, their sampler, and the nodes that load them."""

    id: str
    title: str
    side_px: int
    sampler: dict[str, Any]
    loaders: Workflow
    model: Flow
    clip: Flow
    vae: Flow
    latent: str
    guidance: float | None = None


_SD15 = _Family(
    id="sd15",
    title="SD 1.5",
    side_px=512,
    sampler={"steps": 24, "cfg": 7.0, "sampler_name": "dpmpp_2m", "scheduler": "karras"},
    loaders={"4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5-pruned-emaonly.safetensors"}}},
    model=["4", 0],
    clip=["4", 1],
    vae=["4", 2],
    latent="EmptyLatentImage",
)
_SDXL = _Family(
    id="sdxl",
    title="SDXL",
    side_px=1024,
    sampler={"steps": 28, "cfg": 6.0, "sampler_name": "dpmpp_2m", "scheduler": "karras"},
    loaders={"4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_base_1.0.safetensors"}}},
    model=["4", 0],
    clip=["4", 1],
    vae=["4", 2],
    latent="EmptyLatentImage",
)


def _flux(model: str, guidance: float) -> _Family:
    return _Family(
        id="flux",
        title="Flux",
        side_px=1024,
        sampler={"steps": 20, "cfg": 1.0, "sampler_name": "euler", "scheduler": "simple"},
        loaders={
            "4": {"class_type": "UNETLoader", "inputs": {"unet_name": model, "weight_dtype": "default"}},
            "14": {
                "class_type": "DualCLIPLoader",
                "inputs": {
                    "clip_name1": "clip_l.safetensors",
                    "clip_name2": "t5xxl_fp8_e4m3fn.safetensors",
                    "type": "flux",
                },
            },
            "15": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.safetensors"}},
        },
        model=["4", 0],
        clip=["14", 0],
        vae=["15", 0],
        latent="EmptySD3LatentImage",
        guidance=guidance,
    )


_FLUX = _flux("flux1-dev.safetensors", 3.5)
_FLUX_FILL = _flux("flux1-fill-dev.safetensors", 30.0)

_FROM_PICTURE_STRENGTH = 0.65
_WITHIN_MASK_STRENGTH = 0.9


def _from_words(family: _Family) -> Workflow:
    size = {"width": family.side_px, "height": family.side_px, "batch_size": 1}
    empty: Workflow = {"5": {"class_type": family.latent, "inputs": size}}
    return _painted(family, empty, ["5", 0], 1.0)


def _from_picture(family: _Family) -> Workflow:
    size = {"width": family.side_px, "height": family.side_px}
    begins: Workflow = {
        "10": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
        "11": {
            "class_type": "ImageScale",
            "inputs": {"image": ["10", 0], "upscale_method": "lanczos", **size, "crop": "center"},
        },
        "12": {"class_type": "VAEEncode", "inputs": {"pixels": ["11", 0], "vae": family.vae}},
        "5": {"class_type": "RepeatLatentBatch", "inputs": {"samples": ["12", 0], "amount": 1}},
    }
    return _painted(family, begins, ["5", 0], _FROM_PICTURE_STRENGTH)


def _within_mask(family: _Family) -> Workflow:
    # A height of 0 keeps the shape of the picture; the mask is scaled alike, so that it stays where it was painted.
    size = {"upscale_method": "bicubic", "width": family.side_px, "height": 0, "crop": "disabled"}
    begins: Workflow = {
        "10": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
        "11": {"class_type": "ImageScale", "inputs": {"image": ["10", 0], **size}},
        "20": {"class_type": "LoadImage", "inputs": {"image": "mask.png"}, "_meta": {"title": "Load Mask"}},
        "21": {"class_type": "ImageScale", "inputs": {"image": ["20", 0], **size}},
        "22": {"class_type": "ImageToMask", "inputs": {"image": ["21", 0], "channel": "red"}},
    }
    if family.guidance is not None:
        workflow = _painted(family, begins, ["23", 2], 1.0)
        positive, negative = (workflow["3"]["inputs"][side] for side in ("positive", "negative"))
        within = {"pixels": ["11", 0], "mask": ["22", 0], "vae": family.vae, "noise_mask": True}
        workflow["23"] = {
            "class_type": "InpaintModelConditioning",
            "inputs": {"positive": positive, "negative": negative, **within},
        }
        workflow["3"]["inputs"] |= {"positive": ["23", 0], "negative": ["23", 1]}
        return workflow
    begins["12"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["11", 0], "vae": family.vae}}
    begins["5"] = {"class_type": "SetLatentNoiseMask", "inputs": {"samples": ["12", 0], "mask": ["22", 0]}}
    return _painted(family, begins, ["5", 0], _WITHIN_MASK_STRENGTH)


def _painted(family: _Family, begins: Workflow, latent: Flow, denoise: float) -> Workflow:
    """Words, sampler, decoding and saving around what the picture begins with."""
    words: Workflow = {"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": family.clip}}}
    words["6"]["_meta"] = {"title": "Prompt"}
    positive: Flow = ["6", 0]
    if family.guidance is None:
        words["7"] = {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": family.clip}}
        words["7"]["_meta"] = {"title": "Negative Prompt"}
    else:
        words["7"] = {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["6", 0]}}
        guided = {"conditioning": ["6", 0], "guidance": family.guidance}
        words["16"] = {"class_type": "FluxGuidance", "inputs": guided}
        positive = ["16", 0]
    ends: Workflow = {
        "3": {
            "class_type": "KSampler",
            "inputs": {
                "model": family.model,
                "positive": positive,
                "negative": ["7", 0],
                "latent_image": latent,
                "seed": 0,
                **family.sampler,
                "denoise": denoise,
            },
        },
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": family.vae}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "vermilion"}},
    }
    return {**family.loaders, **begins, **words, **ends}


def _upscaled() -> Workflow:
    return {
        "10": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
        "13": {"class_type": "UpscaleModelLoader", "inputs": {"model_name": "RealESRGAN_x4plus.pth"}},
        "14": {"class_type": "ImageUpscaleWithModel", "inputs": {"upscale_model": ["13", 0], "image": ["10", 0]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["14", 0], "filename_prefix": "vermilion"}},
    }


_KINDS = {
    "from-words": (
        "text to image",
        "文生图",
        LocalText("A picture from words.", "用文字生成图片。"),
    ),
    "from-picture": (
        "image to image",
        "图生图",
        LocalText("A picture anew, in another manner.", "以一张图片为底，换一种样子重画。"),
    ),
    "within-mask": (
        "inpaint",
        "局部重绘",
        LocalText("Only what was painted over changes.", "只改动涂抹过的地方。"),
    ),
}


def _template(family: _Family, kind: str, document: Workflow) -> Template:
    en, zh, about = _KINDS[kind]
    title = LocalText(f"{family.title}, {en}", f"{family.title} {zh}")
    return Template(f"{family.id}-{kind}", title, about, document)


TEMPLATES: tuple[Template, ...] = (
    *(_template(family, "from-words", _from_words(family)) for family in (_SD15, _SDXL, _FLUX)),
    *(_template(family, "from-picture", _from_picture(family)) for family in (_SD15, _SDXL, _FLUX)),
    *(_template(family, "within-mask", _within_mask(family)) for family in (_SD15, _SDXL, _FLUX_FILL)),
    Template(
        "upscale",
        LocalText("Upscale with a model", "模型放大"),
        LocalText("The same picture with more pixels.", "画面不变，像素更多。"),
        _upscaled(),
    ),
)


def spelled_out(document: JsonObject) -> JsonObject:
    """The document; where it holds a template's id in place of a workflow (as catalog files may), that template's."""
    named = document.get("workflow")
    found = next((template.document for template in TEMPLATES if template.id == named), None)
    return document if found is None else {**document, "workflow": found}
