"""Core nodes of a sandbox's ComfyUI that lead from model files and words to a latent, with their real limits."""

from __future__ import annotations

from .comfyui_inputs import (
    CLIP_TYPES,
    DUAL_TYPES,
    LATENT_UPSCALES,
    SAMPLERS,
    SCHEDULERS,
    SEED_MAX,
    SIDE_MAX,
    UPLOADED,
    WEIGHT_TYPES,
    link,
    number,
    one_of,
    switch,
    text,
    whole,
)
from .comfyui_node import ANY_SIDE, CLIP, CONDITIONING, IMAGE, LATENT, MASK, MODEL, VAE, NodeType

_WORDS = text(multiline=True)
_SIDE = whole(512, 16, SIDE_MAX, 8)
_SEED = whole(0, 0, SEED_MAX, control_after_generate=True)
_STEPS = whole(20, 1, 10_000)
_STRENGTH = number(1.0, -100.0, 100.0)
_EMPTY = {"width": _SIDE, "height": _SIDE, "batch_size": whole(1, 1, 4096)}
_SAMPLING = {
    "cfg": number(8.0, 0.0, 100.0, 0.1),
    "sampler_name": one_of(SAMPLERS),
    "scheduler": one_of(SCHEDULERS),
    "positive": CONDITIONING,
    "negative": CONDITIONING,
    "latent_image": LATENT,
}
_LOADED = one_of(UPLOADED, image_upload=True)

LOADERS = (
    NodeType(
        *("CheckpointLoaderSimple", "Load Checkpoint", "loaders"),
        {"ckpt_name": one_of("checkpoints")},
        ("MODEL", "CLIP", "VAE"),
    ),
    NodeType(
        *("LoraLoader", "Load LoRA", "loaders"),
        {
            **{"model": MODEL, "clip": CLIP, "lora_name": one_of("loras")},
            **{"strength_model": _STRENGTH, "strength_clip": _STRENGTH},
        },
        ("MODEL", "CLIP"),
    ),
    NodeType(
        *("LoraLoaderModelOnly", "LoraLoaderModelOnly", "loaders"),
        {"model": MODEL, "lora_name": one_of("loras"), "strength_model": _STRENGTH},
        ("MODEL",),
    ),
    NodeType("VAELoader", "Load VAE", "loaders", {"vae_name": one_of("vae")}, ("VAE",)),
    NodeType(
        *("UNETLoader", "Load Diffusion Model", "advanced/loaders"),
        {"unet_name": one_of("diffusion_models"), "weight_dtype": one_of(WEIGHT_TYPES)},
        ("MODEL",),
    ),
    NodeType(
        *("CLIPLoader", "Load CLIP", "advanced/loaders"),
        {"clip_name": one_of("text_encoders"), "type": one_of(CLIP_TYPES)},
        ("CLIP",),
    ),
    NodeType(
        *("DualCLIPLoader", "DualCLIPLoader", "advanced/loaders"),
        {
            **{"clip_name1": one_of("text_encoders"), "clip_name2": one_of("text_encoders")},
            "type": one_of(DUAL_TYPES),
        },
        ("CLIP",),
    ),
    NodeType(
        *("UpscaleModelLoader", "Load Upscale Model", "loaders"),
        {"model_name": one_of("upscale_models")},
        ("UPSCALE_MODEL",),
        modern=True,
    ),
    NodeType("LoadImage", "Load Image", "image", {"image": _LOADED}, ("IMAGE", "MASK")),
    NodeType(
        *("LoadImageMask", "Load Image (as Mask)", "mask"),
        {"image": _LOADED, "channel": one_of(("alpha", "red", "green", "blue"))},
        ("MASK",),
    ),
)

CONDITIONINGS = (
    NodeType(
        *("CLIPTextEncode", "CLIP Text Encode (Prompt)", "conditioning"),
        {"text": _WORDS, "clip": CLIP},
        ("CONDITIONING",),
    ),
    NodeType(
        *("CLIPTextEncodeSDXL", "CLIPTextEncodeSDXL", "advanced/conditioning"),
        {
            "clip": CLIP,
            **dict.fromkeys(("width", "height", "crop_w", "crop_h", "target_width", "target_height"), ANY_SIDE),
            **{"text_g": _WORDS, "text_l": _WORDS},
        },
        ("CONDITIONING",),
        modern=True,
    ),
    NodeType(
        *("CLIPSetLastLayer", "CLIP Set Last Layer", "conditioning"),
        {"clip": CLIP, "stop_at_clip_layer": whole(-1, -24, -1)},
        ("CLIP",),
    ),
    NodeType(
        *("FluxGuidance", "FluxGuidance", "advanced/conditioning/flux"),
        {"conditioning": CONDITIONING, "guidance": number(3.5, 0.0, 100.0, 0.1)},
        ("CONDITIONING",),
        modern=True,
    ),
    NodeType(
        *("ConditioningZeroOut", "ConditioningZeroOut", "advanced/conditioning"),
        {"conditioning": CONDITIONING},
        ("CONDITIONING",),
    ),
    NodeType(
        *("ConditioningCombine", "Conditioning (Combine)", "conditioning"),
        {"conditioning_1": CONDITIONING, "conditioning_2": CONDITIONING},
        ("CONDITIONING",),
    ),
    NodeType(
        *("InpaintModelConditioning", "InpaintModelConditioning", "conditioning/inpaint"),
        {
            **{"positive": CONDITIONING, "negative": CONDITIONING, "vae": VAE, "pixels": IMAGE, "mask": MASK},
            "noise_mask": switch(default=True),
        },
        ("CONDITIONING", "CONDITIONING", "LATENT"),
    ),
)

