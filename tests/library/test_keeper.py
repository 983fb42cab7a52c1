"""What keeping a file promises: judged by content, wholly decoded, bounded, and durably stored with its thumbnail."""

import asyncio
import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from tests.library.files import encoded, film, picture, png_that_claims, sound, wav
from vermilion.library import Keeper, KeptFile, Marks, Unreadable
from vermilion.storage import LocalStorage, StorageFailed


def _spooled(keeper: Keeper) -> list[Path]:
    return list(keeper.spool_dir.iterdir())


async def _keep(keeper: Keeper, content: bytes, **more: object) -> KeptFile:
    spool = keeper.spool_dir / "incoming.part"
    spool.write_bytes(content)
    return await keeper.keep(spool, **more)  # type: ignore[arg-type]


async def _refusal(keeper: Keeper, content: bytes, **more: object) -> Unreadable:
    with pytest.raises(Unreadable) as refused:
        await _keep(keeper, content, **more)
    assert _spooled(keeper) == []
    return refused.value


def _stored(storage: LocalStorage, key: str | None) -> bytes:
    assert key is not None
    path = storage.local_path(key)
    assert path is not None
    return path.read_bytes()


def _thumbnail(storage: LocalStorage, kept: KeptFile) -> Image.Image:
    return Image.open(io.BytesIO(_stored(storage, kept.thumbnail_key)))


def dotted(mode: str, ground: object, dot: object | None) -> bytes:
    """A PNG of one colour with, perhaps, one pixel of another."""
    image = Image.new(mode, (400, 300), ground)  # type: ignore[arg-type]
    if dot is not None:
        image.putpixel((399, 299), dot)  # type: ignore[arg-type]
    return encoded(image, "PNG")


