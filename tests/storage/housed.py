"""The house's places over a folder and a cloud, as wiring opens them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import insert, update

from tests.clouds import ACCESS_KEY, SECRET_KEY, Cloud, cloud_here
from vermilion.db import Database, Tx, announce
from vermilion.kit import SystemClock, new_id
from vermilion.kit.sealed import Sealer, load_or_create_key
from vermilion.storage import FOLDER, PLACES_TOPIC, KindName, LocalStorage, PlaceRow, Places


@dataclass(slots=True)
class Housed:
    """Places, and what they are opened with."""

    places: Places
    folder: LocalStorage
    db: Database
    sealer: Sealer
    spool: Path

    async def add_place(
        self, cloud: Cloud, kind: KindName = "s3", root: str = "vermilion", *, receiving: bool = True
    ) -> UUID:
        """A place in the cloud; its id."""
        place_id = new_id()
        row = {
            "id": place_id,
            "kind": kind,
            "address": asdict(cloud.address(kind, root)),
            "secrets_sealed": self._sealed(place_id, SECRET_KEY),
            "allow_private_hosts": True,
            "receiving": False,
            "created_at": SystemClock().now(),
        }

        def add(tx: Tx) -> None:
            tx.execute(insert(PlaceRow).values(row))
            announce(tx, PLACES_TOPIC)

        await self.db.write(add)
        if receiving:
            await self.receive_in(place_id)
        return place_id

    async def sign_in(self, place_id: UUID, secret_key: str) -> None:
        """Save the place's login, sealed anew."""

        def save(tx: Tx) -> None:
            sealed = self._sealed(place_id, secret_key)
            tx.execute(update(PlaceRow).where(PlaceRow.id == place_id).values(secrets_sealed=sealed))
            announce(tx, PLACES_TOPIC)

        await self.db.write(save)

    def _sealed(self, place_id: UUID, secret_key: str) -> str:
        login = f'{{"access_key": "{ACCESS_KEY}", "secret_key": "{secret_key}"}}'
        return self.sealer.seal(login, bound_to=f"storage_place:{place_id}")

    async def receive_in(self, place_id: UUID) -> None:
        """New files go there from now on."""

        def choose(tx: Tx) -> None:
            tx.execute(update(PlaceRow).values(receiving=False))
            if place_id != FOLDER:
                tx.execute(update(PlaceRow).where(PlaceRow.id == place_id).values(receiving=True))
            announce(tx, PLACES_TOPIC)

        await self.db.write(choose)


@asynccontextmanager
async def housed(db: Database, data: Path) -> AsyncIterator[Housed]:
    """Open places as a house does, with the spool beside the folder."""
    spool = data / "spool"
    spool.mkdir(exist_ok=True)
    folder = LocalStorage(data / "files")
    sealer = load_or_create_key(data / "secret.key")
    places = Places(folder, db, sealer, SystemClock(), spool)
    try:
        yield Housed(places, folder, db, sealer, spool)
    finally:
        places.close()


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    """A bucket of the sandbox."""
    async with cloud_here() as here:
        yield here


@pytest.fixture
async def house(db: Database, tmp_path: Path) -> AsyncIterator[Housed]:
    """The places of an empty house."""
    async with housed(db, tmp_path) as opened:
        yield opened
