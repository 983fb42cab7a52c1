"""`vermilion db` and `vermilion ledger`: what is sound is called sound, each planted fault is named, exit status 1."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.e2e.studio import Studio
from tests.terminal.conftest import Terminal, complaint
from vermilion.db.schema.scratch import engine_for


@pytest.fixture
def used_data(visitor: Terminal, vermilion: Terminal, studio: Studio, tmp_path: Path) -> Path:
    """The data folder of a studio in which things were made and failed, as one finds it in a backup."""
    assert visitor("create", "a red seal", "--quiet", "--out", str(tmp_path)).exit_code == 0
    assert visitor("create", "x [[empty-output]]", "--quiet", "--out", str(tmp_path)).exit_code == 1
    taken = vermilion("db", "snapshot", "--data", str(studio.data))
    assert taken.exit_code == 0, taken.output
    data = tmp_path / "copy"
    data.mkdir()
    shutil.copyfile(taken.stdout.split(" (")[0], data / "vermilion.db")
    shutil.copytree(studio.data / "files", data / "files")
    return data


def test_used_data_is_sound(vermilion: Terminal, used_data: Path) -> None:
    for command in (("ledger", "fsck"), ("db", "doctor"), ("db", "status")):
        done = vermilion(*command, "--data", str(used_data))
        assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("finding", "change"),
    [
        ("generation_differs_from_ledger", "update generation set settled_credits = 0 where status = 'succeeded'"),
        (
            "terminal_without_its_end",
            "update generation set status = 'succeeded', settled_credits = 1 where status = 'failed'",
        ),
        (
            "terminal_without_its_end",
            "update generation set status = 'failed', settled_credits = null where status = 'succeeded'",
        ),
        (
            "work_without_hold",
            "update generation set status = 'running', finished_at = null where status = 'failed'",
        ),
        ("nothing_kept", "delete from asset"),
        ("end_without_generation", "delete from generation where status = 'failed'"),
        ("balance_differs_from_entries", "update account set available = available + 1, granted = granted + 1"),
    ],
)
def test_each_broken_promise_is_found(vermilion: Terminal, used_data: Path, finding: str, change: str) -> None:
    with engine_for(f"sqlite:///{used_data / 'vermilion.db'}") as engine, engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA foreign_keys=OFF").close()
        with connection.begin():
            connection.execute(text(change))
    done = vermilion("ledger", "fsck", "--no-files", "--data", str(used_data))
    assert done.exit_code == 1
    assert finding in done.stdout


def test_a_missing_file_is_found(vermilion: Terminal, used_data: Path) -> None:
    shutil.rmtree(used_data / "files")
    done = vermilion("ledger", "fsck", "--data", str(used_data))
    assert done.exit_code == 1
    assert "file_missing" in done.stdout


def test_a_new_database_is_made_snapshotted_and_restored(vermilion: Terminal, tmp_path: Path) -> None:
    data = ("--data", str(tmp_path))
    assert complaint(vermilion("db", "status", *data)).startswith("There is no database at")
    assert "now at revision" in vermilion("db", "upgrade", *data).stdout
    assert "Up to date" in vermilion("db", "upgrade", *data).stdout
    snapshot = vermilion("db", "snapshot", *data).stdout.split(" (")[0]
    restored = vermilion("db", "restore", snapshot, *data)
    assert restored.exit_code == 0, restored.output
    assert "What it was until now is in" in restored.stdout


def test_drift_is_shown_and_mended_on_demand(vermilion: Terminal, tmp_path: Path) -> None:
    data = ("--data", str(tmp_path))
    vermilion("db", "upgrade", *data)
    with engine_for(f"sqlite:///{tmp_path / 'vermilion.db'}") as engine, engine.begin() as connection:
        connection.execute(text("drop index uq_entry_end"))
    assert "index uq_entry_end is missing" in vermilion("db", "status", *data).stdout
    assert complaint(vermilion("db", "doctor", *data)).startswith("1 problems.")
    assert "was missing and was made again" in vermilion("db", "doctor", "--mend", *data).stdout
    assert vermilion("db", "doctor", *data).exit_code == 0


def test_nothing_is_restored_while_a_server_runs(vermilion: Terminal, studio: Studio) -> None:
    snapshot = vermilion("db", "snapshot", "--data", str(studio.data)).stdout.split(" (")[0]
    assert "is in use by another server" in complaint(vermilion("db", "restore", snapshot, "--data", str(studio.data)))