@pytest.mark.parametrize(
    ("content", "light", "clear"),
    [
        (dotted("RGB", "black", None), False, False),
        (dotted("L", 0, None), False, False),
        (dotted("1", 0, None), False, False),
        (dotted("I;16", 0, None), False, False),
        (dotted("RGB", "black", (0, 0, 9)), True, False),
        (dotted("L", 0, 1), True, False),
        (dotted("1", 0, 1), True, False),
        (dotted("RGBA", (0, 0, 0, 255), None), False, False),
        (dotted("RGBA", (0, 0, 0, 255), (0, 0, 0, 254)), False, True),
        (dotted("RGBA", (0, 0, 0, 0), None), False, True),
        (dotted("RGBA", (255, 255, 255, 255), None), True, False),
        (dotted("LA", (0, 255), (0, 0)), False, True),
        (encoded(Image.new("P", (40, 30)), "PNG"), False, False),
    ],
)
async def test_what_is_painted_in_a_mask_is_seen_to_the_last_pixel(
    keeper: Keeper, content: bytes, light: bool, clear: bool
) -> None:
    kept = await _keep(keeper, content)
    assert await keeper.marks(kept.storage_key) == Marks(light=light, clear=clear)
    assert _spooled(keeper) == []


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
async def test_a_picture_is_kept_byte_for_byte_with_a_small_webp(
    keeper: Keeper, storage: LocalStorage, kind: str
) -> None:
    content = encoded(picture(1000, 500), kind)
    kept = await _keep(keeper, content)
    assert _stored(storage, kept.storage_key) == content
    assert (kept.kind, kept.content_type) == ("image", f"image/{kind.lower()}")
    assert (kept.width, kept.height, kept.duration_seconds) == (1000, 500, None)
    assert (kept.size_bytes, kept.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    small = _thumbnail(storage, kept)
    assert (small.format, small.size) == ("WEBP", (640, 320))
    assert kept.thumbhash is not None
    assert 5 <= len(kept.thumbhash) <= 25
    assert _spooled(keeper) == []


async def test_a_small_picture_is_not_blown_up(keeper: Keeper, storage: LocalStorage) -> None:
    kept = await _keep(keeper, encoded(picture(40, 30), "PNG"))
    assert _thumbnail(storage, kept).size == (40, 30)


async def test_size_and_thumbnail_are_as_the_picture_is_shown_and_its_metadata_stays_out(
    keeper: Keeper, storage: LocalStorage
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "A camera with a secret"
    content = encoded(picture(800, 600), "JPEG", exif=exif.tobytes())
    kept = await _keep(keeper, content)
    assert (kept.width, kept.height) == (600, 800)
    small = _thumbnail(storage, kept)
    assert small.size == (480, 640)
    # The red left half lies on top once the picture is turned.
    top, bottom = small.convert("RGB").getpixel((240, 60)), small.convert("RGB").getpixel((240, 580))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[0] > 150 > top[1] + 50
    assert abs(bottom[0] - bottom[1]) < 60
    assert b"secret" not in _stored(storage, kept.thumbnail_key)
    assert not small.getexif()
    assert "icc_profile" not in small.info


async def test_transparency_sixteen_bits_and_cmyk_look_right_in_the_thumbnail(
    keeper: Keeper, storage: LocalStorage
) -> None:
    see_through = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    assert _thumbnail(storage, await _keep(keeper, encoded(see_through, "PNG"))).mode == "RGBA"
    grey = Image.new("I;16", (100, 100), 0x8000)
    shown = _thumbnail(storage, await _keep(keeper, encoded(grey, "PNG"))).convert("L").getpixel((50, 50))
    assert isinstance(shown, int)
    assert abs(shown - 128) < 6
    ink = Image.new("CMYK", (100, 100), (0, 255, 255, 0))
    red = _thumbnail(storage, await _keep(keeper, encoded(ink, "JPEG"))).convert("RGB").getpixel((50, 50))
    assert isinstance(red, tuple)
    assert red[0] > 180
    assert red[2] < 80


async def test_the_thumbnail_keeps_the_colours_of_a_profile_it_drops(keeper: Keeper, storage: LocalStorage) -> None:
    from PIL import ImageCms

    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    kept = await _keep(keeper, encoded(Image.new("RGB", (50, 50), (180, 90, 40)), "PNG", icc_profile=lab))
    shown = _thumbnail(storage, kept).convert("RGB").getpixel((25, 25))
    assert isinstance(shown, tuple)
    assert all(abs(a - b) < 12 for a, b in zip(shown, (180, 90, 40), strict=True))


def _of_four_colours(width: int, height: int) -> Image.Image:
    whole = Image.new("RGB", (width, height))
    half = (width // 2, height // 2)
    for colour, corner in (("red", (0, 0)), ("lime", (half[0], 0)), ("blue", (0, half[1])), ("white", half)):
        whole.paste(Image.new("RGB", (width, height), colour), corner)
    return whole


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_several_pictures_in_one_are_cut_row_by_row_and_lose_no_pixel(
    keeper: Keeper, storage: LocalStorage, kind: str
) -> None:
    whole = encoded(_of_four_colours(401, 300), kind)
    for _ in range(2):
        spool = keeper.spool_dir / "incoming.part"
        spool.write_bytes(whole)
        cells = await keeper.keep_cells(spool, columns=2, rows=2)
        assert [(cell.content_type, cell.width, cell.height) for cell in cells] == [
            ("image/png", 200, 150), ("image/png", 201, 150), ("image/png", 200, 150), ("image/png", 201, 150)
        ]  # fmt: skip
        assert _spooled(keeper) == []
    decoded = Image.open(io.BytesIO(whole)).convert("RGB")
    pasted = Image.new("RGB", decoded.size)
    for cell, corner in zip(cells, ((0, 0), (200, 0), (0, 150), (200, 150)), strict=True):
        pasted.paste(Image.open(io.BytesIO(_stored(storage, cell.storage_key))), corner)
        assert _thumbnail(storage, cell).size == (cell.width, cell.height)
    assert pasted.tobytes() == decoded.tobytes()
    again = [storage.local_path(cell.storage_key) for cell in cells]
    assert len(set(again)) == 4


async def test_half_a_grid_a_page_and_a_dot_are_no_grids(keeper: Keeper) -> None:
    whole = encoded(_of_four_colours(400, 300), "PNG")
    for content in (whole[: len(whole) // 2], b"<html>" * 50, encoded(Image.new("RGB", (1, 1)), "PNG"), wav()):
        spool = keeper.spool_dir / "incoming.part"
        spool.write_bytes(content)
        with pytest.raises(Unreadable):
            await keeper.keep_cells(spool, columns=2, rows=2)
        assert _spooled(keeper) == []


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
@pytest.mark.parametrize("share", [0.3, 0.9])
async def test_a_truncated_picture_is_refused(keeper: Keeper, kind: str, share: float) -> None:
    content = encoded(picture(1200, 900), kind)
    assert (await _refusal(keeper, content[: int(len(content) * share)])).code == "asset.unreadable"


async def test_a_progressive_jpeg_without_its_last_scans_is_refused(keeper: Keeper) -> None:
    content = encoded(picture(1600, 1200), "JPEG", progressive=True)
    assert (await _refusal(keeper, content[:-3000])).code == "asset.unreadable"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"%PDF-1.7\n",
        b"PK\x03\x04" + b"\0" * 100,
        b"MZ" + b"\0" * 100,
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"II*\0" + b"\0" * 100,
        b"BM" + b"\0" * 100,
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"\x1aE\xdf\xa3\x01\0\0\0\0\0\0\x1fB\x82\x88matroska",
        b"  \n" + b"\x89PNG\r\n\x1a\n",
        b"8BPS\0\1" + b"\0" * 100,
    ],
)
async def test_whatever_is_not_on_the_list_is_refused_by_its_content(keeper: Keeper, content: bytes) -> None:
    assert (await _refusal(keeper, content)).code == "asset.type_refused"


@pytest.mark.parametrize(
    "head",
    [
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"RIFF\0\0\0\0WEBP",
        b"RIFF\0\0\0\0WAVE",
        b"\0\0\0\x18ftypavif\0\0\0\0avifmif1",
        b"\0\0\0\x18ftypisom\0\0\0\0isommp42",
        b"\x1aE\xdf\xa3\x01\0\0\0\0\0\0\x1fB\x82\x84webm",
        b"ID3\x04\0\0\0\0\0\0",
        b"\xff\xfb\x90\x64",
    ],
)
async def test_a_page_behind_a_pictures_first_bytes_is_refused(keeper: Keeper, head: bytes) -> None:
    assert (await _refusal(keeper, head + b"<html><script>alert(1)</script></html>" * 50)).code == "asset.unreadable"


async def test_a_picture_is_refused_by_its_promised_size_before_it_is_decoded(keeper: Keeper) -> None:
    bomb = await _refusal(keeper, png_that_claims(60_000, 60_000))
    assert bomb.code == "asset.too_many_pixels"
    assert bomb.detail.count("60000") == 2


async def test_a_promise_of_fewer_bytes_than_pixels_is_refused_too(keeper: Keeper) -> None:
    assert (await _refusal(keeper, png_that_claims(7000, 7000))).code == "asset.unreadable"


async def test_animations_are_kept_whole_and_bounded(keeper: Keeper, storage: LocalStorage) -> None:
    frames = [picture(60, 40, seed=n) for n in range(12)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    kept = await _keep(keeper, content)
    assert (kept.kind, kept.width, kept.height) == ("image", 60, 40)
    assert (await _refusal(keeper, content[: len(content) // 2])).code == "asset.unreadable"
    tiny = [Image.new("P", (2, 2), n % 250) for n in range(1100)]
    endless = encoded(tiny[0], "GIF", save_all=True, append_images=tiny[1:], optimize=False)
    assert (await _refusal(keeper, endless)).code == "asset.too_long"


async def test_what_was_expected_is_insisted_on(keeper: Keeper, tmp_path: Path) -> None:
    assert (await _refusal(keeper, encoded(picture(), "PNG"), expect="video")).code == "asset.type_refused"
    assert (await _refusal(keeper, film(tmp_path / "a.mp4"), expect="image")).code == "asset.type_refused"
    assert (await _keep(keeper, encoded(picture(), "PNG"), expect="image")).kind == "image"


@pytest.mark.parametrize(
    ("codec", "container", "content_type"),
    [
        ("libx264", "mp4", "video/mp4"),
        ("libx265", "mp4", "video/mp4"),
        ("libsvtav1", "mp4", "video/mp4"),
        ("libx264", "mov", "video/quicktime"),
        ("libvpx", "webm", "video/webm"),
        ("libvpx-vp9", "webm", "video/webm"),
    ],
)
async def test_a_film_is_kept_with_its_length_and_a_poster(
    keeper: Keeper, storage: LocalStorage, tmp_path: Path, codec: str, container: str, content_type: str
) -> None:
    content = film(tmp_path / "film", codec=codec, container=container)
    kept = await _keep(keeper, content)
    assert (kept.kind, kept.content_type) == ("video", content_type)
    assert (kept.width, kept.height) == (320, 180)
    assert kept.duration_seconds == pytest.approx(2.0, abs=0.15)
    poster = _thumbnail(storage, kept).convert("RGB")
    left, right = poster.getpixel((40, 90)), poster.getpixel((280, 90))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert left[0] > 150 > left[2]
    assert right[2] > 150 > right[0]


async def test_the_poster_is_the_first_frame_that_is_not_black(
    keeper: Keeper, storage: LocalStorage, tmp_path: Path
) -> None:
    kept = await _keep(keeper, film(tmp_path / "film", seconds=3, black_seconds=1.5))
    colour = _thumbnail(storage, kept).convert("RGB").getpixel((40, 90))
    assert isinstance(colour, tuple)
    assert colour[0] > 150
    black = await _keep(keeper, film(tmp_path / "film", seconds=1, black_seconds=9))
    assert black.thumbhash is not None


async def test_a_film_held_upright_is_shown_upright(keeper: Keeper, storage: LocalStorage, tmp_path: Path) -> None:
    kept = await _keep(keeper, film(tmp_path / "film", rotation=90))
    assert (kept.width, kept.height) == (180, 320)
    assert _thumbnail(storage, kept).size == (180, 320)


@pytest.mark.parametrize("options", [{"movflags": "faststart"}, {"movflags": "frag_keyframe+empty_moov"}, {}])
async def test_a_truncated_film_is_refused(keeper: Keeper, tmp_path: Path, options: dict[str, str]) -> None:
    content = film(tmp_path / "film", seconds=20, options=options)
    refusal = await _refusal(keeper, content[: len(content) // 2])
    assert refusal.code == "asset.unreadable"


async def test_a_film_longer_than_ten_minutes_is_refused(keeper: Keeper, tmp_path: Path) -> None:
    content = film(tmp_path / "film", seconds=610, width=16, height=16)
    assert (await _refusal(keeper, content)).code == "asset.too_long"


@pytest.mark.parametrize(
    ("codec", "container", "content_type"), [("libmp3lame", "mp3", "audio/mpeg"), ("aac", "ipod", "audio/mp4")]
)
async def test_sound_is_kept_without_a_thumbnail(
    keeper: Keeper, tmp_path: Path, codec: str, container: str, content_type: str
) -> None:
    kept = await _keep(keeper, sound(tmp_path / "sound", codec=codec, container=container))
    assert (kept.kind, kept.content_type) == ("audio", content_type)
    assert kept.duration_seconds == pytest.approx(2.0, abs=0.2)
    assert (kept.width, kept.height, kept.thumbnail_key, kept.thumbhash) == (None, None, None, None)


async def test_wav_is_kept_and_refused_when_it_breaks_off(keeper: Keeper) -> None:
    content = wav(10)
    kept = await _keep(keeper, content)
    assert kept.content_type == "audio/wav"
    assert kept.duration_seconds == pytest.approx(10.0, abs=0.1)
    assert (await _refusal(keeper, content[: len(content) // 2])).code == "asset.unreadable"


async def test_a_hash_that_is_not_the_contents_is_never_stored_under(keeper: Keeper, storage: LocalStorage) -> None:
    with pytest.raises(StorageFailed):
        await _keep(keeper, encoded(picture(), "PNG"), sha256="ab" * 32)
    assert not await storage.exists("sha256/ab/ab/" + "ab" * 32)


async def test_a_failing_storage_is_not_made_worse_by_what_was_spooled_for_it(
    keeper: Keeper, storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_spool: Path, _key: str) -> None:
        raise StorageFailed("No space left on device.", again=True)

    monkeypatch.setattr(storage, "put", full)
    with pytest.raises(StorageFailed) as failed:
        await _keep(keeper, encoded(picture(), "PNG"))
    assert failed.value.again is True
    assert _spooled(keeper) == []


async def test_a_canceled_keeping_leaves_nothing_in_the_spool(keeper: Keeper) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await _keep(keeper, encoded(picture(), "PNG"))
    assert _spooled(keeper) == []


async def test_a_small_thumbnail_is_made_of_the_large_one(keeper: Keeper, storage: LocalStorage) -> None:
    kept = await _keep(keeper, encoded(picture(1000, 500), "JPEG"))
    assert kept.thumbnail_key is not None
    key = await keeper.keep_small_thumbnail(kept.thumbnail_key)
    assert Image.open(io.BytesIO(_stored(storage, key))).size == (320, 160)
    assert _spooled(keeper) == []
