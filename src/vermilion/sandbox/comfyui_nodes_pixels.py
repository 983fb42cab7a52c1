"""Nodes of a sandbox's ComfyUI that handle and keep pictures, and one custom node that makes videos."""

from __future__ import annotations

from .comfyui_inputs import (
    SIDE_MAX,
    UPSCALES,
    link,
    number,
    one_of,
    switch,
    text,
    whole,
)
from .comfyui_node import ANY_SIDE, IMAGE, MASK, NodeType

_PREFIX = text("ComfyUI")

IMAGES = (
    NodeType(
        *("ImageScale", "Upscale Image", "image/upscaling"),
        {
            **{"image": IMAGE, "upscale_method": one_of(UPSCALES), "width": ANY_SIDE, "height": ANY_SIDE},
            "crop": one_of(("disabled", "center")),
        },
        ("IMAGE",),
    ),
    NodeType(
        *("ImageScaleBy", "Upscale Image By", "image/upscaling"),
        {"image": IMAGE, "upscale_method": one_of(UPSCALES), "scale_by": number(1.0, 0.01, 8.0)},
        ("IMAGE",),
    ),
    NodeType(
        *("ImageScaleToTotalPixels", "ImageScaleToTotalPixels", "image/upscaling"),
        {"image": IMAGE, "upscale_method": one_of(UPSCALES), "megapixels": number(1.0, 0.01, 16.0)},
        ("IMAGE",),
    ),
    NodeType(
        *("ImageUpscaleWithModel", "Upscale Image (using Model)", "image/upscaling"),
        {"upscale_model": link("UPSCALE_MODEL"), "image": IMAGE},
        ("IMAGE",),
        modern=True,
    ),
    NodeType(
        *("ImageToMask", "Convert Image to Mask", "mask"),
        {"image": IMAGE, "channel": one_of(("red", "green", "blue", "alpha"))},
        ("MASK",),
    ),
    NodeType("InvertMask", "InvertMask", "mask", {"mask": MASK}, ("MASK",)),
    NodeType(
        *("GrowMask", "GrowMask", "mask"),
        {"mask": MASK, "expand": whole(0, -SIDE_MAX, SIDE_MAX), "tapered_corners": switch(default=True)},
        ("MASK",),
    ),
    NodeType(
        *("CreateVideo", "Create Video", "image/video"),
        {"images": IMAGE, "fps": number(30.0, 1.0, 120.0, 1.0), "audio": link("AUDIO", optional=True)},
        ("VIDEO",),
        modern=True,
    ),
)

OUTPUTS = (
    NodeType("SaveImage", "Save Image", "image", {"images": IMAGE, "filename_prefix": _PREFIX}, (), output_node=True),
    NodeType("PreviewImage", "Preview Image", "image", {"images": IMAGE}, (), output_node=True),
    NodeType(
        *("SaveVideo", "Save Video", "image/video"),
        {
            **{"video": link("VIDEO"), "filename_prefix": text("video/ComfyUI")},
            **{"format": one_of(("auto", "mp4")), "codec": one_of(("auto", "h264"))},
        },
        (),
        output_node=True,
        modern=True,
    ),
    NodeType(
        *("VHS_VideoCombine", "Video Combine", "Video Helper Suite"),
        {
            **{"images": IMAGE, "frame_rate": number(8.0, 1.0, 120.0, 1.0), "loop_count": whole(0, 0, 100)},
            **{"filename_prefix": text("AnimateDiff"), "format": one_of(("video/h264-mp4",))},
            **{"pingpong": switch(default=False), "save_output": switch(default=True)},
        },
        ("VHS_FILENAMES",),
        output_node=True,
        module="custom_nodes.comfyui-videohelpersuite",
    ),
)
