"""A measured figure, what it is compared with, whether it reaches its goal; and how all of that is shown."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should reach: at least, or at most, `target`; `stretch` is what we would be proud of."""

    kind: Literal["least", "most"]
    target: float
    stretch: float | None = None
    of: Literal["ours", "ratio"] = "ours"

    def reached(self, value: float, bound: float) -> bool:
        """Whether a value is on the good side of a bound."""
        return value >= bound if self.kind == "least" else value <= bound


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a benchmark. `beside` was measured in the same run; None where there is nothing to compare with."""

    id: str
    what: str
    ours: float
    unit: str
    beside: float | None = None
    beside_what: str = ""
    goal: Goal | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours ÷ beside."""
        return None if not self.beside else self.ours / self.beside

    @property
    def verdict(self) -> str:
        """`stretch`, `met`, `missed`, or nothing where there is no goal (or nothing to hold against it)."""
        value = self.ratio if self.goal is not None and self.goal.of == "ratio" else self.ours
        if self.goal is None or value is None:
            return ""
        if self.goal.stretch is not None and self.goal.reached(value, self.goal.stretch):
            return "stretch"
        return "met" if self.goal.reached(value, self.goal.target) else "missed"

    def as_json(self) -> dict[str, object]:
        """The figure for `bench.json`."""
        return {
            "id": self.id,
            "what": self.what,
            "ours": _rounded(self.ours),
            "beside": None if self.beside is None else _rounded(self.beside),
            "ratio": None if self.ratio is None else _rounded(self.ratio),
            "unit": self.unit,
            "beside_what": self.beside_what,
            "target": _goal_text(self.goal),
            "verdict": self.verdict,
            "note": self.note,
        }


def show(console: Console, title: str, figures: Sequence[Figure]) -> None:
    """Print one benchmark as a table."""
    table = Table(title=title, title_justify="left", title_style="bold", expand=False)
    table.add_column("what", overflow="fold")
    for name in ("ours", "beside", "ratio"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("beside what", overflow="fold")
    table.add_column("target", no_wrap=True)
    table.add_column("", no_wrap=True)
    colours = {"stretch": "green", "met": "green", "missed": "red", "": "dim"}
    for figure in figures:
        table.add_row(
            figure.what + (f"\n[dim]{figure.note}[/dim]" if figure.note else ""),
            f"{_short(figure.ours)} {figure.unit}",
            "" if figure.beside is None else _short(figure.beside),
            "" if figure.ratio is None else f"{_short(figure.ratio)}×",
            figure.beside_what,
            _goal_text(figure.goal),
            f"[{colours[figure.verdict]}]{figure.verdict}[/]",
        )
    console.print(table)


def write(path: Path, figures: Sequence[Figure]) -> None:
    """Keep the figures, replacing those of the benchmarks that ran and leaving the others as they were."""
    ran = {figure.id for figure in figures}
    kept = json.loads(path.read_text()) if path.exists() else []
    every = [old for old in kept if old["id"] not in ran] + [figure.as_json() for figure in figures]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(sorted(every, key=lambda figure: figure["id"]), indent=2, ensure_ascii=False) + "\n")


def _goal_text(goal: Goal | None) -> str:
    if goal is None:
        return ""
    sign, unit = ("≥" if goal.kind == "least" else "≤"), ("×" if goal.of == "ratio" else "")
    return f"{sign} {goal.target:g}{unit}" + (f" ({goal.stretch:g}{unit})" if goal.stretch is not None else "")


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
