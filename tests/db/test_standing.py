"""Telling without Alembic whether a database is up to date: exactly when Alembic says so."""

import subprocess
import sys
from pathlib import Path

from vermilion.db import is_at_newest
from vermilion.db.schema import status, upgrade
from vermilion.db.standing import newest_migration


def test_only_the_database_with_the_newest_migration_is_up_to_date(empty_url: str, tmp_path: Path) -> None:
    assert not is_at_newest(empty_url)
    upgrade(empty_url, tmp_path, to="0001")
    assert not is_at_newest(empty_url)
    upgrade(empty_url, tmp_path, snapshot_first=False)
    assert is_at_newest(empty_url)
    assert status(empty_url).newest == newest_migration()


def test_a_start_on_an_up_to_date_database_does_without_alembic(database_url: str) -> None:
    asked = (
        "import sys; from vermilion.settings import Settings; from vermilion.terminal.data import bring_up_to_date;"
        f"assert bring_up_to_date(Settings(database_url={database_url!r})) is None;"
        "sys.exit('alembic' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", asked], check=True, timeout=60)
