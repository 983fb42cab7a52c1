"""The data folder and database a command works on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vermilion.db import Database, is_at_newest, open_database, sqlite_path
from vermilion.settings import Settings
from vermilion.terminal.problem import Problem

if TYPE_CHECKING:
    from vermilion.db.schema import Upgraded


def bring_up_to_date(settings: Settings, *, also_behind: bool = False) -> "Upgraded | None":
    """Make the tables of an empty database; one that is behind is upgraded if `also_behind`, else raises `Problem`.

    None means that there was nothing to do.
    """
    if is_at_newest(settings.url_of_database):
        return None

    from vermilion.db.schema import status, upgrade

    before = status(settings.url_of_database)
    if before.is_current:
        return None
    if before.revision is not None and not also_behind:
        raise Problem(
            f"The database is {len(before.pending)} migrations behind this version. Run `vermilion db upgrade` first."
        )
    return upgrade(settings.url_of_database, settings.data)


@contextmanager
def open_data(settings: Settings, *, must_exist: bool = True) -> Iterator[Database]:
    """The database, ready for commands. With `must_exist` a mistyped folder is an error, not a new empty house."""
    path = sqlite_path(settings.url_of_database)
    if must_exist and path is not None and not path.exists():
        raise Problem(f"There is no database at {path}. Check --data and VERMILION_DATA.")
    bring_up_to_date(settings)
    database = open_database(settings.url_of_database)
    try:
        yield database
    finally:
        database.close()


def shown_url(url: str) -> str:
    """A database's URL without its password."""
    path = sqlite_path(url)
    if path is not None:
        return str(path)
    scheme, _, rest = url.partition("://")
    login, at, host = rest.rpartition("@")
    return f"{scheme}://{login.split(':', maxsplit=1)[0]}{at}{host}"
