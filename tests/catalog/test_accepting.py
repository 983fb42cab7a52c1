"""An entry accepts exactly what its schema accepts, completes it, and names everything that is wrong at once."""

import json
import math
from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vermilion.catalog import Entry, GivenInput, load_shelf
from vermilion.kit import Invalid

SHELF = load_shelf()
DEV = SHELF.entry("flux-1-dev")
REPAINT = SHELF.entry("flux-1-dev-image-to-image")
MULTI = SHELF.entry("flux-kontext-pro-multi")
ERASE = SHELF.entry("flux-pro-erase")
MASKING = [entry for entry in SHELF.entries() if any(given.mask for given in entry.inputs)]
VALIDATORS = {entry.id: jsonschema_rs.Draft202012Validator(entry.params_schema()) for entry in SHELF.entries()}


def problems_of(entry: Entry, prompt: str = "a fox", inputs: tuple[GivenInput, ...] = (), **params: Any) -> list[Any]:
    with pytest.raises(Invalid) as raised:
        entry.accept(prompt, params, inputs)
    assert raised.value.code == "generation.invalid_params"
    assert raised.value.field == raised.value.extras["errors"][0]["field"]
    errors: list[Any] = raised.value.extras["errors"]
    return errors


def picture(role: str = "image", content_type: str = "image/png", size_bytes: int = 1000) -> GivenInput:
    return GivenInput(role, content_type, size_bytes)


def required_inputs(entry: Entry) -> list[GivenInput]:
    return [picture(role.role, role.content_types[0]) for role in entry.inputs for _ in range(role.minimum)]


numbers = st.one_of(
    st.integers(-(2**60), 2**60), st.integers(-2, 60), st.floats(allow_nan=False, allow_infinity=False), st.booleans()
)
choices = st.sampled_from(["1:1", "png", "none", "2", "high", "original"])
words = st.one_of(st.text(max_size=30), st.text(st.sampled_from("ab\x00\n中"), max_size=20), choices)
sizes = st.fixed_dictionaries({}, optional={"width": numbers, "height": numbers, "depth": numbers})
values = st.one_of(st.none(), numbers, words, sizes, st.lists(numbers, max_size=2))


@st.composite
def requests(draw: st.DrawFn) -> tuple[Entry, dict[str, Any]]:
    entry = draw(st.sampled_from(SHELF.entries()))
    names = st.sampled_from([param.name for param in entry.params] + ["unheard_of"])
    return entry, draw(st.dictionaries(names, values, max_size=4))


@settings(max_examples=600, deadline=None)
@given(requests())
def test_the_schema_and_accept_agree_about_every_request(request: tuple[Entry, dict[str, Any]]) -> None:
    entry, params = request
    by_schema = VALIDATORS[entry.id].is_valid(params)
    try:
        accepted = entry.accept("a fox" if entry.prompt else "", params, required_inputs(entry))
    except Invalid:
        assert not by_schema, params
        return
    assert by_schema, params
    assert set(accepted.params) == {param.name for param in entry.params}
    assert VALIDATORS[entry.id].is_valid(accepted.params)
    assert entry.accept("a fox" if entry.prompt else "", accepted.params, required_inputs(entry)) == accepted
    assert 1 <= entry.quote(accepted.params).price_credits <= 1_000_000
    json.dumps(entry.wire_params(accepted.params), allow_nan=False)


def test_defaults_are_filled_in_and_nulls_stay_for_the_vendor_to_choose() -> None:
    accepted = DEV.accept("a fox", {"num_images": 2})
    assert accepted.prompt == "a fox"
    assert accepted.params["num_images"] == 2
    assert accepted.params["num_inference_steps"] == 28
    assert accepted.params["seed"] is None
    assert "seed" not in DEV.wire_params(accepted.params)


def test_every_problem_is_named_at_once_and_the_first_is_the_field() -> None:
    errors = problems_of(
        REPAINT, "", (picture("mask"), picture(content_type="image/gif")), num_images=9, strength="much", size=1
    )
    assert [(error["field"], error["code"]) for error in errors] == [
        ("prompt", "required"),
        ("params.num_images", "too_large"),
        ("params.strength", "wrong_type"),
        ("params.size", "unknown"),
        ("inputs.0", "unknown"),
        ("inputs.1", "wrong_content_type"),
    ]
    assert errors[1]["limit"] == 4


