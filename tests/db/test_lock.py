"""One server per house: the second one is refused in words, and a dead one leaves the door open."""

import subprocess
import sys
from pathlib import Path

import pytest

from vermilion.db.lock import HouseIsRunning, hold_house_lock

HOLD = """
import sys, time
from pathlib import Path
from vermilion.db.lock import hold_house_lock
with hold_house_lock(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


def held_by_another(data_dir: Path, url: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data_dir), url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_server_is_refused_and_told_which_process_has_the_house(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'vermilion.db'}"
    with held_by_another(tmp_path, url) as other:
        with pytest.raises(HouseIsRunning, match=f"process {other.pid}"), hold_house_lock(tmp_path, url):
            pass
        other.kill()
        other.wait()
        with hold_house_lock(tmp_path, url):
            pass


def test_two_data_folders_cannot_share_one_sqlite_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared' / 'vermilion.db'}"
    with held_by_another(tmp_path / "one", url) as other:
        with pytest.raises(HouseIsRunning), hold_house_lock(tmp_path / "two", url):
            pass
        other.kill()


def test_the_lock_may_be_taken_again_after_it_was_let_go(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'vermilion.db'}"
    for _ in range(2):
        with hold_house_lock(tmp_path, url):
            pass
