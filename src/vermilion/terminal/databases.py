"""The commands of `vermilion db`."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from vermilion.db import schema, sqlite_path
from vermilion.settings import Settings
from vermilion.terminal.data import shown_url
from vermilion.terminal.problem import Problem


def show_status(settings: Settings) -> None:
    """Where the database stands; raises `Problem` when something is pending or drifted, for scripts."""
    console = _console()
    url = settings.url_of_database
    _require_file(url)
    status = schema.status(url)
    console.print(f"database  {shown_url(url)}")
    console.print(f"revision  {status.revision or 'none: it is empty'}")
    console.print(f"newest    {status.newest}")
    console.print(f"pending   {', '.join(status.pending) or 'nothing'}")
    drifts = [str(drift) for drift in schema.drift_of_database(url)]
    console.print(f"drift     {len(drifts) or 'none'}")
    _list(console, drifts)
    if status.pending:
        raise Problem("The database is behind this version. Run `vermilion db upgrade`.")
    if drifts:
        raise Problem("The database is not what its migrations made. `vermilion db doctor` says more.")


def upgrade(settings: Settings, *, snapshot_first: bool) -> None:
    """Apply what is pending, after a snapshot of what is there."""
    console = _console()
    done = schema.upgrade(settings.url_of_database, settings.data, snapshot_first=snapshot_first)
    if done.snapshot is not None:
        console.print(f"Snapshot: {done.snapshot.path}")
    if not done.applied:
        console.print(f"Up to date: revision {done.after}.")
        return
    console.print(f"Applied {', '.join(done.applied)}: now at revision {done.after}.")


def take_snapshot(settings: Settings) -> None:
    """Copy the database, also while it is in use."""
    _require_file(settings.url_of_database)
    taken = schema.take_snapshot(settings.url_of_database, settings.data)
    _console().print(f"{taken.path} ({taken.size_bytes:,} bytes)")


def restore(settings: Settings, snapshot: Path) -> None:
    """Put a snapshot back; what was there is kept as a snapshot too."""
    before = schema.restore(settings.url_of_database, settings.data, snapshot)
    console = _console()
    console.print(f"The database is what it was in {snapshot.name}.")
    if before is not None:
        console.print(f"What it was until now is in {before.path}.")
    status = schema.status(settings.url_of_database)
    if status.pending:
        console.print(f"It is {len(status.pending)} migrations behind this version: run `vermilion db upgrade`.")


def examine(settings: Settings, *, mend: bool) -> None:
    """Look for damage; with `mend` repair what can be proven. Raises `Problem` when something remains wrong."""
    _require_file(settings.url_of_database)
    found = schema.examine(settings.url_of_database, settings.data, mend=mend)
    console = _console()
    console.print(f"Looked at: {', '.join(found.looked_at)}.")
    if found.snapshot is not None:
        console.print(f"Snapshot before mending: {found.snapshot.path}")
    _list(console, found.mended)
    _list(console, found.problems)
    if found.problems:
        raise Problem(f"{len(found.problems)} problems." + ("" if mend else " `--mend` repairs what can be proven."))
    console.print("Sound.")


def _require_file(url: str) -> None:
    path = sqlite_path(url)
    if path is not None and not path.exists():
        raise Problem(f"There is no database at {path}. Check --data and VERMILION_DATA.")


def _list(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(f"  {line}", markup=False)


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)