@pytest.mark.parametrize(
    ("value", "code"),
    [(True, "wrong_type"), (1.5, "wrong_type"), ("2", "wrong_type"), (math.nan, "wrong_type"), (math.inf, "wrong_type"),
     (0, "too_small"), (5, "too_large"), (None, "required"), (2**53 + 1, "too_large"), (10**400, "too_large"),
     (-(10**400), "too_small")],
)  # fmt: skip
def test_a_whole_number_is_a_whole_number_between_its_limits(value: Any, code: str) -> None:
    assert [error["code"] for error in problems_of(DEV, num_images=value)] == [code]


@pytest.mark.parametrize(
    ("value", "code"),
    [(True, "wrong_type"), ("3", "wrong_type"), (math.nan, "wrong_type"), (math.inf, "wrong_type"), (0.99, "too_small"),
     (20.001, "too_large"), (10**400, "too_large"), ([3.5], "wrong_type")],
)  # fmt: skip
def test_a_number_is_finite_and_between_its_limits(value: Any, code: str) -> None:
    assert [error["code"] for error in problems_of(DEV, guidance_scale=value)] == [code]


@pytest.mark.parametrize("value", [4.0, 4])
def test_json_has_one_kind_of_number(value: float) -> None:
    accepted = DEV.accept("a fox", {"num_images": value, "guidance_scale": value})
    assert (accepted.params["num_images"], type(accepted.params["num_images"])) == (4, int)
    assert (accepted.params["guidance_scale"], type(accepted.params["guidance_scale"])) == (4.0, float)


@pytest.mark.parametrize(
    ("value", "code"),
    [({"width": 512}, "wrong_type"), ({"width": 512, "height": 511}, "too_small"),
     ({"width": True, "height": 512}, "wrong_type"), ({"width": 512, "height": 99999}, "too_large"),
     ({"width": 512, "height": 512, "depth": 1}, "wrong_type"), ("1:1", "wrong_type"), ([512, 512], "wrong_type")],
)  # fmt: skip
def test_a_size_has_two_sides_within_limits(value: Any, code: str) -> None:
    assert [error["code"] for error in problems_of(DEV, exact_size=value)] == [code]


@pytest.mark.parametrize("value", ["5:3", "", 1, None, True, ["1:1"], {"1:1": 1}])
def test_a_choice_is_one_of_its_values(value: Any) -> None:
    assert problems_of(DEV, aspect_ratio=value)[0]["field"] == "params.aspect_ratio"


@pytest.mark.parametrize("value", [0, 1, "true", "", []])
def test_yes_and_no_are_booleans(value: Any) -> None:
    assert problems_of(DEV, enable_safety_checker=value)[0]["code"] == "wrong_type"


@pytest.mark.parametrize("seed", [0, 2**32 - 1, None])
def test_a_seed_is_a_32_bit_number_or_the_vendors_choice(seed: int | None) -> None:
    assert DEV.accept("a fox", {"seed": seed}).params["seed"] == seed
    assert problems_of(DEV, seed=2**32)[0]["code"] == "too_large"
    assert problems_of(DEV, seed=-1)[0]["code"] == "too_small"


@pytest.mark.parametrize(
    ("prompt", "code"),
    [("", "required"), (" \n ", "required"), ("x" * 5001, "too_long"), ("a\x00b", "bad_text"), ("a\ud800", "bad_text")],
)
def test_a_prompt_says_something_bounded_that_can_be_stored(prompt: str, code: str) -> None:
    assert [(error["field"], error["code"]) for error in problems_of(DEV, prompt)] == [("prompt", code)]


def test_a_model_without_words_takes_none() -> None:
    pictures = (picture(), picture("mask"))
    assert ERASE.accept("  ", {}, pictures).prompt == ""
    assert problems_of(ERASE, "away with it", pictures)[0]["code"] == "not_taken"


def test_prompts_are_counted_in_characters_not_in_bytes() -> None:
    assert DEV.accept("画" * 5000, {}).prompt == "画" * 5000


def test_inputs_are_counted_and_weighed_per_role() -> None:
    assert problems_of(MULTI)[0] == {
        "field": "inputs.image", "code": "too_few", "message": "needs at least 1", "limit": 1
    }  # fmt: skip
    assert problems_of(MULTI, inputs=(picture(),) * 5)[0]["code"] == "too_many"
    assert problems_of(MULTI, inputs=(picture(size_bytes=10**9),))[0]["code"] == "too_large"
    assert MULTI.accept("join them", {}, (picture(),) * 4)


MASKED = (picture(), picture("mask"))


