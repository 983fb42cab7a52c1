"""What a program makes of the code (a page, a description) goes where its command line says."""

import sys
from pathlib import Path


def write_out(text: str) -> None:
    """Write it to the file the command line names, or to standard output where it names none."""
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
