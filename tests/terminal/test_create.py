"""`vermilion create`: files and a receipt, or one line that says why not and what came back."""

import re
import socket
from pathlib import Path

from PIL import Image

from tests.e2e.studio import Studio
from tests.terminal.conftest import Terminal, complaint


def test_a_picture_arrives_with_its_receipt(visitor: Terminal, tmp_path: Path) -> None:
    made = visitor(
        "create",
        "a red seal on paper",
        "-m",
        "flux-1-dev",
        "--set",
        "num_images=2",
        "--out",
        str(tmp_path / "new" / "folder"),
    )
    assert made.exit_code == 0, made.output
    paths = [Path(line) for line in made.stdout.splitlines()]
    assert len(paths) == 2
    for path in paths:
        Image.open(path).verify()
    receipt = dict(re.findall(r"^(\w+) +(.+?)$", made.stderr, re.MULTILINE))
    assert receipt["held"] == receipt["quoted"]
    assert int(receipt["settled"]) + int(receipt["returned"]) == int(receipt["held"])
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir() if path.name.startswith(".")] == []


def test_quiet_prints_names_and_nothing_else(visitor: Terminal, tmp_path: Path) -> None:
    made = visitor("create", "a red seal", "--quiet", "--out", str(tmp_path))
    assert (made.exit_code, made.stderr) == (0, "")
    assert Path(made.stdout.strip()).is_file()


def test_without_waiting_the_id_is_printed(visitor: Terminal, tmp_path: Path) -> None:
    asked = visitor("create", "a red seal", "--no-wait", "--out", str(tmp_path))
    assert asked.exit_code == 0, asked.output
    assert re.fullmatch(r"[0-9a-f-]{36}\n", asked.stdout)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_says_whose_move_it_is_and_what_came_back(visitor: Terminal, tmp_path: Path) -> None:
    failed = visitor("create", "x [[empty-output]]", "--quiet", "--out", str(tmp_path))
    assert re.search(
        r"(Try again later|have to look at it|has to look at it)\. \d+ credits came back\.", complaint(failed)
    )
    assert list(tmp_path.iterdir()) == []


def test_an_input_picture_goes_along(visitor: Terminal, tmp_path: Path) -> None:
    Image.new("RGB", (256, 256), "white").save(tmp_path / "paper.png")
    model = "flux-kontext-dev"
    made = visitor("create", "make it red", "-m", model, "-i", str(tmp_path / "paper.png"), "--out", str(tmp_path))
    assert made.exit_code == 0, made.output
    missing = visitor("create", "make it red", "-m", model, "-i", "absent.png", "--out", str(tmp_path))
    assert complaint(missing) == "There is no file absent.png."


def test_mistyped_names_get_suggestions(visitor: Terminal) -> None:
    assert "Did you mean flux-1-dev" in complaint(visitor("create", "x", "--model", "flux-1-dew"))
    assert "Did you mean num_images?" in complaint(visitor("create", "x", "-m", "flux-1-dev", "--set", "num_image=2"))


def test_values_are_refused_by_name(visitor: Terminal) -> None:
    def create(setting: str) -> str:
        return complaint(visitor("create", "x", "--quiet", "-m", "flux-1-dev", "--set", setting))

    assert create("num_images=many") == "num_images is a number, 'many' is none."
    assert create("num_images") == "--set 'num_images': write NAME=VALUE."
    assert create("num_images=99").startswith("params.num_images: ")


def test_a_wrong_key_a_wrong_password_and_nobody_are_told_apart(vermilion: Terminal, studio: Studio) -> None:
    wrong_key = vermilion("create", "x", VERMILION_URL=studio.url, VERMILION_API_KEY="vk_wrong")
    assert "does not know this API key" in complaint(wrong_key)
    wrong = vermilion("create", "x", "--email", "a@example.com", "--password", "wrong", VERMILION_URL=studio.url)
    assert "is not right" in complaint(wrong)
    assert complaint(vermilion("create", "x", VERMILION_URL=studio.url)).startswith("Who are you?")


def test_a_server_that_is_not_there_is_told_in_one_line(vermilion: Terminal) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        away = vermilion("create", "x", VERMILION_URL=address, VERMILION_API_KEY="vk_any")
    assert complaint(away).startswith(f"Cannot reach a server at {address}")


def test_the_models_are_listed_with_their_prices(visitor: Terminal) -> None:
    listed = visitor("models")
    assert listed.exit_code == 0, listed.output
    assert re.search(r"^flux-1-dev +image +FLUX\.1 \[dev\] +\d+ +\d+ s", listed.stdout, re.MULTILINE)
