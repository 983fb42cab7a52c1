"""Files for tests, made on the fly: pictures, films and sound, whole and damaged."""

import hashlib
import io
import struct
import wave
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageDraw


def picture(width: int = 800, height: int = 600, *, seed: int = 0) -> Image.Image:
    """A picture with a red left half, so that turning and cropping can be told."""
    grain = hashlib.shake_256(f"grain {seed}".encode()).digest(64 * 64 * 3)
    image = Image.frombytes("RGB", (64, 64), grain).resize((width, height))
    ImageDraw.Draw(image).rectangle((0, 0, width // 2, height), fill=(200, 30, 30))
    return image


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The picture as a file of Pillow's format `kind`."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def plain(width: int = 96, height: int = 64, colour: str = "teal") -> bytes:
    """A PNG of one colour."""
    return encoded(Image.new("RGB", (width, height), colour), "PNG")


def noise(width: int = 320, height: int = 240) -> bytes:
    """A PNG that hardly compresses, as photographs do not."""
    return encoded(Image.effect_noise((width, height), 60).convert("RGB"), "PNG")


def left_half_white(width: int = 320, height: int = 240) -> bytes:
    """A mask that is white on the left and black on the right."""
    mask = Image.new("RGB", (width, height), "black")
    mask.paste("white", (0, 0, width // 2, height))
    return encoded(mask, "PNG")


def png_that_claims(width: int, height: int) -> bytes:
    """A tiny PNG whose header promises a huge picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
        + chunk(b"IEND", b"")
    )


def film(
    path: Path,
    *,
    codec: str = "libx264",
    container: str = "mp4",
    seconds: float = 2.0,
    width: int = 320,
    height: int = 180,
    black_seconds: float = 0.0,
    rotation: int = 0,
    options: dict[str, str] | None = None,
) -> bytes:
    """A film of ten frames a second that is black at first, then red on the left and blue on the right."""
    with av.open(str(path), "w", format=container, options=options or {}) as out:
        stream = out.add_stream(codec, rate=10)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, 10)
        stream.gop_size = 10
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(round(seconds * 10)):
            image = Image.new("RGB", (width, height), (0, 0, 0))
            if number >= black_seconds * 10:
                image.paste((220, 20, 20), (0, 0, width // 2, height))
                image.paste((20, 20, 220 - number % 7), (width // 2, 0, width, height))
            frame = av.VideoFrame.from_image(image)
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path.read_bytes()


def sound(path: Path, *, codec: str = "libmp3lame", container: str = "mp3", seconds: float = 2.0) -> bytes:
    """A quiet hum."""
    rate = 44100
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        frame_samples = 1152
        for number in range(int(seconds * rate / frame_samples)):
            frame = av.AudioFrame(format="s16", layout="mono", samples=frame_samples)
            frame.planes[0].update(bytes(range(256)) * 9)
            frame.sample_rate = rate
            frame.pts = number * frame_samples
            frame.time_base = Fraction(1, rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path.read_bytes()


def wav(seconds: float = 1.0) -> bytes:
    """Uncompressed sound."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(range(200)) * int(seconds * 80))
    return buffer.getvalue()