LATENTS = (
    NodeType("EmptyLatentImage", "Empty Latent Image", "latent", _EMPTY, ("LATENT",)),
    NodeType("EmptySD3LatentImage", "EmptySD3LatentImage", "latent/sd3", _EMPTY, ("LATENT",), modern=True),
    NodeType(
        *("LatentUpscale", "Upscale Latent", "latent"),
        {
            **{"samples": LATENT, "upscale_method": one_of(LATENT_UPSCALES)},
            **{"width": whole(512, 0, SIDE_MAX, 8), "height": whole(512, 0, SIDE_MAX, 8)},
            "crop": one_of(("disabled", "center")),
        },
        ("LATENT",),
    ),
    NodeType(
        *("LatentUpscaleBy", "Upscale Latent By", "latent"),
        {"samples": LATENT, "upscale_method": one_of(LATENT_UPSCALES), "scale_by": number(1.5, 0.01, 8.0)},
        ("LATENT",),
    ),
    NodeType(
        *("RepeatLatentBatch", "Repeat Latent Batch", "latent/batch"),
        {"samples": LATENT, "amount": whole(1, 1, 64)},
        ("LATENT",),
    ),
    NodeType(
        *("SetLatentNoiseMask", "Set Latent Noise Mask", "latent/inpaint"),
        {"samples": LATENT, "mask": MASK},
        ("LATENT",),
    ),
    NodeType("VAEDecode", "VAE Decode", "latent", {"samples": LATENT, "vae": VAE}, ("IMAGE",)),
    NodeType("VAEEncode", "VAE Encode", "latent", {"pixels": IMAGE, "vae": VAE}, ("LATENT",)),
    NodeType(
        *("VAEEncodeForInpaint", "VAE Encode (for Inpainting)", "latent/inpaint"),
        {"pixels": IMAGE, "vae": VAE, "mask": MASK, "grow_mask_by": whole(6, 0, 64)},
        ("LATENT",),
    ),
)

SAMPLER_NODES = (
    NodeType(
        *("KSampler", "KSampler", "sampling"),
        {"model": MODEL, "seed": _SEED, "steps": _STEPS, **_SAMPLING, "denoise": number(1.0, 0.0, 1.0)},
        ("LATENT",),
    ),
    NodeType(
        *("KSamplerAdvanced", "KSampler (Advanced)", "sampling"),
        {
            **{"model": MODEL, "add_noise": one_of(("enable", "disable")), "noise_seed": _SEED, "steps": _STEPS},
            **_SAMPLING,
            **{"start_at_step": whole(0, 0, 10_000), "end_at_step": whole(10_000, 0, 10_000)},
            "return_with_leftover_noise": one_of(("disable", "enable")),
        },
        ("LATENT",),
    ),
    NodeType("RandomNoise", "RandomNoise", "sampling/custom_sampling/noise", {"noise_seed": _SEED}, ("NOISE",)),
    NodeType(
        *("KSamplerSelect", "KSamplerSelect", "sampling/custom_sampling/samplers"),
        {"sampler_name": one_of(SAMPLERS)},
        ("SAMPLER",),
    ),
    NodeType(
        *("BasicScheduler", "BasicScheduler", "sampling/custom_sampling/schedulers"),
        {"model": MODEL, "scheduler": one_of(SCHEDULERS), "steps": _STEPS, "denoise": number(1.0, 0.0, 1.0)},
        ("SIGMAS",),
    ),
    NodeType(
        *("BasicGuider", "BasicGuider", "sampling/custom_sampling/guiders"),
        {"model": MODEL, "conditioning": CONDITIONING},
        ("GUIDER",),
    ),
    NodeType(
        *("ModelSamplingFlux", "ModelSamplingFlux", "advanced/model"),
        {
            **{"model": MODEL, "max_shift": number(1.15, 0.0, 100.0), "base_shift": number(0.5, 0.0, 100.0)},
            **{"width": whole(1024, 16, SIDE_MAX, 8), "height": whole(1024, 16, SIDE_MAX, 8)},
        },
        ("MODEL",),
    ),
    NodeType(
        *("SamplerCustomAdvanced", "SamplerCustomAdvanced", "sampling/custom_sampling"),
        {
            **{"noise": link("NOISE"), "guider": link("GUIDER"), "sampler": link("SAMPLER")},
            **{"sigmas": link("SIGMAS"), "latent_image": LATENT},
        },
        ("LATENT", "LATENT"),
    ),
)
