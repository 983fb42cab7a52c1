"""`vermilion admin`: scripts can make an admin, get a key, and tell that it was done before."""

import json
import urllib.request
from pathlib import Path

from typer.testing import Result

from tests.e2e.studio import Studio
from tests.terminal.conftest import Terminal, complaint


def create(vermilion: Terminal, data: Path, *more: str, email: str = "ada@example.com") -> Result:
    return vermilion(
        "admin", "create", "--email", email, "--password", "ink and paper, dusk", "--data", str(data), *more
    )


def test_the_key_is_the_last_line_and_works(vermilion: Terminal, studio: Studio) -> None:
    made = create(vermilion, studio.data, "--api-key", "--grant", "500")
    assert made.exit_code == 0, made.output
    assert "ada@example.com is an admin now" in made.stdout
    key = made.stdout.splitlines()[-1]
    asked = urllib.request.Request(f"{studio.url}/api/v1/me", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(asked) as answer:
        me = json.load(answer)
    assert (me["user"]["email"], me["user"]["role"]) == ("ada@example.com", "admin")
    assert me["credits"]["available"] == 600


def test_quiet_prints_the_key_alone(vermilion: Terminal, tmp_path: Path) -> None:
    made = create(vermilion, tmp_path, "--api-key", "--quiet")
    assert made.exit_code == 0, made.output
    assert made.stdout.startswith("vk_")
    assert len(made.stdout.splitlines()) == 1


def test_a_second_time_has_its_own_exit_status_and_changes_nothing(vermilion: Terminal, tmp_path: Path) -> None:
    assert create(vermilion, tmp_path).exit_code == 0
    again = create(vermilion, tmp_path, "--grant", "500", email="ADA@example.com")
    assert again.exit_code == 3
    assert "has signed up already; nothing was changed" in again.stderr
    told = vermilion("admin", "grant", "ada@example.com", "1", "--data", str(tmp_path))
    assert told.stdout == "ada@example.com has 101 credits available.\n"


def test_weak_passwords_and_missing_ones_are_refused(vermilion: Terminal, tmp_path: Path) -> None:
    arguments = ("admin", "create", "--email", "ada@example.com", "--data", str(tmp_path))
    assert "8 to 128 characters" in complaint(vermilion(*arguments, "--password", "short"))
    assert complaint(vermilion(*arguments)).startswith("A password is needed")
    assert "is not an e-mail address" in complaint(create(vermilion, tmp_path, email="ada"))


def test_credits_are_given_and_taken_and_never_below_zero(vermilion: Terminal, tmp_path: Path) -> None:
    assert create(vermilion, tmp_path).exit_code == 0

    def grant(email: str, amount: str) -> Result:
        return vermilion("admin", "grant", "--data", str(tmp_path), "--", email, amount)

    assert grant("ada@example.com", "50").stdout == "ada@example.com has 150 credits available.\n"
    assert grant("ada@example.com", "-150").stdout == "ada@example.com has 0 credits available.\n"
    assert grant("ada@example.com", "-1").exit_code == 3
    assert complaint(grant("bob@example.com", "5")) == "Nobody signed up as bob@example.com."


def test_a_mistyped_folder_is_not_a_new_house(vermilion: Terminal, tmp_path: Path) -> None:
    absent = vermilion("admin", "grant", "ada@example.com", "1", "--data", str(tmp_path / "typo"))
    assert complaint(absent).startswith("There is no database at")
    assert not (tmp_path / "typo").exists()
