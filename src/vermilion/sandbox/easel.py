"""Where pictures and films get made: one process beside the server, so that answers stay quick."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import struct
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from multiprocessing.process import BaseProcess

from .dubs import DubOrder, dub
from .films import FilmOrder, film, plain_film, stamped_film
from .pictures import Order, draw_plain, paint
from .sheets import SheetOrder, paint_sheet

Drawable = Order | FilmOrder | DubOrder | SheetOrder

_MAX_REMEMBERED_BYTES = 96 * 1024 * 1024


class Easel:
    """Draws orders one after another, remembers recent pictures, and draws each only once.

    What is larger than `canvas_pixels()` is painted at that many and enlarged.
    """

    def __init__(self, *, canvas_pixels: Callable[[], int], plain: bool, plain_bytes: int) -> None:
        self._canvas_pixels = canvas_pixels
        self._plain = plain
        self._plain_bytes = plain_bytes
        self._pool: ProcessPoolExecutor | None = None
        self._remembered: OrderedDict[str, bytes] = OrderedDict()
        self._remembered_bytes = 0
        self._drawing: dict[str, asyncio.Task[bytes]] = {}

    async def picture(self, order: Drawable, stamp: str) -> bytes:
        """The encoded picture or film. `stamp` makes plain ones differ from each other byte for byte."""
        if self._plain and not isinstance(order, DubOrder) and not order.sources and not order.black:
            if isinstance(order, FilmOrder):
                return stamped_film(_prepared_film(order.width, order.height, order.seconds), stamp)
            return _stamped(order.width, order.height, order.format, self._plain_bytes, stamp)
        canvas_pixels = self._canvas_pixels()
        key = f"{canvas_pixels}-{order.key()}"
        remembered = self._remembered.get(key)
        if remembered is not None:
            self._remembered.move_to_end(key)
            return remembered
        task = self._drawing.get(key)
        if task is None:
            task = asyncio.ensure_future(self._draw(order, key, canvas_pixels))
            self._drawing[key] = task
            task.add_done_callback(lambda _: self._drawing.pop(key, None))
        # A visitor who leaves must not take the picture away from the next one.
        return await asyncio.shield(task)

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)

    async def _draw(self, order: Drawable, key: str, canvas_pixels: int) -> bytes:
        try:
            data = await self._submit(order, canvas_pixels)
        except BrokenProcessPool:
            # The drawing process was killed from outside; a new one draws the same picture.
            self._pool = None
            data = await self._submit(order, canvas_pixels)
        self._remembered[key] = data
        self._remembered_bytes += len(data)
        while self._remembered_bytes > _MAX_REMEMBERED_BYTES:
            _, old = self._remembered.popitem(last=False)
            self._remembered_bytes -= len(old)
        return data

    async def _submit(self, order: Drawable, canvas_pixels: int) -> bytes:
        if self._pool is None:
            # A new process is a copy of one that has imported this: importing takes longer than most pictures.
            processes = multiprocessing.get_context("forkserver")
            processes.set_forkserver_preload([__name__])
            self._pool = ProcessPoolExecutor(max_workers=1, mp_context=processes, initializer=_settle_in)
        # The first order waits for that import, and the server must not.
        drawing = await asyncio.to_thread(self._pool.submit, _make, order, canvas_pixels)
        return await asyncio.wrap_future(drawing)


def _make(order: Drawable, canvas_pixels: int) -> bytes:
    match order:
        case SheetOrder():
            return paint_sheet(order, canvas_pixels)
        case FilmOrder():
            return film(order, canvas_pixels)
        case DubOrder():
            return dub(order)
    return paint(order, canvas_pixels)


def _settle_in() -> None:
    """Step back behind the server, and leave when it is gone, even if it was killed."""
    os.nice(5)

    def watch(server: BaseProcess) -> None:
        server.join()
        os._exit(0)

    if server := multiprocessing.parent_process():
        threading.Thread(target=watch, args=(server,), daemon=True).start()


@lru_cache(maxsize=16)
def _prepared_film(width: int, height: int, seconds: float) -> bytes:
    return plain_film(width, height, min(seconds, 1.0))


@lru_cache(maxsize=64)
def _prepared(width: int, height: int, format_: str, size_bytes: int) -> tuple[bytes, bytes]:
    """A plain picture as two halves; a stamp chunk goes between them."""
    data = draw_plain(width, height, format_)
    padding = max(0, size_bytes - len(data) - 64)
    noise = random.Random(width * 65_537 + height).randbytes(padding)
    if format_ == "png":
        chunks = b"".join(_png_chunk(noise[start : start + 65_000]) for start in range(0, padding, 65_000))
        return data[:-12], chunks + data[-12:]
    if format_ == "jpeg":
        chunks = b"".join(_jpeg_comment(noise[start : start + 65_000]) for start in range(0, padding, 65_000))
        return data[:2], chunks + data[2:]
    return data, b""


def _stamped(width: int, height: int, format_: str, size_bytes: int, stamp: str) -> bytes:
    head, tail = _prepared(width, height, format_, size_bytes)
    if format_ == "png":
        return head + _png_chunk(stamp.encode()) + tail
    if format_ == "jpeg":
        return head + _jpeg_comment(stamp.encode()) + tail
    return head


def _png_chunk(data: bytes) -> bytes:
    # Lower-case first letter: readers may skip it; lower-case second: a private kind.
    body = b"vmPd" + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def _jpeg_comment(data: bytes) -> bytes:
    return b"\xff\xfe" + struct.pack(">H", len(data) + 2) + data
