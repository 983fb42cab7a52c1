"""The command `vermilion ledger fsck`."""

import asyncio
from datetime import UTC, datetime

from rich.console import Console

from vermilion import billing
from vermilion.generation import fsck, missing_files
from vermilion.settings import Settings
from vermilion.storage import LocalStorage
from vermilion.terminal.data import open_data
from vermilion.terminal.problem import Problem


def audit(settings: Settings, *, with_files: bool) -> None:
    """Check every promise about credits, generations and their files; raises `Problem` with what is broken."""
    console = Console(highlight=False)
    with open_data(settings) as database:
        findings = database.read_now(fsck, datetime.now(UTC)) + database.read_now(billing.fsck)
        if with_files:
            findings += asyncio.run(missing_files(database, LocalStorage(settings.data / "files")))
    for finding in findings:
        whose = f" (user {finding.user_id})" if finding.user_id else ""
        console.print(f"{finding.code}{whose}: {finding.detail}", markup=False, soft_wrap=True)
    if findings:
        raise Problem(f"{len(findings)} findings.")
    files = ", every file is there." if with_files else "."
    console.print("Sound: accounts, entries, holds, generations, codes and orders agree" + files)
