"""The places in clouds: which there are, which one receives, and each of them opened once."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import structlog

from vermilion.db import Database
from vermilion.kit.sealed import SealBroken, Sealer
from vermilion.storage import placing
from vermilion.storage.checking import require_reachable_host
from vermilion.storage.cloud import CloudStorage, open_cloud
from vermilion.storage.errors import StorageFailed
from vermilion.storage.kinds import Address
from vermilion.storage.placing import PLACES_TOPIC
from vermilion.storage.sameness import keep_the_same
from vermilion.storage.tables import FOLDER, PlaceRow

log = structlog.get_logger("vermilion.storage")


@dataclass(frozen=True, slots=True)
class Known:
    """The places as they were last read."""

    clouds: dict[UUID, PlaceRow]
    receiving: UUID


class Clouds:
    """The clouds of the house, as the database has them; one per process."""

    def __init__(self, db: Database, sealer: Sealer, spool_dir: Path) -> None:
        self._db = db
        self._sealer = sealer
        self._spool_dir = spool_dir
        self._same: dict[frozenset[UUID], bool] = {}
        self._comparing = asyncio.Lock()
        self._known: Known | None = None
        self._open: dict[UUID, tuple[str, CloudStorage]] = {}
        db.listen(self._on_topic)

    def close(self) -> None:
        """Close each."""
        for cloud in self.opened():
            cloud.close()
        self._open.clear()

    def opened(self) -> list[CloudStorage]:
        """Those that are open at the moment."""
        return [cloud for _, cloud in self._open.values()]

    async def known(self) -> Known:
        """Which there are; read once, and again after they changed."""
        if self._known is None:
            rows = await self._db.read(placing.list_places)
            receiving = next((row.id for row in rows if row.receiving), FOLDER)
            self._known = Known({row.id: row for row in rows}, receiving)
            for place_id in set(self._open) - set(self._known.clouds):
                self._open.pop(place_id)[1].close()
        return self._known

    async def at(self, place_id: UUID) -> CloudStorage:
        """The cloud of this place. Raises `StorageFailed` where it is not known, or cannot be opened."""
        row = (await self.known()).clouds.get(place_id)
        if row is None:
            raise StorageFailed(f"The place {place_id} is not known any more.", again=False, reason="misconfigured")
        version = f"{row.secrets_sealed} {row.allow_private_hosts}"
        opened = self._open.get(place_id)
        if opened is not None and opened[0] == version:
            return opened[1]
        cloud = await asyncio.to_thread(open_place, self._sealer, row)
        before = self._open.get(place_id)
        if before is not None and before[0] == version:
            # Somebody else was as quick.
            cloud.close()
            return before[1]
        self._open[place_id] = version, cloud
        if before is not None:
            before[1].close()
        return cloud

    async def are_same(self, one_id: UUID, other_id: UUID) -> bool:
        """Whether two places keep the same objects; found out once per pair, as long as no place changes.

        Raises `StorageFailed` where one of them cannot be asked: nothing may be deleted then.
        """
        if one_id == other_id or FOLDER in (one_id, other_id):
            return one_id == other_id
        pair = frozenset({one_id, other_id})
        async with self._comparing:
            same = self._same
            if pair not in same:
                one, other = await self.at(one_id), await self.at(other_id)
                try:
                    same[pair] = await keep_the_same(one, other, self._spool_dir)
                except OSError as error:
                    raise StorageFailed(f"The spool could not be used: {error.strerror}.", again=True) from error
                if same[pair]:
                    log.warning("storage.places_are_one", place=str(one_id), other=str(other_id))
            return same[pair]

    async def seen_in(self, key: str) -> list[UUID]:
        """Places in which something lies under the key, the oldest first; one that cannot be asked is passed over."""

        async def sees(place_id: UUID) -> bool:
            try:
                return await (await self.at(place_id)).exists(key)
            except StorageFailed as error:
                log.warning("storage.place_not_asked", place=str(place_id), reason=error.detail)
                return False

        places = list((await self.known()).clouds)
        answers = await asyncio.gather(*(sees(place_id) for place_id in places))
        return [place_id for place_id, seen in zip(places, answers, strict=True) if seen]

    def _on_topic(self, topic: str) -> None:
        if topic == PLACES_TOPIC:
            self._known = None
            # A new one, so that what is being found out with the old addresses is not remembered.
            self._same = {}


def secrets_of(sealer: Sealer, row: PlaceRow) -> dict[str, str]:
    """The login of a place, `access_key` and `secret_key`; raises `StorageFailed` where no key opens it."""
    try:
        secrets: dict[str, str] = json.loads(sealer.open(row.secrets_sealed, bound_to=f"storage_place:{row.id}"))
    except SealBroken as error:
        raise StorageFailed(
            "This house's key file does not open the login of the storage: enter it again.",
            again=False,
            reason="sealed",
        ) from error
    return secrets


def open_place(sealer: Sealer, row: PlaceRow) -> CloudStorage:
    """The cloud a row names. Raises `StorageFailed`; blocks while the host's name is looked up."""
    secrets = secrets_of(sealer, row)
    address = Address(**row.address)
    require_reachable_host(address.host, allow_private=row.allow_private_hosts)
    return open_cloud(address, secrets["access_key"], secrets["secret_key"])
