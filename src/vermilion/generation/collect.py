"""Bringing results home: download or unpack, verify, store, and only then may anything be paid.

Every output ends as kept or as lost with a reason; which of the reasons mean "later" is decided here, what then
follows is the pipeline's.
"""

import asyncio
import os
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from vermilion.generation.failure import Failure, failure_of, rule_for
from vermilion.generation.settling import Kept
from vermilion.kit import new_id
from vermilion.kit.download import Downloader, DownloadFailed, DownloadLimits
from vermilion.library import Keeper, KeptFile, Unreadable
from vermilion.providers import Output, ProviderError
from vermilion.storage import StorageFailed

OUTPUT_MAX_BYTES = {"image": 100 * 2**20, "audio": 100 * 2**20, "video": 1024 * 2**20}
COLLECTING_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Collected:
    """What came of all outputs.

    `lost` says why each missing one is gone for good; `again` why some should be tried later; `stale` that the
    provider's addresses have expired and it must be asked for fresh ones.
    """

    kept: tuple[Kept, ...]
    lost: tuple[Failure, ...]
    again: Failure | None = None
    stale: bool = False


HeadersFor = Callable[[str], Mapping[str, str]]


def _no_headers(_url: str) -> Mapping[str, str]:
    return {}


class Collector:
    """Collects the outputs of attempts; one per process, so that the disk and the line are not overrun."""

    def __init__(self, downloader: Downloader, keeper: Keeper, spool: Path) -> None:
        self._downloader = downloader
        self._keeper = keeper
        self._spool = spool
        self._room = asyncio.Semaphore(COLLECTING_AT_ONCE)

    async def note(self, attempt_id: UUID, outputs: Sequence[Output]) -> list[dict[str, Any]]:
        """The outputs as JSON for the attempt's row. Bytes are written to the spool first, durably.

        The name in the spool follows from the attempt, so that doing it again after a crash leaves nothing over.
        """
        noted: list[dict[str, Any]] = []
        position = 0
        for output in outputs:
            spooled = None
            if output.data is not None:
                spooled = f"{attempt_id.hex}-{position}.held"
                await asyncio.to_thread(_write_durably, self._spool / spooled, output.data)
            noted.append(
                {
                    "position": position,
                    "kind": output.kind,
                    "url": output.url,
                    "spooled": spooled,
                    "blocked": output.blocked,
                    "actions": list(output.actions),
                    **_grid_of(output),
                }
            )
            position += _places(noted[-1])
        return noted

    async def let_go(self, outputs: Sequence[dict[str, Any]]) -> None:
        """Remove bytes held for these outputs, once their generation has ended."""
        for noted in outputs:
            if noted["spooled"] is not None:
                await asyncio.to_thread((self._spool / noted["spooled"]).unlink, missing_ok=True)

    async def collect(
        self,
        outputs: Sequence[dict[str, Any]],
        *,
        allow_private_hosts: bool,
        fresh: bool,
        headers_for: HeadersFor = _no_headers,
    ) -> Collected:
        """Bring all outputs home. `fresh` means the addresses were just told: a refusal is then final.

        `headers_for` says what an address needs to be sent; where it raises a `ProviderError`, that is for later.
        """
        results = await asyncio.gather(
            *(self._one(noted, headers_for, allow_private_hosts=allow_private_hosts, fresh=fresh) for noted in outputs)
        )
        again = next((result for result in results if isinstance(result, _Later)), None)
        return Collected(
            kept=tuple(kept for result in results if isinstance(result, tuple) for kept in result),
            lost=tuple(result for result in results if isinstance(result, Failure)),
            again=again.reason if again else None,
            stale=any(isinstance(result, _Stale) for result in results),
        )

    async def _one(
        self, noted: dict[str, Any], headers_for: HeadersFor, *, allow_private_hosts: bool, fresh: bool
    ) -> "tuple[Kept, ...] | Failure | _Later | _Stale":
        if noted["blocked"]:
            return Failure("provider.blocked", "user", "The provider's moderation hid this result.")
        async with self._room:
            try:
                path, digest = await self._fetch(noted, headers_for, allow_private_hosts=allow_private_hosts)
                files = await self._keep(noted, path, digest)
            except DownloadFailed as error:
                if error.kind == "expired" and not fresh:
                    return _Stale()
                reason = Failure("output.unreachable", "wait", f"The result could not be downloaded: {error.detail}")
                return _Later(reason) if error.again else reason
            except Unreadable as error:
                return Failure("output.unreadable", "wait", f"The result is not a usable file: {error.detail}")
            except ProviderError as error:
                # The adapter cannot say what the address needs. The result is there, and an admin may mend the login.
                return _Later(failure_of(error, rule_for(error, "follow")))
            except (StorageFailed, OSError) as error:
                return _Later(Failure("storage.failed", "admin", f"The result could not be stored: {error}"))
        return tuple(
            Kept(new_id(), noted["position"] + cell, file, (*noted["actions"], *_actions_of(noted, cell)))
            for cell, file in enumerate(files)
        )

    async def _keep(self, noted: dict[str, Any], path: Path, digest: str | None) -> tuple[KeptFile, ...]:
        if noted.get("grid") is None:
            return (await self._keeper.keep(path, expect=noted["kind"], sha256=digest),)
        columns, rows = noted["grid"]
        return await self._keeper.keep_cells(path, columns=columns, rows=rows)

    async def _fetch(
        self, noted: dict[str, Any], headers_for: HeadersFor, *, allow_private_hosts: bool
    ) -> tuple[Path, str | None]:
        if noted["spooled"] is not None:
            # The keeper consumes what it is given; the held bytes stay until the generation has ended.
            path = self._spool / f"{new_id().hex}.part"
            try:
                await asyncio.to_thread(os.link, self._spool / noted["spooled"], path)
            except FileNotFoundError as error:
                raise DownloadFailed("expired", "the bytes the provider sent are gone", again=False) from error
            return path, None
        done = await self._downloader.fetch(
            noted["url"],
            self._spool,
            limits=DownloadLimits(max_bytes=OUTPUT_MAX_BYTES[noted["kind"]]),
            allow_private_hosts=allow_private_hosts,
            headers=headers_for(noted["url"]),
        )
        return done.path, done.sha256


@dataclass(frozen=True, slots=True)
class _Later:
    reason: Failure


@dataclass(frozen=True, slots=True)
class _Stale:
    pass


def unkept(outputs: Sequence[dict[str, Any]], kept: Container[int]) -> list[dict[str, Any]]:
    """The noted outputs of which at least one result is not among the kept positions."""
    return [
        noted
        for noted in outputs
        if any(place not in kept for place in range(noted["position"], noted["position"] + _places(noted)))
    ]


def _grid_of(output: Output) -> dict[str, Any]:
    if output.grid is None:
        return {}
    return {"grid": list(output.grid), "cell_actions": [list(actions) for actions in output.cell_actions]}


def _places(noted: dict[str, Any]) -> int:
    """How many results a noted output is."""
    columns, rows = noted.get("grid") or (1, 1)
    return int(columns * rows)


def _actions_of(noted: dict[str, Any], cell: int) -> Sequence[Any]:
    offered: Sequence[Sequence[Any]] = noted.get("cell_actions", ())
    return offered[cell] if cell < len(offered) else ()


def _write_durably(path: Path, data: bytes) -> None:
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
