"""What must not be in the repository, and what its locks must have."""

import json
import re

import pytest

from tests.house.tree import ROOT, text_of, tracked_files

# Each pattern is put together so that this file does not match itself.
_MACHINE_PATH = re.compile(r"(?<![\w.~}:/-])/(?:" + "|".join(["work", "root", "Users", "home"]) + r")/[\w.]")
_REGISTRY = re.compile(
    "|".join(
        [
            r"registry\." + r"npmjs",
            r"registry\." + r"yarnpkg",
            r"files\.python" + r"hosted",
            r"pypi\." + r"org/simple",
            r"deb\." + r"debian\.org",
            r"(?:--extra)?-?-index" + r"-url",
            r"--trusted" + r"-host",
        ]
    )
)
_REQUIREMENT = re.compile(r"^[A-Za-z0-9][^=\s]*==\S+")


def machine_paths(text: str) -> list[str]:
    """Paths that exist on somebody's machine only."""
    return [match.group() for match in _MACHINE_PATH.finditer(text)]


def registries(text: str) -> list[str]:
    """Addresses of package registries."""
    return [match.group() for match in _REGISTRY.finditer(text)]


def requirements_without_hash(lock: str) -> list[str]:
    """Requirements of a pip lock that no hash follows, and lines that name an address."""
    entries = re.split(r"(?<!\\)\n", lock)
    found = [entry for entry in entries if _REQUIREMENT.match(entry) and "--hash=sha256:" not in entry]
    return found + [line for line in lock.splitlines() if "://" in line and not line.lstrip().startswith("#")]


def packages_without_integrity(lock: str) -> list[str]:
    """Packages of an npm lock that are not pinned by a hash (their own, or that of the package they come inside), or
    that name where they came from."""
    packages = json.loads(lock)["packages"]
    return [
        name
        for name, package in packages.items()
        if name
        and not package.get("link")
        and not package.get("inBundle")
        and ("integrity" not in package or "resolved" in package)
    ]


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    assert {str(path): found for path in tracked_files() if (found := machine_paths(text_of(path)))} == {}


def test_no_file_names_a_package_registry() -> None:
    assert {str(path): found for path in tracked_files() if (found := registries(text_of(path)))} == {}


def test_every_pinned_requirement_has_a_hash() -> None:
    locks = [path for path in tracked_files() if path.parent.name == "requirements" and path.suffix == ".lock"]
    assert locks
    assert {str(path): found for path in locks if (found := requirements_without_hash(text_of(path)))} == {}


def test_every_pinned_package_of_the_web_app_has_a_hash() -> None:
    assert packages_without_integrity((ROOT / "web/package-lock.json").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("text", ["see /" + "root/x", "'/" + "home/ada/x'", "cd /" + "work/main"])
def test_a_path_of_a_machine_is_noticed(text: str) -> None:
    assert machine_paths(text)


@pytest.mark.parametrize("text", ["src/work/x", "https://a.example/home/x", "$HOME/x", "/workers/x", "a/root/b"])
def test_other_paths_are_left_alone(text: str) -> None:
    assert machine_paths(text) == []


def test_a_registry_is_noticed() -> None:
    assert registries("https://registry." + "npmjs.org/a")
    assert registries("pip install --index" + "-url x")
    assert registries("https://pypi.org/project/vermilion") == []


def test_a_lock_without_hashes_is_noticed() -> None:
    good = "a==1 \\\n    --hash=sha256:00\n"
    assert requirements_without_hash(good) == []
    assert requirements_without_hash(good + "b==2\n") == ["b==2"]
    assert requirements_without_hash(good + "b @ https://example.org/b.whl --hash=sha256:00\n")
    sound = {"": {}, "node_modules/a": {"version": "1", "integrity": "sha512-x"}, "node_modules/b": {"link": True}}
    assert packages_without_integrity(json.dumps({"packages": sound})) == []
    loose = {"node_modules/a": {"version": "1"}, "node_modules/b": {"integrity": "x", "resolved": "y"}}
    assert packages_without_integrity(json.dumps({"packages": loose})) == ["node_modules/a", "node_modules/b"]
