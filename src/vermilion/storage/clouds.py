"""The places in clouds: which there are, which one receives, and each of them opened once."""

import asyncio
import json
from dataclasses import dataclass, field, replace
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


@dataclass(frozen=True, slots=True)
class Login:
    """What a cloud is opened with. Sealed, the same would look different each time it is saved."""

    address: Address
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    allow_private_hosts: bool


@dataclass(frozen=True, slots=True)
class _Opened:
    """An open cloud, and the row it was last asked for with."""

    row: PlaceRow
    login: Login
    cloud: CloudStorage


class Clouds:
    """The clouds of the house, as the database has them; one per process."""

    def __init__(self, db: Database, sealer: Sealer, spool_dir: Path) -> None:
        self._db = db
        self._sealer = sealer
        self._spool_dir = spool_dir
        self._same: dict[frozenset[UUID], bool] = {}
        self._comparing = asyncio.Lock()
        self._known: Known | None = None
        self._changes = 0
        self._open: dict[UUID, _Opened] = {}
        db.listen(self._on_topic)

    def close(self) -> None:
        """Close each."""
        for cloud in self.opened():
            cloud.close()
        self._open.clear()

    def opened(self) -> list[CloudStorage]:
        """Those that are open at the moment."""
        return [opened.cloud for opened in self._open.values()]

    async def known(self) -> Known:
        """Which there are; read once, and again after they changed."""
        while (known := self._known) is None:
            changes = self._changes
            rows = await self._db.read(placing.list_places)
            if changes != self._changes:
                # They changed after they were read, or while they were: nobody would say so a second time.
                continue
            receiving = next((row.id for row in rows if row.receiving), FOLDER)
            self._known = Known({row.id: row for row in rows}, receiving)
            for place_id in set(self._open) - set(self._known.clouds):
                del self._open[place_id]
        return known

    async def at(self, place_id: UUID) -> CloudStorage:
        """The cloud of this place. Raises `StorageFailed` where it is not known, or cannot be opened."""
        row = (await self.known()).clouds.get(place_id)
        if row is None:
            raise StorageFailed(f"The place {place_id} is not known any more.", again=False, reason="misconfigured")
        opened = self._open.get(place_id)
        if opened is not None and opened.row is row:
            return opened.cloud
        login = login_of(self._sealer, row)
        if opened is None or opened.login != login:
            cloud = await asyncio.to_thread(_open_with, login)
            opened = self._open.get(place_id)
            if opened is None or opened.login != login:
                # The one before is let go and not closed: whoever still reads or sends with it does so to the end.
                opened = _Opened(row, login, cloud)
            else:
                # Somebody else was as quick.
                cloud.close()
        self._open[place_id] = replace(opened, row=row)
        return opened.cloud

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
            self._changes += 1
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


def login_of(sealer: Sealer, row: PlaceRow) -> Login:
    """What the cloud of a row is opened with; raises `StorageFailed` where no key opens it."""
    secrets = secrets_of(sealer, row)
    return Login(Address(**row.address), secrets["access_key"], secrets["secret_key"], row.allow_private_hosts)


def _open_with(login: Login) -> CloudStorage:
    """Raises `StorageFailed`; blocks while the host's name is looked up."""
    require_reachable_host(login.address.host, allow_private=login.allow_private_hosts)
    return open_cloud(login.address, login.access_key, login.secret_key)
