"""Giving up files: what was in the trash long enough is forgotten, and its bytes are deleted wherever they lie."""

from datetime import datetime

from vermilion.db import Database
from vermilion.library.commands import UNTOUCHED_SECONDS, purge_deleted
from vermilion.library.places import is_wanted
from vermilion.storage import Places


async def purge_files(db: Database, places: Places, before: datetime, now: datetime) -> None:
    """Forget assets deleted before `before` and delete their files; also what earlier deletions left behind.

    A cloud may take long for each file, so there nothing is deleted before the database was asked once more.
    """
    for key in await db.write(purge_deleted, before, now):
        # Of the folder alone: what was moved into a cloud meanwhile was wanted again.
        await places.folder.delete(key, untouched_seconds=UNTOUCHED_SECONDS)
    await places.finish_deletions(is_wanted)
