"""The connection test leaves nothing behind, at whichever step it fails."""

from pathlib import Path

import pytest

from tests.clouds import cloud_here
from vermilion.library.places.trying import try_storage
from vermilion.storage import CloudStorage, FileMissing, StorageFailed


@pytest.mark.parametrize("fails", ["open", "put"])
async def test_a_test_that_fails_half_way_takes_its_file_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    keys: list[str] = []
    put = CloudStorage.put

    async def put_and_note(self: CloudStorage, spool: Path, key: str) -> None:
        keys.append(key)
        await put(self, spool, key)
        if fails == "put":
            raise StorageFailed("The answer was lost.", again=True, reason="timeout")

    async def unreadable(_self: CloudStorage, key: str, start: int = 0, end: int | None = None) -> None:
        raise StorageFailed("No reading here.", again=False, reason="denied")

    monkeypatch.setattr(CloudStorage, "put", put_and_note)
    if fails == "open":
        monkeypatch.setattr(CloudStorage, "open", unreadable)
    async with cloud_here() as cloud:
        storage = cloud.open("cos")
        tried = await try_storage(storage, tmp_path)
        assert tried.step == {"open": "read", "put": "write"}[fails]
        with pytest.raises(FileMissing):
            await storage.size(keys[0])
        storage.close()
