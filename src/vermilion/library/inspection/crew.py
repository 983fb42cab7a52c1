"""The crew: a few worker processes that look into files, each replaced when a file kills or stalls it."""

import asyncio
import base64
import contextlib
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from json import dumps, loads
from pathlib import Path
from typing import Any, Literal

import vermilion
from vermilion.library.inspection.media import Kind, Marks, Media, Unreadable

JOB_MAX_SECONDS = 240.0
"""By the clock; the worker bounds its own processor time more tightly, and by kind."""

START_MAX_SECONDS = 60.0
_WORKERS_MAX = 4

_BEGIN = """
import sys, types
# An empty stand-in for the package above: its front door would import the database and the web framework here.
room = types.ModuleType("vermilion.library")
room.__path__ = [sys.argv[1] + "/library"]
sys.path.append(sys.argv[1] + "/..")
sys.modules["vermilion.library"] = room
from vermilion.library.inspection.worker import main
main()
"""


class WorkerMissing(Exception):
    """No worker could be started: the machine's trouble, which says nothing about the file."""


class Crew:
    """Workers are started when first needed; `close` ends them. One file is given to one worker at a time."""

    def __init__(self, workers: int | None = None) -> None:
        size = workers or min(_WORKERS_MAX, os.cpu_count() or 1)
        self._free: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()
        self._all = [_Worker() for _ in range(size)]
        for worker in self._all:
            self._free.put_nowait(worker)

    async def close(self) -> None:
        """End every worker, whatever it is doing."""
        await asyncio.gather(*(worker.end() for worker in self._all))

    @property
    def is_busy(self) -> bool:
        """Whether another file would have to wait."""
        return self._free.empty()

    async def inspect(self, source: Path, thumbnail: Path, *, expect: Kind | None = None) -> Media:
        """Judge the file at `source` by its content and write its thumbnail; raises `Unreadable`.

        `expect` refuses every other kind. Something unfinished may be left at `thumbnail` when the file is refused.
        """
        answer = await self._do("inspect", source, thumbnail, expect=expect)
        return Media(
            kind=answer["kind"],
            content_type=answer["content_type"],
            width=answer["width"],
            height=answer["height"],
            duration_seconds=answer["duration_seconds"],
            thumbhash=None if answer["thumbhash"] is None else base64.b64decode(answer["thumbhash"]),
            thumbnail=None if answer["thumbnail"] is None else Path(answer["thumbnail"]),
        )

    async def shrink(self, source: Path, target: Path, longest_pixels: int) -> None:
        """Write a smaller copy of one of our thumbnails; raises `Unreadable`."""
        await self._do("shrink", source, target, longest_pixels=longest_pixels)

    async def cut(self, source: Path, targets: Sequence[Path], columns: int, rows: int) -> None:
        """Cut a picture into `columns` × `rows` cells, row by row, a lossless PNG each; raises `Unreadable`."""
        cells = [str(target) for target in targets]
        await self._do("cut", source, targets[0], cells=cells, columns=columns, rows=rows)

    async def marks(self, source: Path) -> Marks:
        """What is painted in a picture that is meant as a mask; raises `Unreadable`."""
        answer = await self._do("marks", source, source)
        return Marks(light=answer["light"], clear=answer["clear"])

    async def _do(
        self, what: Literal["inspect", "shrink", "cut", "marks"], source: Path, target: Path, **more: Any
    ) -> dict[str, Any]:
        job = {"do": what, "source": str(source), "target": str(target), **more}
        worker = await self._free.get()
        try:
            answer = await worker.ask(job)
        except BaseException:
            await asyncio.shield(worker.end())
            raise
        finally:
            self._free.put_nowait(worker)
        if "code" in answer:
            raise Unreadable(answer["code"], answer["detail"])
        return answer


class _Worker:
    """One process, started on demand and again after it ended."""

    def __init__(self) -> None:
        self._process: Process | None = None

    async def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        """Give it one job; a worker that dies or stalls over it has told enough about the file."""
        process = await self._running()
        assert process.stdin is not None  # noqa: S101 - made with pipes
        try:
            async with asyncio.timeout(JOB_MAX_SECONDS):
                process.stdin.write(dumps(job).encode() + b"\n")
                line = await self._line(process)
        except TimeoutError as error:
            raise Unreadable("asset.unreadable", "Reading the file takes too long.") from error
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise Unreadable("asset.unreadable", "Reading the file took too long or broke the reader.") from error
        answer: dict[str, Any] = loads(line)
        return answer

    async def end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        # Waiting for the end of its output too lets the pipes be closed.
        await process.communicate()

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            await self.end()
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-c", _BEGIN, str(Path(vermilion.__file__).parent)),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                # A worker that reads strangers' files has no business knowing the house's secrets.
                env={"PATH": os.defpath, "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2"},
            )
            try:
                async with asyncio.timeout(START_MAX_SECONDS):
                    await self._line(self._process)
            except (TimeoutError, asyncio.IncompleteReadError) as error:
                raise WorkerMissing("A worker process for reading files could not be started.") from error
        return self._process

    @staticmethod
    async def _line(process: Process) -> bytes:
        assert process.stdout is not None  # noqa: S101 - made with pipes
        return await process.stdout.readuntil(b"\n")
