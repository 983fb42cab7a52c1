"""What an inspection says about a file: that it is this, or why it cannot be read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["image", "video", "audio"]

PIXELS_MAX = 64_000_000
"""Of one picture or frame, checked before a single pixel is decoded."""

ANIMATION_PIXELS_MAX = 1_000_000_000
"""Of all frames of an animated picture together: about ten seconds of decoding."""

ANIMATION_FRAMES_MAX = 1_000
DURATION_MAX_SECONDS = 600.0

RefusalCode = Literal["asset.type_refused", "asset.unreadable", "asset.too_many_pixels", "asset.too_long"]


class Unreadable(Exception):
    """The file is refused; `detail` is one English sentence about it."""

    def __init__(self, code: RefusalCode, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Marks:
    """What is painted in a picture that is meant as a mask: anything that is not black, anything not opaque."""

    light: bool
    clear: bool


@dataclass(frozen=True, slots=True)
class Media:
    """What the content is, by its content. Sizes in pixels are as it is shown, after rotation.

    `thumbhash` and `thumbnail` (a WebP file of at most 640 pixels, without metadata) are None for audio.
    """

    kind: Kind
    content_type: str
    width: int | None
    height: int | None
    duration_seconds: float | None
    thumbhash: bytes | None
    thumbnail: Path | None
