"""`python -m bench.document`: puts the figures of `build/bench.json` into `docs/benchmarks.md`."""

import json
from pathlib import Path
from typing import Any

FIGURES = Path("build/bench.json")
PAGE = Path("docs/benchmarks.md")
BEGIN, END = "<!-- figures: make bench -->", "<!-- end of figures -->"


def table(figures: list[dict[str, Any]]) -> str:
    """The figures as a Markdown table."""
    lines = ["| | what | ours | beside | ratio | target (stretch) | |", "|---|---|---:|---:|---:|---|---|"]
    for figure in figures:
        note = f"<br>{figure['note']}" if figure["note"] else ""
        beside = "" if figure["beside"] is None else f"{_short(figure['beside'])}<br>{figure['beside_what']}"
        ratio = "" if figure["ratio"] is None else f"{_short(figure['ratio'])}×"
        ours = f"{_short(figure['ours'])} {figure['unit']}"
        cells = (figure["id"], figure["what"] + note, ours, beside, ratio, figure["target"], figure["verdict"])
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Replace what stands between the marks."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or not after:
        raise SystemExit(f"{PAGE} has no place for figures")
    figures = table(json.loads(FIGURES.read_text(encoding="utf-8")))
    PAGE.write_text(f"{before}{BEGIN}\n{figures}\n{END}{after}", encoding="utf-8")


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main()
