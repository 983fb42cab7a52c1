"""What is typed as flags in the words is what the form would say, and nothing typed is lost without a word."""

import re
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vermilion.catalog import Entry, load_shelf
from vermilion.catalog.shelf import CatalogBroken, read_entries
from vermilion.kit import Invalid

CATALOG = """
[provider]
name = "acme"
title = "Acme"

[[model]]
id = "brush"
endpoint = "brush"
makes = "image"
name = { en = "Brush", zh = "画笔" }
about = { en = "A brush.", zh = "一支画笔。" }
prompt = { required = true, max_chars = 60 }
price = { base_credits = 5, rows = [{ when = { speed = "turbo" }, base_credits = 10 }] }
typical_seconds = 5
deadline_seconds = 60
settled_flags = { v = "7", version = "7" }

[[model.params]]
name = "shape"
type = "choice"
any_ratio = true
default = "1:1"
choices = [{ value = "1:1", aspect = 1.0 }, { value = "16:9", aspect = 1.7778 }]
label = { en = "Shape", zh = "画幅" }
flag = ["ar", "aspect"]

[[model.params]]
name = "chaos"
type = "integer"
minimum = 0
maximum = 100
default = 0
label = { en = "Chaos", zh = "混乱" }
flag = "chaos"

[[model.params]]
name = "weight"
type = "number"
minimum = 0.0
maximum = 3.0
optional = true
label = { en = "Weight", zh = "权重" }
flag = "iw"

[[model.params]]
name = "quality"
type = "choice"
default = "1"
choices = [{ value = "0.5" }, { value = "1" }]
label = { en = "Quality", zh = "质量" }
flag = "q"

[[model.params]]
name = "without"
type = "string"
max_length = 20
optional = true
label = { en = "Without", zh = "不要" }
flag = "no"

[[model.params]]
name = "profile"
type = "string"
max_length = 20
optional = true
flag_alone = "default"
label = { en = "Profile", zh = "个人化" }
flag = ["p", "profile"]

[[model.params]]
name = "tile"
type = "boolean"
default = false
label = { en = "Tile", zh = "平铺" }
flag = "tile"

[[model.params]]
name = "speed"
type = "choice"
default = "fast"
choices = [
    { value = "fast", label = { en = "Fast", zh = "快速" }, flag = "fast" },
    { value = "turbo", label = { en = "Turbo", zh = "极速" }, flag = "turbo" },
]
label = { en = "Speed", zh = "速度" }

[[model.params]]
name = "size"
type = "size"
minimum = 64
maximum = 4096
choices = [{ value = "512x512", aspect = 1.0 }]
default = "512x512"
label = { en = "Size", zh = "尺寸" }
flag = "size"
"""

BRUSH = read_entries("acme.toml", CATALOG)[1][0]


