"""Films can be played, are as long and large as ordered, move, say SANDBOX, and begin and end as told."""

from __future__ import annotations

import io
from dataclasses import replace

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from vermilion.sandbox.dubs import DubOrder, dub
from vermilion.sandbox.easel import Easel
from vermilion.sandbox.films import FilmOrder, film


def _still(colour: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(buffer, "PNG")
    return buffer.getvalue()


def _frames(data: bytes) -> list[Image.Image]:
    with av.open(io.BytesIO(data), mode="r") as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def _colour(picture: Image.Image) -> list[float]:
    # The middle, which the label does not reach.
    width, height = picture.size
    return ImageStat.Stat(picture.crop((width // 4, height // 4, width * 3 // 4, height * 3 // 4))).mean


@pytest.mark.parametrize(("width", "height", "seconds"), [(640, 360, 2.0), (358, 642, 1.0), (101, 77, 0.5)])
def test_a_film_is_what_browsers_play_and_what_was_ordered(width: int, height: int, seconds: float) -> None:
    data = film(FilmOrder("a quiet lake", 3, width, height, seconds))
    with av.open(io.BytesIO(data), mode="r") as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert abs(stream.width - width) <= 1
        assert abs(stream.height - height) <= 1
        assert float(container.duration or 0) / 1_000_000 == pytest.approx(seconds, abs=0.1)
    # The index comes first, so that playing begins before the end has arrived.
    assert data.index(b"moov") < data.index(b"mdat")


def test_a_film_moves_and_its_label_stands_still() -> None:
    frames = _frames(film(FilmOrder("mountains at dawn", 5, 640, 360, 2.0)))
    moved = ImageChops.difference(frames[0], frames[-1])
    height = moved.height
    assert ImageStat.Stat(moved.convert("L")).mean[0] > 3
    letters = [frame.convert("L").crop((12, height - 26, 130, height - 12)) for frame in (frames[0], frames[-1])]
    assert all(max(letter.tobytes()) > 220 for letter in letters)


def test_the_same_order_is_the_same_film_and_another_seed_is_not() -> None:
    order = FilmOrder("waves", 1, 320, 240, 0.5)
    assert film(order) == film(order)
    assert film(order) != film(FilmOrder("waves", 2, 320, 240, 0.5))
    assert order.key() != FilmOrder("waves", 1, 320, 240, 1.0).key()


def test_a_film_begins_as_the_first_picture_and_ends_as_the_last() -> None:
    red, blue = _still((210, 40, 30)), _still((30, 50, 200))
    frames = _frames(film(FilmOrder("x", 1, 320, 240, 1.0, sources=(red, blue))))
    assert _colour(frames[0]) == pytest.approx((210, 40, 30), abs=12)
    assert _colour(frames[-1]) == pytest.approx((30, 50, 200), abs=12)


async def test_plain_films_differ_byte_for_byte_and_still_play() -> None:
    easel = Easel(canvas_pixels=lambda: 160_000, plain=True, plain_bytes=0)
    order = FilmOrder("x", 1, 320, 240, 5.0)
    one, other = await easel.picture(order, "a"), await easel.picture(order, "b")
    assert one != other
    assert len(_frames(one)) == len(_frames(other)) > 1
    await easel.close()


def test_a_speaking_film_is_the_same_film_with_lips_that_move() -> None:
    order = FilmOrder("a portrait", 4, 320, 240, 1.0)
    silent, speaking = _frames(film(order)), _frames(film(replace(order, speaking=True)))
    assert len(silent) == len(speaking)
    assert _changed(silent, speaking, (0, 0, 320, 90)) < 2, "above the mouth the pictures are the film's own"
    mouth = (130, 125, 190, 175)
    assert _changed(silent, speaking, mouth) > 20
    assert _changed(speaking[:-4], speaking[4:], mouth) > _changed(silent[:-4], silent[4:], mouth) + 3


@pytest.mark.parametrize("rate", [4, 24])
def test_a_film_from_elsewhere_speaks_in_its_own_pictures_at_its_own_pace(rate: int) -> None:
    colours = [(210, 40, 30), (30, 160, 60), (30, 50, 200)]
    frames = _frames(dub(DubOrder(_film_of(colours, rate), 3.0)))
    assert len(frames) == pytest.approx(36, abs=2)
    for second, colour in enumerate(colours):
        corner = frames[second * 12 + 6].crop((0, 0, 60, 40))
        assert ImageStat.Stat(corner).mean == pytest.approx(colour, abs=16)


def _changed(before: list[Image.Image], after: list[Image.Image], box: tuple[int, int, int, int]) -> float:
    """How much the pictures of two films differ within a box."""
    differences = [
        ImageStat.Stat(ImageChops.difference(one.crop(box), other.crop(box)).convert("L")).mean[0]
        for one, other in zip(before, after, strict=True)
    ]
    return sum(differences) / len(differences)


def _film_of(colours: list[tuple[int, int, int]], rate: int) -> bytes:
    """Each colour for a second."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for colour in colours:
            for _ in range(rate):
                picture = Image.new("RGB", (160, 120), colour)
                container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode(None))
    return file.getvalue()
