"""Pictures: the right size and format, the same for the same order, different otherwise."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image, ImageChops, ImageStat

from vermilion.sandbox.palette import SUBJECTS
from vermilion.sandbox.pictures import SCENES, Order, paint

from .conftest import Client, Start


def _open(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def _distance(one: bytes, other: bytes) -> float:
    """Mean difference of two pictures, from 0 to 255."""
    return sum(ImageStat.Stat(ImageChops.difference(_open(one), _open(other))).mean) / 3


def test_every_subject_has_a_scene() -> None:
    assert set(SUBJECTS) == set(SCENES)


@pytest.mark.parametrize("prompt", ["sea", "山", "夜 moon", "花", "竹", "abstract", "wind", "temple", ""])
def test_the_same_order_gives_the_same_bytes(prompt: str) -> None:
    order = Order(prompt, 11, 256, 192, "png")
    assert paint(order) == paint(order)
    assert _distance(paint(order), paint(Order(prompt, 12, 256, 192, "png"))) > 1


@pytest.mark.parametrize(
    ("width", "height", "format_"),
    [(16, 16, "png"), (1024, 576, "jpeg"), (576, 1024, "webp"), (2048, 2048, "jpeg"), (1536, 64, "png")],
)
def test_sizes_and_formats_are_honoured(width: int, height: int, format_: str) -> None:
    picture = Image.open(io.BytesIO(paint(Order("mountain", 1, width, height, format_))))
    assert picture.size == (width, height)
    assert picture.format == format_.upper()


def test_words_for_colours_are_heard() -> None:
    def mean(prompt: str) -> list[float]:
        return ImageStat.Stat(_open(paint(Order(prompt, 3, 256, 192, "png")))).mean

    red, blue = mean("红色的山"), mean("a blue mountain")
    assert red[0] - red[2] > blue[0] - blue[2] + 30


def test_pictures_are_neither_flat_nor_black() -> None:
    for prompt in ("sea", "山", "夜", "花", "竹", "abstract", "wind", "temple"):
        spread = ImageStat.Stat(_open(paint(Order(prompt, 5, 320, 240, "png"))).convert("L"))
        assert spread.stddev[0] > 12
        assert spread.mean[0] > 15


async def test_an_edit_shows_its_source_and_changes_it(sandbox: Client) -> None:
    source = Image.new("L", (512, 512), 30)
    source.paste(225, (256, 0, 512, 512))
    buffer = io.BytesIO()
    source.convert("RGB").save(buffer, "PNG")
    url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    result = await sandbox.made("in red", "fal-ai/flux-kontext/dev", image_url=url, output_format="png")
    file = await sandbox.ask("GET", result.json["images"][0]["url"], key=False)
    made = _open(file.body).convert("L")
    left, right = (ImageStat.Stat(made.crop(box)).mean[0] for box in ((20, 20, 236, 400), (276, 20, 492, 400)))
    assert right - left > 40
    assert _distance(file.body, buffer.getvalue()) > 4
    assert "base64" not in str(await sandbox.jobs())


async def test_a_picture_from_the_sandbox_can_be_edited_again(sandbox: Client) -> None:
    first = (await sandbox.made("sea", image_size="square")).json["images"][0]["url"]
    again = await sandbox.made("x", "fal-ai/flux-pro/kontext", image_url=first)
    assert (again.status, again.json["images"][0]["width"]) == (200, 512)


async def test_fast_pictures_are_valid_padded_and_all_different(start: Start) -> None:
    sandbox = await start(fast=True, fast_picture_bytes=300_000)
    for format_ in ("jpeg", "png"):
        files = []
        for _ in range(2):
            ticket = await sandbox.submit("x", output_format=format_)
            status = await sandbox.ask("GET", ticket["status_url"])
            assert (status.status, status.json["status"]) == (200, "COMPLETED")
            images = (await sandbox.ask("GET", ticket["response_url"])).json["images"]
            files.append((await sandbox.ask("GET", images[0]["url"], key=False)).body)
        assert files[0] != files[1]
        assert all(abs(len(file) - 300_000) < 3_000 for file in files)
        with Image.open(io.BytesIO(files[0])) as picture:
            picture.load()
            assert picture.size == (1024, 768)