def problems_of(prompt: str, entry: Entry = BRUSH, **params: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        entry.accept(prompt, params)
    return [(error["field"], error["code"]) for error in refused.value.extras["errors"]]


@pytest.mark.parametrize(
    ("typed", "words", "params"),
    [
        ("a fox --ar 16:9", "a fox", {"shape": "16:9"}),
        ("a fox --ASPECT 7:3", "a fox", {"shape": "7:3"}),
        ("a fox --no snow, text --chaos 30", "a fox", {"without": "snow, text", "chaos": 30}),
        ("a fox --tile --turbo", "a fox", {"tile": True, "speed": "turbo"}),
        ("a fox --iw 1.5 --q .5", "a fox", {"weight": 1.5, "quality": "0.5"}),
        ("a fox --p", "a fox", {"profile": "default"}),
        ("a fox --p ab12 --v 7", "a fox", {"profile": "ab12"}),
        ("a fox --v 7.0", "a fox", {}),
        ("a fox --size 512x512", "a fox", {"size": "512x512"}),
        ("a fox --size 1024x768", "a fox", {"size": {"width": 1024, "height": 768}}),
        ("a fox\n--chaos 5", "a fox", {"chaos": 5}),
        ("a fox —ar 16:9", "a fox", {"shape": "16:9"}),
        ("a fox --ar 16:9 in the snow", "a fox in the snow", {"shape": "16:9"}),
        ("a fox --turbo in the snow", "a fox in the snow", {"speed": "turbo"}),
        ("a fox — or a wolf", "a fox — or a wolf", {}),
        ("a fox —or a wolf", "a fox —or a wolf", {}),
        ("a well--known fox", "a well--known fox", {}),
        ("a fox -- or a wolf", "a fox -- or a wolf", {}),
    ],
)
def test_flags_become_parameters_and_words_stay_words(typed: str, words: str, params: dict[str, Any]) -> None:
    accepted = BRUSH.accept(typed, {})
    usual = BRUSH.accept("a fox", {}).params
    assert (accepted.prompt, accepted.params) == (words, {**usual, **params})
    assert jsonschema_rs.Draft202012Validator(BRUSH.params_schema()).is_valid(accepted.params)


def test_what_was_typed_wins_over_the_form_and_decides_the_price() -> None:
    form = {"speed": "fast", "chaos": 10}
    accepted = BRUSH.accept("a fox --turbo", form)
    assert (accepted.params["speed"], accepted.params["chaos"]) == ("turbo", 10)
    assert BRUSH.quote(BRUSH.accept_params(form, "--turbo")).price_credits == 10
    assert BRUSH.quote(BRUSH.accept_params(form)).price_credits == 5


@pytest.mark.parametrize(
    ("typed", "problems"),
    [
        ("a fox --chaos 101", [("params.chaos", "too_large")]),
        ("a fox --chaos many", [("params.chaos", "wrong_type")]),
        ("a fox --iw nan", [("params.weight", "wrong_type")]),
        ("a fox --ar wide", [("params.shape", "not_a_choice")]),
        ("a fox --ar 0:1", [("params.shape", "not_a_choice")]),
        ("a fox --no", [("params.without", "required")]),
        ("a fox --repeat 4", [("prompt", "unknown_flag")]),
        ("a fox --v 6.1", [("prompt", "settled")]),
        ("a fox --fast --turbo", [("params.speed", "twice")]),
        ("--ar 16:9", [("prompt", "required")]),
        ("a fox --no " + "x" * 21, [("params.without", "too_long")]),
        ("f" * 61 + " --tile", [("prompt", "too_long")]),
    ],
)
def test_what_cannot_be_meant_is_named(typed: str, problems: list[tuple[str, str]]) -> None:
    assert problems_of(typed) == problems


def test_flags_do_not_count_against_the_length_of_the_words() -> None:
    assert BRUSH.accept("f" * 60 + " --tile --chaos 5", {}).prompt == "f" * 60


@given(st.text(st.sampled_from("ab -—\n:\x00arcv17"), max_size=40))
def test_any_prompt_is_taken_apart_or_refused_and_taking_it_apart_twice_changes_nothing(prompt: str) -> None:
    try:
        accepted = BRUSH.accept(prompt, {})
    except Invalid:
        return
    assert BRUSH.accept(accepted.prompt, accepted.params) == accepted


def test_a_model_without_flags_leaves_the_words_alone() -> None:
    model = load_shelf().entry("flux-1-dev")
    assert model.accept("a fox --ar 16:9", {}).prompt == "a fox --ar 16:9"


CARRIED = read_entries(
    "acme.toml",
    CATALOG.replace('title = "Acme"', 'title = "Acme"\nwords_carry_flags = true', 1).replace(
        "settled_flags", 'kept_flags = ["seed"]\nsettled_flags', 1
    ),
)[1][0]


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("a fox --other 4", "unknown_flag"),
        ("a fox--turbo", "unknown_flag"),
        ("a fox—turbo", "unknown_flag"),
        ("a fox,—other", "unknown_flag"),
        ("a fox --turbo.", "unknown_flag"),
        ("a fox --chaos=5", "unknown_flag"),
        ("a fox --seed=5", "unknown_flag"),
        ("a well--known fox", "unknown_flag"),
        ("a {red, blue} fox", "several"),
        (r"a {red\\, blue} fox", "several"),
    ],
)
def test_where_the_provider_reads_the_words_no_flag_is_left_in_them(typed: str, code: str) -> None:
    assert problems_of(typed, CARRIED) == [("prompt", code)]


def test_what_costs_nothing_may_be_kept_in_the_words() -> None:
    assert CARRIED.accept("a fox --seed 5 --tile", {}).prompt == "a fox --seed 5"
    assert CARRIED.params_schema()["x-kept-flags"] == ["seed"]
    assert "x-kept-flags" not in BRUSH.params_schema()


