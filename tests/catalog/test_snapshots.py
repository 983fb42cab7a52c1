"""A snapshot keeps what driving, settling and showing a generation needs, and nothing that only its form does."""

import json
from pathlib import Path
from typing import Any

import pytest

from vermilion.catalog import Entry, GivenInput, Snapshot, load_shelf

SHELF = load_shelf()
STORED = Path(__file__).parent / "stored"
"""Snapshots as an earlier version stored them, whole entries without their words."""


def params_of(entry: Entry) -> dict[str, Any]:
    inputs = [GivenInput(role.role, role.content_types[0], 1000) for role in entry.inputs for _ in range(role.minimum)]
    return entry.accept("a fox" if entry.prompt else "", {}, inputs).params


def as_once_stored(entry: Entry) -> dict[str, Any]:
    """The entry as the first versions wrote it into a row."""
    drawing = dict.fromkeys(("label", "help", "unit", "advanced", "control", "step", "flag", "flag_alone"), True)
    params = {"__all__": {**drawing, "choices": {"__all__": {"label", "flag"}}}}
    top = dict.fromkeys(("about", "aliases", "follow_ups", "settled_flags", "words_carry_flags", "kept_flags"), True)
    without: Any = {**top, "params": params, "inputs": {"__all__": {"label"}}}
    return entry.model_dump(mode="json", exclude_defaults=True, exclude=without)


@pytest.mark.parametrize("entry", SHELF.entries(), ids=lambda entry: entry.id)
def test_a_snapshot_says_of_what_was_accepted_all_that_the_entry_says(entry: Entry) -> None:
    stored = json.loads(json.dumps(Snapshot.of(entry).stored()))
    restored = Snapshot.read(stored)
    params = params_of(entry)
    assert restored.wire_params(params) == entry.wire_params(params)
    assert restored.wire_options() == entry.wire_options()
    assert restored.quote(params) == entry.quote(params)
    assert restored.aspect(params) == entry.aspect(params)
    for name in ("id", "endpoint", "provider", "makes", "name", "deadline_seconds", "typical_seconds", "continues"):
        assert getattr(restored, name) == getattr(entry, name)
    assert restored.stored() == stored
    assert len(json.dumps(stored)) < 3000


@pytest.mark.parametrize("entry", SHELF.entries(), ids=lambda entry: entry.id)
def test_every_choice_is_sent_and_shaped_as_the_entry_does_it(entry: Entry) -> None:
    restored = Snapshot.read(Snapshot.of(entry).stored())
    accepted = params_of(entry)
    for param in entry.params:
        for choice in getattr(param, "choices", ()):
            params = {**accepted, param.name: choice.value}
            assert restored.wire_params(params) == entry.wire_params(params)
            assert restored.aspect(params) == entry.aspect(params)


def test_what_only_the_form_and_the_judging_need_is_left_out() -> None:
    stored = json.dumps(Snapshot.of(SHELF.entry("midjourney-v7")).stored())
    for only_judged in ("content_types", "max_bytes", "max_chars", "maximum", "default", "flag", "label", "about"):
        assert f'"{only_judged}"' not in stored
    assert '"choices": ["turbo", "fast", "relax"]' in stored


@pytest.mark.parametrize("entry", SHELF.entries(), ids=lambda entry: entry.id)
def test_a_snapshot_that_an_earlier_version_stored_is_read_as_today_s(entry: Entry) -> None:
    assert Snapshot.read(as_once_stored(entry)) == Snapshot.of(entry)


def test_stored_snapshots_still_drive_what_was_requested_under_them() -> None:
    flux = Snapshot.read(json.loads((STORED / "flux-1-dev.json").read_text()))
    params = {"num_images": 2, "aspect_ratio": "16:9", "exact_size": None, "output_format": "png", "seed": None}
    sent = {"num_images": 2, "image_size": {"width": 1280, "height": 720}, "output_format": "png"}
    assert flux.wire_params(params) == sent
    assert flux.wire_params({**params, "exact_size": {"width": 512, "height": 1024}})["image_size"]["width"] == 512
    assert flux.aspect(params) == pytest.approx(16 / 9, rel=1e-3)
    assert (flux.quote(params).price_credits, flux.quote(params).expected_outputs) == (6, 2)
    drawn = Snapshot.read(json.loads((STORED / "midjourney-v7.json").read_text()))
    params = {"speed": "turbo", "aspect_ratio": "7:3", "style": "standard", "publication": "stealth", "chaos": 20}
    sent = {"speed": "turbo", "--ar": "7:3", "--chaos": 20, "flags": "--stealth"}
    assert drawn.wire_params(params) == sent
    assert drawn.aspect(params) == pytest.approx(7 / 3)
    assert drawn.wire_options()["inputs"]["style"] == {"wire": "sref", "list": True}
    assert drawn.quote(params).price_credits == 10


def test_a_snapshot_from_a_newer_house_still_opens() -> None:
    stored = Snapshot.of(SHELF.entry("flux-1-dev")).stored() | {"added_later": True}
    stored["params"][0]["added_later"] = 1
    assert Snapshot.read(stored).id == "flux-1-dev"
