"""Opening a SQLite file while somebody else has it, or where there is none to open."""

import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from vermilion.db import open_database


def test_a_file_that_somebody_just_begins_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "young.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("begin exclusive")
    other.execute("create table theirs (x)")
    threading.Timer(0.5, lambda: other.execute("commit")).start()
    db = open_database(f"sqlite:///{path}")
    try:
        assert db.write_now(lambda tx: tx.execute(text("select count(*) from theirs")).scalar_one()) == 0
    finally:
        db.close()
        other.close()


def test_a_file_that_cannot_be_opened_is_the_openers_trouble(tmp_path: Path) -> None:
    (tmp_path / "a.db").mkdir()
    with pytest.raises(OperationalError):
        open_database(f"sqlite:///{tmp_path / 'a.db'}")
