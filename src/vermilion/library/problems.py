"""What people are told when a file is refused or cannot be had."""

from vermilion.kit import AppError
from vermilion.library.inspection.media import Unreadable

_STATUS = {
    "asset.type_refused": 415,
    "asset.unreadable": 422,
    "asset.too_many_pixels": 422,
    "asset.too_long": 422,
}

KEPT_TYPES = "JPEG, PNG, WebP, GIF and AVIF pictures, MP4, MOV and WebM videos, MP3, M4A and WAV sound"


def refused(refusal: Unreadable) -> AppError:
    """The problem for a file the inspection refused."""
    if refusal.code == "asset.type_refused":
        return type_refused(refusal.detail)
    return AppError(refusal.code, refusal.detail, status=_STATUS[refusal.code], field="file")


def type_refused(detail: str) -> AppError:
    """415: the content is of a type the house does not keep, whatever its name says."""
    return AppError("asset.type_refused", f"{detail} Kept are {KEPT_TYPES}.", status=415, field="file")


def too_large(max_bytes: int) -> AppError:
    """413: more bytes than allowed for its kind."""
    return AppError(
        "asset.too_large",
        f"The file is larger than {max_bytes} bytes.",
        status=413,
        field="file",
        extras={"limit_bytes": max_bytes},
    )


def not_stored_now() -> AppError:
    """503: our storage cannot take or give files at the moment; the reason is in the log."""
    return AppError(
        "asset.storage_unavailable",
        "The studio's storage cannot be used at the moment. Try again later.",
        status=503,
        headers={"Retry-After": "30"},
    )
