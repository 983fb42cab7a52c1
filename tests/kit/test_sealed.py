"""What sealed secrets promise: they open only where they were sealed, and keys can be replaced."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vermilion.kit.sealed import KeyFileBroken, SealBroken, Sealer, add_key, load_or_create_key

KEYS = {"k1": b"1" * 32, "k2": b"2" * 32}


def test_a_sealed_secret_opens_again_and_does_not_show_itself() -> None:
    sealer = Sealer(KEYS, "k1")
    sealed = sealer.seal("sandbox-key-not-secret 朱砂", bound_to="credential:1")
    assert "sandbox" not in sealed
    assert sealer.open(sealed, bound_to="credential:1") == "sandbox-key-not-secret 朱砂"


def test_sealing_twice_gives_different_texts() -> None:
    sealer = Sealer(KEYS, "k1")
    assert sealer.seal("a", bound_to="x") != sealer.seal("a", bound_to="x")


def test_a_sealed_secret_does_not_open_in_another_row() -> None:
    sealer = Sealer(KEYS, "k1")
    with pytest.raises(SealBroken):
        sealer.open(sealer.seal("a", bound_to="credential:1"), bound_to="credential:2")


def test_every_damaged_character_is_noticed() -> None:
    sealer = Sealer(KEYS, "k1")
    sealed = sealer.seal("a secret", bound_to="x")
    for position in range(len(sealed) - 1):
        other = "A" if sealed[position] != "A" else "B"
        with pytest.raises(SealBroken):
            sealer.open(sealed[:position] + other + sealed[position + 1 :], bound_to="x")


@pytest.mark.parametrize("text", ["", "v1", "v1.k1", "v1.k1.", "v1.k1.AAAA", "v2.k1.AAAA", "plain", "v1.k1.#+ä"])
def test_text_that_is_not_sealed_is_refused(text: str) -> None:
    with pytest.raises(SealBroken):
        Sealer(KEYS, "k1").open(text, bound_to="x")


def test_old_keys_open_and_new_seals_use_the_current_key() -> None:
    before = Sealer({"k1": KEYS["k1"]}, "k1")
    after = Sealer(KEYS, "k2")
    sealed = before.seal("a", bound_to="x")
    assert not after.is_current(sealed)
    renewed = after.reseal(sealed, bound_to="x")
    assert after.is_current(renewed)
    assert Sealer({"k2": KEYS["k2"]}, "k2").open(renewed, bound_to="x") == "a"
    with pytest.raises(SealBroken, match="k2"):
        before.open(renewed, bound_to="x")


def test_a_new_key_file_is_its_owners_only_and_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "data" / "key"
    sealed = load_or_create_key(path).seal("a", bound_to="x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["key"]
    assert load_or_create_key(path).open(sealed, bound_to="x") == "a"


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        sealers = list(pool.map(load_or_create_key, [tmp_path / "key"] * 32))
    for sealer in sealers:
        assert sealers[0].open(sealer.seal("a", bound_to="x"), bound_to="x") == "a"


def test_an_added_key_becomes_current_and_the_old_one_still_opens(tmp_path: Path) -> None:
    path = tmp_path / "key"
    sealed = load_or_create_key(path).seal("a", bound_to="x")
    rotated = add_key(path)
    assert rotated.open(sealed, bound_to="x") == "a"
    assert not rotated.is_current(sealed)
    assert load_or_create_key(path).is_current(rotated.seal("b", bound_to="x"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "# nothing\n", "k1\n", "k1 short\n", f"K1 {'A' * 43}\n", "k1 §\n", "k1 a b c\n"])
def test_a_file_that_is_not_ours_is_refused_rather_than_replaced(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(KeyFileBroken):
        load_or_create_key(path)
    assert path.read_text(encoding="utf-8") == text


def test_a_key_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer({"k1": b"short"}, "k1")
    with pytest.raises(ValueError, match="current"):
        Sealer(KEYS, "k3")
