"""Our thumbhash is the published one: answers recorded from the reference encoder (npm thumbhash 0.1.1)."""

import hashlib

import pytest

from vermilion.library.inspection.thumbhash import thumbhash


def _noise(width: int, height: int, *, opaque: bool) -> bytes:
    pixels = bytearray(hashlib.shake_256(f"{width}x{height}".encode()).digest(width * height * 4))
    if opaque:
        pixels[3::4] = b"\xff" * (width * height)
    return bytes(pixels)


@pytest.mark.parametrize(
    ("width", "height", "opaque", "expected"),
    [
        (28, 14, False, "e007820b8207286baf6e7b08c855082bb308a7668af8c8"),
        (28, 14, True, "e107021484376ad47f8e796a466607c856680a"),
        (7, 28, False, "60f8810902073bb7c8304b05798678f839c9c68aa35066"),
        (7, 28, True, "60f80112063bfceb50c352a8058a5688f9"),
        (20, 20, False, "df07820d02088168765680b6a5934960ef2b1419cc78e70768"),
        (20, 20, True, "e0f701170473a8a46555867088b495a4bd8658a906f9bc05"),
    ],
)
def test_a_picture_has_the_hash_the_reference_gives_it(width: int, height: int, opaque: bool, expected: str) -> None:
    assert thumbhash(width, height, _noise(width, height, opaque=opaque)).hex() == expected


def test_a_wholly_see_through_picture_has_a_hash_too() -> None:
    assert len(thumbhash(4, 3, bytes(48))) == 25


def test_bytes_that_are_no_picture_of_that_size_are_refused() -> None:
    with pytest.raises(ValueError, match="47 bytes are not 4"):
        thumbhash(4, 3, bytes(47))
