"""Files one can hold in the head: a hard limit for each, and a limit for the ninetieth percentile."""

from collections.abc import Iterable
from pathlib import Path

from tests.house.tree import assert_none, text_of, under

LINES_MAX = 400
"""Where a file is refused; from about 300 on it should be split by verb."""

P90_BYTES_MAX = 15_000

GENERATED = (
    "web/src/lib/api/schema",
    "web/src/lib/api/generated",
    # A migration is the record of one step, written once and not read again.
    "src/vermilion/db/migrations/versions",
)


def measured() -> dict[Path, str]:
    """The files that people read: Python of the house, TypeScript and Svelte of the web app."""
    files = [
        *under("src/vermilion", suffixes=(".py",)),
        *under("web/src", suffixes=(".ts", ".svelte")),
    ]
    return {path: text_of(path) for path in files if not path.as_posix().startswith(GENERATED)}


def too_long(files: dict[Path, str]) -> list[str]:
    """Files above the limit of lines."""
    return [f"{path}: {lines} lines" for path, text in files.items() if (lines := len(text.splitlines())) > LINES_MAX]


def percentile_90(sizes: Iterable[int]) -> int:
    """The size that nine of ten do not exceed."""
    ordered = sorted(sizes)
    return ordered[(len(ordered) * 9 + 9) // 10 - 1]


def test_no_file_is_too_long_to_hold_in_the_head() -> None:
    assert_none(too_long(measured()))


def test_nine_of_ten_files_are_small() -> None:
    files = measured()
    assert percentile_90(len(text.encode()) for text in files.values()) <= P90_BYTES_MAX


def test_a_long_file_is_noticed() -> None:
    assert too_long({Path("long.py"): "x\n" * 401, Path("short.py"): "x\n" * 400}) == ["long.py: 401 lines"]


def test_the_percentile_is_the_ninetieth() -> None:
    assert percentile_90(range(1, 101)) == 90
    assert percentile_90([1] * 9 + [100]) == 1
    assert percentile_90([1] * 8 + [100, 100]) == 100
