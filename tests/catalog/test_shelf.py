"""A catalog file with a mistake is refused whole, in words that say where; the Flux shelf says what fal's facts say."""

from typing import Any

import pytest

from vermilion.catalog import CatalogBroken, load_shelf
from vermilion.catalog.shelf import read_entries
from vermilion.kit import NotFound
from vermilion.providers import adapters

GOOD = """
[provider]
name = "acme"
title = "Acme"

[param.steps]
type = "integer"
minimum = 1
maximum = 50
default = 28
label = { en = "Steps", zh = "步数" }

[param.mood]
type = "choice"
default = "calm"
label = { en = "Mood", zh = "情绪" }
choices = [{ value = "calm", label = { en = "Calm", zh = "平静" } }, { value = "16:9" }]

[param.words]
type = "string"
max_length = 100
default = ""
label = { en = "Words", zh = "文字" }

[input.image]
label = { en = "Picture", zh = "图片" }
minimum = 1
maximum = 1
content_types = ["image/png"]
max_bytes = 1000
wire = "image_url"

[[model]]
id = "acme-1"
endpoint = "acme/one"
aliases = ["one"]
makes = "image"
name = { en = "Acme One", zh = "一号" }
about = { en = "The first.", zh = "第一个。" }
prompt = { required = true, max_chars = 100 }
params = ["steps", "mood", "words"]
inputs = ["image"]
price = { base_credits = 3, rows = [{ when = { mood = "16:9" }, base_credits = 4 }] }
typical_seconds = 5
deadline_seconds = 100
"""


def test_providers_stand_where_they_say() -> None:
    first = GOOD.replace('title = "Acme"', 'title = "Acme"\nplace = 0')
    for text, at in ((GOOD, -1), (first, 0)):
        shelf = load_shelf(Source(text))  # type: ignore[arg-type]
        assert shelf.entries()[at].id == "acme-1"
        assert list(shelf.providers())[at] == "acme"


