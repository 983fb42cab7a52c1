"""The command `vermilion ledger fsck`."""

import asyncio
from datetime import UTC, datetime

from rich.console import Console

from vermilion import billing
from vermilion.db import Database
from vermilion.generation import fsck, missing_files
from vermilion.kit import SystemClock
from vermilion.kit.sealed import load_or_create_key
from vermilion.ledger import Finding
from vermilion.settings import Settings
from vermilion.storage import LocalStorage, Places
from vermilion.terminal.data import open_data
from vermilion.terminal.problem import Problem


def audit(settings: Settings, *, with_files: bool) -> None:
    """Check every promise about credits, generations and their files; raises `Problem` with what is broken."""
    console = Console(highlight=False)
    with open_data(settings) as database:
        findings = database.read_now(fsck, datetime.now(UTC)) + database.read_now(billing.fsck)
        if with_files:
            findings += asyncio.run(_missing_files(settings, database))
    for finding in findings:
        whose = f" (user {finding.user_id})" if finding.user_id else ""
        console.print(f"{finding.code}{whose}: {finding.detail}", markup=False, soft_wrap=True)
    if findings:
        raise Problem(f"{len(findings)} findings.")
    files = ", every file is there." if with_files else "."
    console.print("Sound: accounts, entries, holds, generations, codes and orders agree" + files)


async def _missing_files(settings: Settings, database: Database) -> list[Finding]:
    data = settings.data.resolve()
    sealer = load_or_create_key(data / "secret.key")
    storage = Places(LocalStorage(data / "files"), database, sealer, SystemClock(), data / "spool")
    try:
        return await missing_files(database, storage)
    finally:
        storage.close()