@pytest.mark.parametrize("inside", ["snow,--tile", "snow—tile", "{a,b}", "https://x.example/--tile.png"])
def test_no_value_brings_a_flag_or_makes_several(inside: str) -> None:
    for entry in (BRUSH, CARRIED):
        with pytest.raises(Invalid):
            entry.accept("a fox", {"without": inside[-20:]})
        schema = jsonschema_rs.Draft202012Validator(entry.params_schema())
        usual = entry.accept("a fox", {}).params
        assert schema.is_valid({**usual, "without": "snow, ice"})
        assert not schema.is_valid({**usual, "without": inside[-20:]})


@given(st.text(st.sampled_from("ab -—{,}\\\n=turbo"), max_size=40))
def test_a_prompt_that_is_taken_holds_nothing_the_provider_would_read(prompt: str) -> None:
    try:
        accepted = CARRIED.accept(prompt, {})
    except Invalid:
        return
    assert not re.search(r"--[A-Za-z]", accepted.prompt)
    assert CARRIED.accept(accepted.prompt, accepted.params) == accepted


def test_the_schema_says_what_may_be_typed() -> None:
    drawn = BRUSH.params_schema()["properties"]
    assert drawn["shape"]["x-flag"] == ["ar", "aspect"]
    assert drawn["speed"]["x-flag-choices"] == {"fast": "fast", "turbo": "turbo"}
    assert "x-flag" not in drawn["speed"]
    assert [param["x-flag-alone"] for param in drawn.values() if "x-flag-alone" in param] == ["default"]
    assert BRUSH.params_schema()["x-settled-flags"] == {"v": "7", "version": "7"}


@pytest.mark.parametrize(
    ("prompt", "words", "params"),
    [
        ("狐狸 --ar 3：2", "狐狸", {"shape": "3:2"}),
        ("狐狸 --ar １６：９， 雪", "狐狸 雪", {"shape": "16:9"}),
        ("狐狸 ——chaos ２０ －－tile", "狐狸", {"chaos": 20, "tile": True}),
        ("狐狸 --iw １．５、 --size ６４０×４８０", "狐狸", {"weight": 1.5, "size": {"width": 640, "height": 480}}),
        ("狐狸　--q　．５　慢慢走", "狐狸 慢慢走", {"quality": "0.5"}),
        ("狐狸 --v ７， --ar 3:2\n雪", "狐狸 雪", {"shape": "3:2"}),
        ("狐狸 --no 雪，雨", "狐狸", {"without": "雪，雨"}),
    ],
)
def test_what_chinese_keyboards_make_of_flags_is_understood(prompt: str, words: str, params: dict[str, Any]) -> None:
    accepted = BRUSH.accept(prompt, {})
    assert accepted.prompt == words
    assert {name: accepted.params[name] for name in params} == params


def test_a_flag_that_is_refused_is_quoted_as_it_was_said() -> None:
    with pytest.raises(Invalid) as refused:
        BRUSH.accept("a fox --ar 3-2 --chaos ９００", {})
    shape, chaos = refused.value.extras["errors"]
    assert (shape["field"], chaos["field"]) == ("params.shape", "params.chaos")
    assert shape["message"].endswith("or another ratio of whole numbers, as 7:3; the words say --ar 3-2")
    assert chaos["message"].endswith("the words say --chaos 900")
    with pytest.raises(Invalid) as refused:
        BRUSH.accept("a fox", {"chaos": 900})
    assert "words say" not in refused.value.extras["errors"][0]["message"]


def test_any_ratio_has_its_shape() -> None:
    shape = BRUSH.param("shape")
    assert shape is not None
    assert [shape.aspect(ratio) for ratio in ("3:2", "9999:1", "1:9999", "16:9")] == [1.5, 100, 0.01, 1.7778]
    assert BRUSH.wire_params(BRUSH.accept("a fox --ar 3:2", {}).params)["shape"] == "3:2"


def test_a_flag_means_one_thing() -> None:
    for twice in ('flag = "chaos"', 'flag = "v"', 'flag = "turbo"'):
        with pytest.raises(CatalogBroken, match="means two things"):
            read_entries("acme.toml", CATALOG.replace('flag = "iw"', twice))