def test_the_good_file_is_good() -> None:
    provider, entries = read_entries("acme.toml", GOOD)
    assert provider.title == "Acme"
    assert [entry.id for entry in entries] == ["acme-1"]
    assert entries[0].provider == "acme"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("maximum = 50\n", "", "params.0.integer.maximum: Field required"),
        ("minimum = 1\nmaximum = 50", "minimum = -inf\nmaximum = 50", "minimum"),
        ("maximum = 50", "maximum = 99999999999999999", "maximum"),
        ("maximum = 50", 'maximum = "50"', "maximum"),
        ("maximum = 50", "maximum = true", "maximum"),
        ("max_length = 100\n", "", "max_length"),
        ("default = 28", "default = 51", "default 51 must be at most 50"),
        ("default = 28\n", "", "needs a default"),
        ("default = 28", "defualt = 28", "defualt"),
        ("default = 28", "default = nan", "default"),
        ('default = "calm"', 'default = "angry"', "must be one of"),
        ('label = { en = "Steps", zh = "步数" }', 'label = { en = "Steps" }', "both languages"),
        ('label = { en = "Steps", zh = "步数" }', 'label = { en = "Steps", zh = " " }', "both languages"),
        ('label = { en = "Steps", zh = "步数" }', 'label = { en = "Steps", zh = "步", fr = "Pas" }', "both languages"),
        ('label = { en = "Steps", zh = "步数" }\n', "", "params.steps.label has no words"),
        ('about = { en = "The first.", zh = "第一个。" }\n', "", "about has no words"),
        ('name = { en = "Acme One", zh = "一号" }\n', "", "name: Field required"),
        (', label = { en = "Calm", zh = "平静" }', "", "choices.calm.label has no words"),
        ('{ value = "16:9" }', '{ value = "calm" }', "same choice twice"),
        ("maximum = 1\ncontent_types", "content_types", "inputs.0.maximum"),
        ("maximum = 1\ncontent_types", "maximum = 4\ncontent_types", "list = true"),
        ('content_types = ["image/png"]', 'content_types = ["*/*"]', "content_types"),
        ("max_bytes = 1000\n", "", "max_bytes"),
        ("base_credits = 3", "base_credits = 0", "costs 0 to 4 credits"),
        ("base_credits = 3", "base_credits = 1_000_001", "base_credits"),
        ("base_credits = 3", "base_credits = -1", "base_credits"),
        ("base_credits = 3", "base_credits = 2.5", "base_credits"),
        ('mood = "16:9" }, base_credits = 4', 'mood = "angry" }, base_credits = 4', "must be one of"),
        ('mood = "16:9" }, base_credits = 4', 'tempo = "slow" }, base_credits = 4', "no choice or boolean"),
        ("deadline_seconds = 100\n", "", "deadline_seconds: Field required"),
        ("deadline_seconds = 100", "deadline_seconds = 100000", "deadline_seconds"),
        ("typical_seconds = 5", "typical_seconds = 500", "typical_seconds is above"),
        ("max_chars = 100 }", "max_chars = 0 }", "max_chars"),
        ('params = ["steps", ', 'params = ["steps", "steps", ', "declared twice"),
        ('params = ["steps", ', 'params = ["speed", ', "'speed', which is not defined"),
        (', "words"]', "]", "param.words is defined and never used"),
        ('inputs = ["image"]', 'inputs = []', "input.image is defined and never used"),
        ('makes = "image"', 'makes = "smell"', "makes"),
        ('makes = "image"', 'makes = "image"\noutputs_param = "mood"', "outputs_param must name"),
        (
            'makes = "image"',
            'makes = "image"\nfollow_ups = [{ label = { en = "E", zh = "E" }, input_role = "mask" }]',
            "'mask', which is no input",
        ),
        ('id = "acme-1"', 'id = "Acme 1"', "id"),
        ('wire = "image_url"', 'wire = "steps"', "sent as 'steps', which is taken"),
        ("[provider]\n", "[povider]\n", "unknown table"),
        ("[[model]]", "[[model]", "acme.toml"),
    ],
)  # fmt: skip
def test_a_mistake_refuses_the_file_and_says_where(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(CatalogBroken) as raised:
        read_entries("acme.toml", GOOD.replace(old, new, 1))
    assert str(raised.value).startswith("acme.toml: ")
    assert said in str(raised.value)


class Source:
    """A file that is not on disk."""

    name = "acme.toml"

    def __init__(self, text: str) -> None:
        self._text = text

    def read_text(self, **_: Any) -> str:
        return self._text


@pytest.mark.parametrize(
    ("old", "new"), [('"acme-1"', '"flux-1-dev"'), ('["one"]', '["flux-1-dev"]'), ('["one"]', '["acme-1"]')]
)
def test_no_two_models_share_a_name(old: str, new: str) -> None:
    with pytest.raises(CatalogBroken, match="names two models"):
        load_shelf(Source(GOOD.replace(old, new, 1)))  # type: ignore[arg-type]


def test_a_further_file_adds_its_models() -> None:
    shelf = load_shelf(Source(GOOD))  # type: ignore[arg-type]
    assert shelf.entry("one") is shelf.entry("acme-1")
    assert shelf.providers()["acme"] == "Acme"


def test_an_unknown_model_is_not_found() -> None:
    with pytest.raises(NotFound) as raised:
        load_shelf().entry("flux-9")
    assert (raised.value.code, raised.value.field) == ("catalog.unknown_model", "model")


def test_every_model_has_an_adapter() -> None:
    assert {entry.provider for entry in load_shelf().entries()} <= set(adapters())


@pytest.mark.parametrize(
    "described",
    [
        "fal-ai/flux-1/dev", "fal-ai/flux-1/dev/image-to-image", "fal-ai/flux-1/dev/redux", "fal-ai/flux-1/schnell",
        "fal-ai/flux-1/schnell/redux", "fal-ai/flux-pro/kontext", "fal-ai/flux-pro/kontext/max",
        "fal-ai/flux-pro/kontext/max/multi", "fal-ai/flux-pro/kontext/max/text-to-image",
        "fal-ai/flux-pro/kontext/multi", "fal-ai/flux-pro/kontext/text-to-image",
    ],
)  # fmt: skip
def test_the_eleven_described_models_are_there_under_their_described_names(described: str) -> None:
    entry = load_shelf().entry(described)
    assert entry.endpoint == described
    assert entry.outputs_param == "num_images"


def limits(model: str, name: str) -> tuple[Any, Any, Any]:
    param = load_shelf().entry(model).param(name)
    return (getattr(param, "minimum", None), getattr(param, "maximum", None), param.default) if param else (None,) * 3


@pytest.mark.parametrize(
    ("model", "name", "expected"),
    [
        ("flux-1-dev", "num_inference_steps", (1, 50, 28)),
        ("flux-1-dev", "guidance_scale", (1, 20, 3.5)),
        ("flux-1-dev-image-to-image", "strength", (0.01, 1, 0.95)),
        ("flux-1-dev-image-to-image", "num_inference_steps", (10, 50, 40)),
        ("flux-1-schnell", "num_inference_steps", (1, 12, 4)),
        ("flux-1-schnell-redux", "guidance_scale", (None, None, None)),
        ("flux-1-krea", "guidance_scale", (1, 20, 4.5)),
        ("flux-kontext-dev", "guidance_scale", (1, 20, 2.5)),
        ("flux-kontext-pro", "num_inference_steps", (None, None, None)),
        ("flux-pro-1.1", "guidance_scale", (None, None, None)),
        ("flux-pro-1.1-ultra", "image_prompt_strength", (0, 1, 0.1)),
        ("flux-pro-erase", "dilate_pixels", (0, 100, 10)),
        ("flux-2", "guidance_scale", (0, 20, 2.5)),
        ("flux-2", "num_inference_steps", (4, 50, 28)),
        ("flux-2-turbo", "num_inference_steps", (None, None, None)),
        ("flux-2-pro", "num_images", (None, None, None)),
        ("flux-2-flex", "guidance_scale", (1.5, 10, 3.5)),
        ("flux-2-flex", "num_inference_steps", (2, 50, 28)),
        ("flux-2-klein-4b", "num_inference_steps", (4, 8, 4)),
        ("flux-2-klein-9b-base", "guidance_scale", (0, 20, 5)),
    ],
)
def test_limits_are_those_of_the_vendor(model: str, name: str, expected: tuple[Any, Any, Any]) -> None:
    assert limits(model, name) == expected


def test_kontext_takes_no_size_strength_mask_or_negative_prompt() -> None:
    for entry in load_shelf().entries():
        if entry.endpoint.startswith("fal-ai/flux-pro/kontext"):
            sent = {param.wire_name for param in entry.params} | {given.wire for given in entry.inputs}
            assert not sent & {"image_size", "strength", "mask_url", "negative_prompt", "num_inference_steps"}


def test_safety_tolerance_is_a_word_and_ends_at_five_for_flux_2() -> None:
    for entry in load_shelf().entries():
        param = entry.param("safety_tolerance")
        if param is not None:
            last = "5" if entry.id.startswith("flux-2") else "6"
            assert [choice.value for choice in param.choices] == list("123456"[: int(last)])  # type: ignore[union-attr]