@pytest.mark.parametrize(
    ("model", "other_size"),
    [("flux-pro-erase", "refused"), ("flux-pro-fill", "refused"), ("gpt-image-2", "refused"),
     ("jimeng-inpaint", "taken"), ("sd-1.5-inpaint", "taken")],
)  # fmt: skip
def test_a_mask_is_as_large_as_its_picture_where_the_vendor_wants_it_so(model: str, other_size: str) -> None:
    entry = next(entry for entry in MASKING if entry.id.startswith(model))
    prompt = "a bird" if entry.prompt else ""
    whole, mask = (replace(given, pixels=(640, 480)) for given in MASKED)
    assert entry.accept(prompt, {}, (whole, mask))
    small = replace(mask, pixels=(320, 240))
    if other_size == "taken":
        assert entry.accept(prompt, {}, (whole, small))
        return
    assert problems_of(entry, prompt, (whole, small)) == [
        {
            "field": "inputs.1",
            "code": "wrong_size",
            "message": "must be as large as the picture it belongs to: 640 × 480 pixels",
        }
    ]
    # The first picture is the one it lies over, and of what nobody measured nothing is said.
    if entry.id.startswith("gpt"):
        assert entry.accept(prompt, {}, (whole, replace(whole, pixels=(320, 240)), mask))
    assert entry.accept(prompt, {}, MASKED)


def test_every_role_called_mask_says_how_it_is_read() -> None:
    masks = [given for entry in SHELF.entries() for given in entry.inputs if given.role == "mask"]
    assert len(masks) == len(MASKING) > 10
    assert all(given.mask is not None for given in masks)


def test_a_body_full_of_unknown_names_is_not_answered_with_its_own_size() -> None:
    errors = problems_of(DEV, **{f"{'x' * 500}{number}": 1 for number in range(1000)})
    assert len(errors) <= 25
    assert len(json.dumps(errors)) < 10_000


def test_shapes_become_pixels_and_the_exact_size_wins() -> None:
    shaped = DEV.accept("a fox", {"aspect_ratio": "16:9"}).params
    assert DEV.wire_params(shaped)["image_size"] == {"width": 1280, "height": 720}
    assert "aspect_ratio" not in DEV.wire_params(shaped)
    assert DEV.aspect(shaped) == pytest.approx(16 / 9, rel=1e-3)
    exact = DEV.accept("a fox", {"aspect_ratio": "16:9", "exact_size": {"width": 512, "height": 1024}}).params
    assert DEV.wire_params(exact)["image_size"] == {"width": 512, "height": 1024}
    assert DEV.aspect(exact) == 0.5


def test_keeping_the_pictures_shape_says_nothing_to_the_vendor_or_the_word_it_wants() -> None:
    kept = MULTI.accept("join", {}, (picture(),)).params
    assert "aspect_ratio" not in MULTI.wire_params(kept)
    assert MULTI.aspect(kept) is None
    pro = SHELF.entry("flux-2-pro-edit")
    assert pro.wire_params(pro.accept("join", {}, (picture(),)).params)["image_size"] == "auto"
    dev = SHELF.entry("flux-kontext-dev")
    assert dev.wire_params(dev.accept("winter", {}, (picture(),)).params)["resolution_mode"] == "match_input"


def test_the_adapter_is_told_what_the_vendor_calls_words_and_inputs() -> None:
    assert MULTI.wire_options() == {"prompt": "prompt", "inputs": {"image": {"wire": "image_urls", "list": True}}}
    assert "prompt" not in ERASE.wire_options()
    assert ERASE.wire_options()["inputs"]["mask"] == {"wire": "mask_url", "list": False}


def test_the_price_follows_the_number_of_pictures_and_the_mode() -> None:
    assert DEV.quote({**DEV.accept("a fox", {"num_images": 4}).params}).price_credits == 12
    outpaint = SHELF.entry("flux-2-pro-outpaint")
    assert outpaint.quote(outpaint.accept("", {}, (picture(),)).params).price_credits == 7
    assert outpaint.quote(outpaint.accept("", {"mode": "fast"}, (picture(),)).params).price_credits == 5


@given(st.integers(1, 1_000_000), st.integers(1, 100), st.integers(-3, 200))
def test_part_of_the_pictures_costs_at_most_their_share(price: int, expected: int, kept: int) -> None:
    settled = DEV.settle_price(price, expected, kept)
    assert 0 <= settled <= price
    if kept <= 0:
        assert settled == 0
    elif kept >= expected:
        assert settled == price
    else:
        assert 1 <= settled <= max(1, price * kept / expected)
        assert settled >= DEV.settle_price(price, expected, kept - 1)
