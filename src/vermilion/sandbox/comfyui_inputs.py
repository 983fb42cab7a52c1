"""What inputs of a sandbox's ComfyUI nodes are made of: types, limits, and the lists one chooses from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SIDE_MAX = 16_384
SEED_MAX = 2**64 - 1

FOLDERS: dict[str, tuple[str, ...]] = {
    "checkpoints": (
        "512-inpainting-ema.safetensors",
        "sd_xl_base_1.0.safetensors",
        "sd_xl_refiner_1.0.safetensors",
        "v1-5-pruned-emaonly.safetensors",
    ),
    "loras": ("ink-wash.safetensors", "pixel-art.safetensors"),
    "vae": ("ae.safetensors", "vae-ft-mse-840000-ema-pruned.safetensors"),
    "text_encoders": ("clip_l.safetensors", "t5xxl_fp16.safetensors", "t5xxl_fp8_e4m3fn.safetensors"),
    "diffusion_models": ("flux1-dev.safetensors", "flux1-fill-dev.safetensors", "flux1-schnell.safetensors"),
    "clip_vision": ("clip_vision_g.safetensors",),
    "style_models": (),
    "embeddings": ("easynegative.safetensors",),
    "controlnet": ("control_v11p_sd15_canny.safetensors",),
    "upscale_models": ("4x-UltraSharp.pth", "RealESRGAN_x4plus.pth"),
}
"""The model files there are, by folder."""

SAMPLERS = (
    *("euler", "euler_cfg_pp", "euler_ancestral", "euler_ancestral_cfg_pp", "heun", "heunpp2", "dpm_2"),
    *("dpm_2_ancestral", "lms", "dpm_fast", "dpm_adaptive", "dpmpp_2s_ancestral", "dpmpp_2s_ancestral_cfg_pp"),
    *("dpmpp_sde", "dpmpp_sde_gpu", "dpmpp_2m", "dpmpp_2m_cfg_pp", "dpmpp_2m_sde", "dpmpp_2m_sde_gpu"),
    *("dpmpp_2m_sde_heun", "dpmpp_2m_sde_heun_gpu", "dpmpp_3m_sde", "dpmpp_3m_sde_gpu", "ddpm", "lcm", "ipndm"),
    *("ipndm_v", "deis", "res_multistep", "res_multistep_cfg_pp", "res_multistep_ancestral"),
    *("res_multistep_ancestral_cfg_pp", "gradient_estimation", "gradient_estimation_cfg_pp", "er_sde", "seeds_2"),
    *("seeds_3", "sa_solver", "sa_solver_pece", "ddim", "uni_pc", "uni_pc_bh2"),
)
SCHEDULERS = (
    *("simple", "sgm_uniform", "karras", "exponential", "ddim_uniform", "beta", "normal", "linear_quadratic"),
    "kl_optimal",
)
UPSCALES = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")
LATENT_UPSCALES = ("nearest-exact", "bilinear", "area", "bicubic", "bislerp")
WEIGHT_TYPES = ("default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2")
CLIP_TYPES = ("stable_diffusion", "stable_cascade", "sd3", "stable_audio", "flux", "wan", "qwen_image")
DUAL_TYPES = ("sdxl", "sd3", "flux", "hunyuan_video", "hidream")
UPLOADED = "input"
"""The name of the list of uploaded files, which changes."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input: a link's type, or a value with limits. `choices` is fixed, or the name of a folder of files."""

    type: str
    choices: tuple[str, ...] | str = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = False


def link(kind: str, *, optional: bool = False) -> Input:
    """What comes out of another node."""
    return Input(kind, optional=optional)


def whole(default: int, low: int, high: int, step: int = 1, **more: Any) -> Input:
    """An integer between limits."""
    return Input("INT", options={"default": default, "min": low, "max": high, "step": step, **more})


def number(default: float, low: float, high: float, step: float = 0.01) -> Input:
    """A number between limits."""
    return Input("FLOAT", options={"default": default, "min": low, "max": high, "step": step})


def text(default: str = "", *, multiline: bool = False) -> Input:
    """Words."""
    return Input("STRING", options={"multiline": True} if multiline else {"default": default})


def switch(*, default: bool) -> Input:
    """Yes or no."""
    return Input("BOOLEAN", options={"default": default})


def one_of(choices: tuple[str, ...] | str, **options: Any) -> Input:
    """One of a list: given, or what a folder holds."""
    return Input("COMBO", choices, options)
