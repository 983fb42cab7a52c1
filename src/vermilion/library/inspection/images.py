"""Pictures: caps before decoding, then every byte decoded, so that a truncated file is never kept."""

from pathlib import Path

from PIL import Image

from vermilion.library.inspection.media import (
    ANIMATION_FRAMES_MAX,
    ANIMATION_PIXELS_MAX,
    PIXELS_MAX,
    Marks,
    Media,
    Unreadable,
)
from vermilion.library.inspection.thumbnails import THUMBNAIL_PIXELS, shrink, thumbhash_of, write_webp

_FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/avif": "AVIF",
}

_ORIENTATION = 0x0112
_TURNS = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_270,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_90,),
}
_ON_ITS_SIDE = {5, 6, 7, 8}


def inspect_image(path: Path, content_type: str, thumbnail: Path) -> Media:
    """Decode the picture wholly and write its thumbnail; raises `Unreadable`, or what Pillow raises on damage."""
    with open_image(path, content_type) as image:
        width, height = image.size
        orientation = image.getexif().get(_ORIENTATION, 1)
        # Decoding at half or quarter size still reads every coded byte, so it still notices a missing end.
        image.draft("RGB", (THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
        image.load()
        small = shrink(image)
        for turn in _TURNS.get(orientation, ()):
            small = small.transpose(turn)
        if content_type != "image/jpeg":
            _decode_other_frames(image)
    blur = thumbhash_of(small)
    write_webp(small, thumbnail)
    if orientation in _ON_ITS_SIDE:
        width, height = height, width
    return Media("image", content_type, width, height, None, blur, thumbnail)


def open_image(path: Path, content_type: str) -> Image.Image:
    """The picture, not yet decoded, and not larger than can be kept; raises `Unreadable`."""
    # Our own cap below is checked first and says which number was exceeded.
    Image.MAX_IMAGE_PIXELS = None
    image = Image.open(path, formats=(_FORMATS[content_type],))
    width, height = image.size
    if width * height > PIXELS_MAX:
        image.close()
        raise Unreadable(
            "asset.too_many_pixels",
            f"The picture has {width} × {height} pixels; at most {PIXELS_MAX // 1_000_000} million are kept.",
        )
    return image


def marks_in(path: Path, content_type: str) -> Marks:
    """What is painted in a mask, down to its last pixel; raises `Unreadable`, or what Pillow raises on damage."""
    with open_image(path, content_type) as image:
        clear = False
        if image.has_transparency_data:
            alpha = (image if "A" in image.getbands() else image.convert("RGBA")).getchannel("A")
            clear = alpha.getextrema()[0] < 255  # type: ignore[operator]
        # What lies under transparency counts, too: some vendors look at nothing else.
        plain = image if image.mode in {"1", "L", "LA", "RGB", "RGBA"} else image.convert("RGB")
        return Marks(light=plain.convert("L").getextrema()[1] > 0, clear=clear)  # type: ignore[operator]


def make_thumbnail(source: Path, target: Path, longest_pixels: int) -> None:
    """A smaller thumbnail out of one of ours."""
    with Image.open(source, formats=("WEBP",)) as image:
        write_webp(shrink(image, longest_pixels), target)


def _decode_other_frames(image: Image.Image) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames > ANIMATION_FRAMES_MAX:
        raise Unreadable("asset.too_long", f"The animation has more than {ANIMATION_FRAMES_MAX} frames.")
    if frames * image.width * image.height > ANIMATION_PIXELS_MAX:
        raise Unreadable("asset.too_many_pixels", f"The animation's {frames} frames are too large together.")
    for frame in range(1, frames):
        image.seek(frame)
        image.load()
