"""The contract's one way out, for vendors that do not moderate, is no way out for those that do."""

from dataclasses import replace
from typing import ClassVar

import pytest

from tests.providers.contract import ProviderContract, Vendor, modules_of, speaks_of_moderation
from tests.providers.test_comfyui import TestComfyUI as Unmoderated
from tests.providers.test_fal import TestFal as Moderated
from vermilion.providers import adapters


def declared(vendor: Vendor) -> ProviderContract:
    class Declared(ProviderContract):
        vendor: ClassVar[Vendor]

    Declared.vendor = vendor
    return Declared()


def test_an_adapter_that_knows_moderation_cannot_be_declared_without() -> None:
    wrongly = declared(replace(Moderated.vendor, unmoderated="it never refuses anything"))
    with pytest.raises(AssertionError, match="refused by moderation"):
        wrongly.test_it_knows_moderation_unless_its_vendor_has_none()
    with pytest.raises(AssertionError, match="does moderate"):
        wrongly.test_no_situation_is_left_unrecorded("submit")


def test_its_code_tells_on_it_where_no_recording_does() -> None:
    silent = replace(Moderated.vendor, unmoderated="it never refuses anything", recorded_in="comfyui")
    with pytest.raises(AssertionError, match="fal_errors"):
        declared(silent).test_it_knows_moderation_unless_its_vendor_has_none()


def test_who_does_not_moderate_must_say_so() -> None:
    with pytest.raises(AssertionError, match="record submit_blocked"):
        declared(replace(Unmoderated.vendor, unmoderated="")).test_no_situation_is_left_unrecorded("submit")


def test_only_one_vendor_does_not_moderate() -> None:
    told = {
        name
        for name, adapter in adapters().items()
        if not any(speaks_of_moderation(one) for one in modules_of(adapter))
    }
    assert told == {Unmoderated.vendor.adapter.name}
    assert len(modules_of(Unmoderated.vendor.adapter)) > 8
