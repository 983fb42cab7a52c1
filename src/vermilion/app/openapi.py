"""`python -m vermilion.app.openapi [FILE]`: the API's description, from which the web app's client is generated."""

import json
import sys
from pathlib import Path

from vermilion.app.assembly import assemble


def described() -> str:
    """The OpenAPI document as text, the same for the same code."""
    return json.dumps(assemble(max_upload_bytes=1).openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Write it to the file named, or to standard output."""
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(described(), encoding="utf-8")
    else:
        sys.stdout.write(described())


if __name__ == "__main__":
    main()
