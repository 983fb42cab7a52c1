"""`python -m tests [step …]`: every step of `make test` one after the other, and what came of it in a few lines.

A step that fails does not keep the others from running, so that one run tells everything.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent
REPORTS = ROOT / "build" / "reports"
BIN = Path(sys.executable).parent
SOURCES = ("src", "tests", "bench", "requirements")
NO_DATABASE = ("e2e", "house", "kit", "providers", "sandbox", "sms", "terminal")
"""The folders whose tests touch no database, or bring their own."""

WORKERS = "3"
"""One more than the processors of the machine this is kept quick on: half of its time each of them waits."""
BROWSERS = "2"
"""A browser, its studio and that one's sandbox are busy enough together."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command; a run of pytest also leaves its report, to be counted."""

    name: str
    command: tuple[str, ...]
    folder: Path = ROOT
    env: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """What came of a step."""

    step: Step
    passed: int
    failed: int
    skipped: int
    seconds: float


def steps() -> list[Step]:
    """All of them, in the order in which they find mistakes soonest."""

    def tool(name: str) -> str:
        return str(BIN / name)

    def pytest(name: str, *arguments: str, **env: str) -> Step:
        report = f"--junit-xml={REPORTS / name}.xml"
        return Step(name, (sys.executable, "-m", "pytest", "-q", report, *arguments), env=env)

    without = [f"--ignore=tests/{folder}" for folder in NO_DATABASE]
    web = ROOT / "web"
    return [
        Step("lint", (tool("ruff"), "check", *SOURCES)),
        Step("format", (tool("ruff"), "format", "--check", "--quiet", *SOURCES)),
        Step("imports", (tool("lint-imports"), "--no-logo")),
        Step("types", (tool("mypy"),)),
        Step("web-types", (tool("npm"), "run", "--silent", "check"), web),
        Step("web-unit", (tool("npm"), "run", "--silent", "test"), web),
        Step("web-budget", (tool("npm"), "run", "--silent", "budget"), web),
        pytest("sqlite", "-n", WORKERS, "--ignore=tests/e2e", VERMILION_TEST_DATABASE="sqlite"),
        pytest("postgresql", "-n", WORKERS, *without, VERMILION_TEST_DATABASE="postgresql"),
        pytest("browser", "-n", BROWSERS, "tests/e2e", VERMILION_TEST_DATABASE="sqlite"),
    ]


def run(step: Step) -> Outcome:
    """Run it, with its output as it comes."""
    _say(f"\n== {step.name}")
    began = time.monotonic()
    report = REPORTS / f"{step.name}.xml"
    report.unlink(missing_ok=True)
    status = subprocess.run(step.command, cwd=step.folder, env={**os.environ, **step.env}, check=False).returncode
    seconds = time.monotonic() - began
    if not report.exists():
        return Outcome(step, int(status == 0), int(status != 0), 0, seconds)
    suite = next(iter(ElementTree.parse(report).getroot()))
    total, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    # A run that was broken off reports only what it got to.
    failed = failed or int(status != 0)
    return Outcome(step, max(0, total - failed - skipped), failed, skipped, seconds)


def main() -> int:
    """Run the steps that were asked for, or all; 0 when everything passed."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    asked = sys.argv[1:]
    known = steps()
    if unknown := set(asked) - {step.name for step in known}:
        _say(f"There is no step {', '.join(sorted(unknown))}; there are {', '.join(step.name for step in known)}.")
        return 2
    outcomes = [run(step) for step in known if not asked or step.name in asked]
    _say("\n== summary")
    for each in outcomes:
        word = "FAILED" if each.failed else "passed"
        skipped = f", {each.skipped} skipped" if each.skipped else ""
        _say(f"{each.step.name:<12}{word}  {each.passed} passed, {each.failed} failed{skipped} in {each.seconds:.0f} s")
    passed, failed, skipped = (
        sum(getattr(each, name) for each in outcomes) for name in ("passed", "failed", "skipped")
    )
    _say(f"{sum(each.seconds for each in outcomes):.0f} s in all")
    _say(f"{passed} passed, {failed} failed, {skipped} skipped")
    return int(failed > 0)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
