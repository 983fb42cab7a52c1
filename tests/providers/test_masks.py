"""Masks come from people: a small file that unfolds into a huge picture must not cost the house its memory."""

import io
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from PIL import Image

from vermilion.providers import Rejected, masks
from vermilion.providers.masks import MAX_PIXELS, as_transparency, cut_out, in_both_ways


def encoded(image: Image.Image, form: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, form)
    return file.getvalue()


def cut_by(mask: bytes) -> bytes:
    return cut_out(encoded(Image.new("RGB", (8, 8), "teal")), mask)


def cut_from(picture: bytes) -> bytes:
    return cut_out(picture, encoded(Image.new("L", (8, 8), 255)))


EACH = pytest.mark.parametrize("work", [as_transparency, in_both_ways, cut_by, cut_from])


@EACH
def test_what_is_too_large_is_refused_by_its_header_alone(work: Callable[[bytes], bytes]) -> None:
    side = int(MAX_PIXELS**0.5)
    # Nothing follows the header: whoever began to unfold it would find it broken instead.
    beginning = encoded(Image.new("1", (side + 1, side)))[:60]
    with pytest.raises(Rejected, match=r"too large.*16 megapixels"):
        work(beginning)
    with pytest.raises(Rejected, match="no readable"):
        work(encoded(Image.new("1", (side, side)))[:60])


@EACH
def test_what_is_larger_than_any_picture_is_refused_in_the_same_words(work: Callable[[bytes], bytes]) -> None:
    with pytest.raises(Rejected, match="too large"):
        work(encoded(Image.new("1", (20_000, 10_000)))[:60])


@EACH
@pytest.mark.parametrize("form", ["GIF", "TIFF", "BMP", "PPM"])
def test_only_the_formats_of_pictures_people_bring_are_opened(work: Callable[[bytes], bytes], form: str) -> None:
    with pytest.raises(Rejected, match="no readable"):
        work(encoded(Image.new("L", (8, 8), 255), form))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_white_means_change_in_whatever_way_it_is_written(mode: str) -> None:
    white = Image.new("L", (4, 2), 0)
    white.paste(255, (0, 0, 2, 2))
    made = white.point(lambda value: value * 257, "I").convert(mode) if mode == "I;16" else white.convert(mode)
    both = Image.open(io.BytesIO(in_both_ways(encoded(made))))
    assert (both.mode, both.getpixel((0, 0)), both.getpixel((3, 1))) == ("RGBA", (255,) * 3 + (0,), (0, 0, 0, 255))


def test_one_mask_at_a_time_is_worked_on(monkeypatch: pytest.MonkeyPatch) -> None:
    counting, inside, most = Lock(), 0, 0
    read = masks._read

    def counted(mask: bytes) -> Any:
        nonlocal inside, most
        with counting:
            inside += 1
            most = max(most, inside)
        time.sleep(0.02)
        with counting:
            inside -= 1
        return read(mask)

    monkeypatch.setattr(masks, "_read", counted)
    mask = encoded(Image.new("L", (8, 8), 255))
    with ThreadPoolExecutor(6) as threads:
        for done in [threads.submit(work, mask) for work in (as_transparency, in_both_ways, cut_by) * 2]:
            done.result()
    assert most == 1


_MEASURED = """
import io, sys
from PIL import Image
from vermilion.providers import masks

def highest_bytes():
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))

Image.init()
picture, mask = (open(path, "rb").read() for path in sys.argv[2:])
before = highest_bytes()
masks.cut_out(picture, mask) if sys.argv[1] == "cut_out" else getattr(masks, sys.argv[1])(mask)
print(highest_bytes() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells how much was used at most")
@pytest.mark.parametrize("mode", ["L", "RGBA"])
@pytest.mark.parametrize("work", ["as_transparency", "in_both_ways", "cut_out"])
def test_the_largest_mask_takes_no_more_than_it_is_said_to(work: str, mode: str, tmp_path: Path) -> None:
    size = (int(MAX_PIXELS**0.5),) * 2
    mask = Image.new(mode, size, 0 if mode == "L" else (0, 0, 0, 255))
    mask.paste(255 if mode == "L" else (0, 0, 0, 0), (0, 0, 1000, 1000))
    mask.save(tmp_path / "mask.png")
    Image.new("RGB", size, "teal").save(tmp_path / "picture.jpg")
    # In a process of its own: what other tests used before would hide it.
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, work, str(tmp_path / "picture.jpg"), str(tmp_path / "mask.png")],
        capture_output=True,
        check=True,
        text=True,
    )
    assert int(done.stdout) < 130 * 2**20
