"""What flows along a workflow's links here: not tensors, but what is needed to paint the result at its end."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image as Pillow

UPSCALE_MODEL_FACTOR = 4
LIMIT_PIXELS = 24_000_000
"""Sampling more than this at once is more than the card's memory holds."""


class NodeFailed(Exception):
    """A node that fails while it runs, as ComfyUI names the exception."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


def out_of_memory() -> NodeFailed:
    """The card's memory does not suffice."""
    return NodeFailed("torch.OutOfMemoryError", "Allocation on device 0 would exceed allowed memory. (out of memory)")


@dataclass(frozen=True, slots=True)
class Canvas:
    """An IMAGE or a LATENT: its size, how many, and what is to be painted on it."""

    width: int
    height: int
    batch: int = 1
    prompt: str = ""
    seed: int = 0
    sources: tuple[str, ...] = ()
    """The uploaded files it is made from, by their names on the shelf."""


@dataclass(frozen=True, slots=True)
class Film:
    """A VIDEO: frames of a canvas."""

    canvas: Canvas
    seconds: float


Given = Mapping[str, Any]
Read = Callable[[str], tuple[str, bytes] | None]


def evaluate(kind: str, given: Given, read: Read) -> tuple[Any, ...]:
    """A node's outputs in order; what nobody needs to know is None. Raises `NodeFailed`.

    `read` finds an uploaded file: its name on the shelf, and its bytes. Output nodes have no outputs.
    """
    make = _MAKERS.get(kind)
    if make is not None:
        return make(given, read)
    # Whatever else there is passes on what it was given: a model, a mask, a noise.
    passed = next((value for value in given.values() if isinstance(value, Canvas | str)), None)
    return (passed, None, None)


def _load(given: Given, read: Read) -> tuple[Any, ...]:
    found = read(str(given["image"]))
    if found is None:
        raise NodeFailed("FileNotFoundError", f"[Errno 2] No such file or directory: {given['image']!r}")
    shelf, data = found
    try:
        with Pillow.open(io.BytesIO(data)) as picture:
            picture.load()
            width, height = picture.size
    except (OSError, SyntaxError, Pillow.DecompressionBombError) as error:
        raise NodeFailed("PIL.UnidentifiedImageError", f"cannot identify image file {given['image']!r}") from error
    return Canvas(width, height, sources=(shelf,)), None


def _sampled(latent: Canvas, words: Any, seed: int) -> tuple[Any, ...]:
    if latent.width * latent.height * latent.batch > LIMIT_PIXELS:
        raise out_of_memory()
    done = replace(latent, prompt=words if isinstance(words, str) else "", seed=seed)
    return done, done


def _ksampler(given: Given, _read: Any) -> tuple[Any, ...]:
    return _sampled(given["latent_image"], given["positive"], int(given.get("seed", given.get("noise_seed", 0))))


def _custom_sampler(given: Given, _read: Any) -> tuple[Any, ...]:
    return _sampled(given["latent_image"], given["guider"], int(given["noise"] or 0))


def _resized(given: Given, _read: Any) -> tuple[Any, ...]:
    canvas: Canvas = given.get("image") or given["samples"]
    width, height = int(given["width"]), int(given["height"])
    if not width and not height:
        return (canvas,)
    width = width or max(1, round(canvas.width * height / canvas.height))
    height = height or max(1, round(canvas.height * width / canvas.width))
    return (replace(canvas, width=width, height=height),)


def _scaled(given: Given, factor: float) -> tuple[Any, ...]:
    canvas: Canvas = given.get("image") or given["samples"]
    return (replace(canvas, width=max(1, round(canvas.width * factor)), height=max(1, round(canvas.height * factor))),)


def _to_total(given: Given, _read: Any) -> tuple[Any, ...]:
    canvas: Canvas = given["image"]
    wanted = float(given["megapixels"]) * 1024 * 1024
    return _scaled(given, math.sqrt(wanted / (canvas.width * canvas.height)))


def _in_eights(canvas: Canvas) -> Canvas:
    return replace(canvas, width=max(8, canvas.width // 8 * 8), height=max(8, canvas.height // 8 * 8))


_MAKERS: dict[str, Callable[[Given, Any], tuple[Any, ...]]] = {
    "LoadImage": _load,
    "LoadImageMask": lambda given, read: (_load(given, read)[1],),
    "CLIPTextEncode": lambda given, _: (str(given["text"]),),
    "CLIPTextEncodeSDXL": lambda given, _: (str(given["text_g"]),),
    "ConditioningCombine": lambda given, _: (f"{given['conditioning_1']} {given['conditioning_2']}",),
    "InpaintModelConditioning": lambda given, _: (given["positive"], given["negative"], given["pixels"]),
    "EmptyLatentImage": lambda given, _: (Canvas(given["width"], given["height"], given["batch_size"]),),
    "EmptySD3LatentImage": lambda given, _: (Canvas(given["width"], given["height"], given["batch_size"]),),
    "RepeatLatentBatch": lambda given, _: (replace(given["samples"], batch=given["samples"].batch * given["amount"]),),
    "LatentUpscale": _resized,
    "LatentUpscaleBy": lambda given, _: _scaled(given, float(given["scale_by"])),
    "ImageScale": _resized,
    "ImageScaleBy": lambda given, _: _scaled(given, float(given["scale_by"])),
    "ImageScaleToTotalPixels": _to_total,
    "ImageUpscaleWithModel": lambda given, _: _scaled(given, UPSCALE_MODEL_FACTOR),
    "VAEDecode": lambda given, _: (given["samples"],),
    "VAEEncode": lambda given, _: (_in_eights(given["pixels"]),),
    "VAEEncodeForInpaint": lambda given, _: (_in_eights(given["pixels"]),),
    "SetLatentNoiseMask": lambda given, _: (given["samples"],),
    "RandomNoise": lambda given, _: (int(given["noise_seed"]),),
    "BasicGuider": lambda given, _: (given["conditioning"],),
    "KSampler": _ksampler,
    "KSamplerAdvanced": _ksampler,
    "SamplerCustomAdvanced": _custom_sampler,
    "CreateVideo": lambda given, _: (Film(given["images"], max(1.0, given["images"].batch / float(given["fps"]))),),
}
