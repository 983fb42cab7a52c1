"""The dialect's words: keys in either spelling, status words, and fields in the words of models."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from vermilion.catalog import Entry, load_shelf
from vermilion.dialects.bodies import (
    AdvancedParams,
    CameraMove,
    CreateBody,
    FluxBody,
    ImagineBody,
    LipSyncBody,
    PaintingBody,
    VideoBody,
)
from vermilion.dialects.choosing import meant, role_of
from vermilion.dialects.files import own_file
from vermilion.dialects.midjourney_api import blend_shape, model_named
from vermilion.dialects.sizes import image_size_fields, size_fields
from vermilion.dialects.spelling import snake
from vermilion.dialects.table import DREAMWORK, FLUX, GENERATION, JIMENG, KLING, MIDJOURNEY, SERVICES, Service
from vermilion.dialects.task_views import STATUS_WORDS
from vermilion.dialects.video_api import camera_fields
from vermilion.generation import Status
from vermilion.kit import Invalid
from vermilion.providers import adapters

SHELF = load_shelf()


def entry(model: str) -> Entry:
    return SHELF.entry(model)


def params(service: Service, model: str, **fields: Any) -> dict[str, Any]:
    found = meant(entry(model), service, fields, (), {})
    assert found.ignored == (), found.ignored
    return entry(model).accept_params(found.params)


@pytest.mark.parametrize(
    ("camel", "expected"),
    [("cfgScale", "cfg_scale"), ("customId", "custom_id"), ("base64Array", "base64_array"), ("image_url", "image_url")],
)
def test_keys_are_read_in_either_spelling(camel: str, expected: str) -> None:
    assert snake(camel) == expected


def test_bodies_are_read_in_either_spelling_and_refuse_what_nobody_knows() -> None:
    assert FluxBody.model_validate({"inputImageUrl": "x", "num_images": 2}).input_image_url == "x"
    nested = ImagineBody.model_validate(
        {"prompt": "a", "advancedParams": {"customAspectRatio": {"width": 3, "height": 2}}}
    )
    assert nested.advanced_params.custom_aspect_ratio is not None
    for unknown in ({"promt": "a"}, {"cameraControl": {"kind": "simple"}}):
        with pytest.raises(ValidationError):
            VideoBody.model_validate(unknown)


@pytest.mark.parametrize(("sent", "kept"), [(-1, None), (0, 0), (7, 7), (None, None)])
def test_a_negative_seed_leaves_it_to_the_model(sent: int | None, kept: int | None) -> None:
    for body in (FluxBody, PaintingBody, VideoBody, AdvancedParams):
        assert body.model_validate({"seed": sent}).seed == kept
    assert CreateBody.model_validate({"prompt": "a", "model_name": "m", "seed": sent}).seed == kept


def test_every_status_has_one_of_the_five_words() -> None:
    assert STATUS_WORDS.keys() == set(Status)
    assert set(STATUS_WORDS.values()) == {"pending", "processing", "completed", "failed", "cancelled"}


def test_the_table_names_models_parameters_and_fields_that_exist() -> None:
    for service in SERVICES.values():
        entries = [each for each in SHELF.entries() if each.provider == service.provider]
        assert entries, service.name
        ids = {each.id for each in entries}
        assert {model for models in service.models.values() for model in models} <= ids
        known = {param.name for each in entries for param in each.params}
        for field, names in service.fields.items():
            assert field == "width_height" or set(names) & known, (service.name, field)
        roles = {given.role for each in entries for given in each.inputs}
        assert all(set(names) & roles for names in service.roles.values()), service.name
        fields = {field.name: field for field in adapters()[service.provider].credential_fields}
        assert fields[service.api_key].secret and "base_url" in fields


@pytest.mark.parametrize(
    ("size", "fields"),
    [
        ("1024x768", {"width_height": {"width": 1024, "height": 768}}),
        ("1024 × 768", {"width_height": {"width": 1024, "height": 768}}),
        ("2k", {"resolution": "2K"}),
        ("16:9", {"aspect_ratio": "16:9"}),
        ("adaptive", {}),
    ],
)
def test_a_size_is_pixels_a_shape_or_a_resolution(size: str, fields: dict[str, Any]) -> None:
    assert size_fields(size) == fields


@pytest.mark.parametrize(
    ("size", "exact", "shape"),
    [
        ("square_hd", (1024, 1024), "1:1"),
        ("square", (512, 512), "1:1"),
        ("portrait_4_3", (768, 1024), "3:4"),
        ("portrait_16_9", (576, 1024), "9:16"),
        ("landscape_4_3", (1024, 768), "4:3"),
        ("landscape_16_9", (1024, 576), "16:9"),
        ("1024x768", (1024, 768), "4:3"),
        ("1024*768", (1024, 768), "4:3"),
        ({"width": 640, "height": 512}, (640, 512), "4:3"),
    ],
)
def test_an_image_size_is_pixels_where_they_are_taken_and_the_nearest_shape_elsewhere(
    size: Any, exact: tuple[int, int], shape: str
) -> None:
    body = FluxBody.model_validate({"imageSize": size})
    assert body.image_size is not None
    fields = image_size_fields(body.image_size)
    assert params(FLUX, "flux-1-schnell", **fields)["exact_size"] == {"width": exact[0], "height": exact[1]}
    for model in ("flux-2-pro", "flux-kontext-pro", "flux-kontext-max-multi"):
        assert params(FLUX, model, **fields)["aspect_ratio"] == shape


def test_an_image_size_may_be_a_shape_or_left_to_the_model() -> None:
    assert image_size_fields("16:9") == {"aspect_ratio": "16:9"} and image_size_fields("auto") == {}
    with pytest.raises(Invalid, match="image_size must be one of square_hd") as refused:
        image_size_fields("huge")
    assert refused.value.field == "image_size"
    for wrong, field in (({"width": 640}, ("image_size", "height")), (7, ("image_size",))):
        with pytest.raises(ValidationError) as unread:
            FluxBody.model_validate({"image_size": wrong})
        assert [error["loc"] for error in unread.value.errors()] == [field]


def test_pixels_beyond_a_models_limits_mean_the_nearest_shape() -> None:
    for width, height, shape in ((640, 480, "4:3"), (2048, 2048, "1:1"), (100, 200, "9:16")):
        found = params(FLUX, "flux-1-schnell", width_height={"width": width, "height": height})
        assert (found["exact_size"], found["aspect_ratio"]) == (None, shape)


def test_pixels_say_more_than_a_shape_beside_them() -> None:
    both = {"width_height": {"width": 1024, "height": 768}, "aspect_ratio": "1:1"}
    found = meant(entry("flux-2-pro"), FLUX, both, (), {})
    assert found.params == {"aspect_ratio": "4:3"} and found.ignored == ("aspect_ratio",)


def test_fields_become_the_models_own_parameters() -> None:
    assert params(KLING, "kling-v1-6", duration=10, mode="pro", cfg_scale=0.4)["duration"] == "10"
    assert params(JIMENG, "jimeng-video-3.0-720p", duration=5)["duration"] == "5"
    assert params(DREAMWORK, "seedream-4.0", n=3)["num_images"] == 3
    exact = params(DREAMWORK, "seedream-3.0", width_height={"width": 768, "height": 512})
    assert exact["exact_size"] == {"width": 768, "height": 512}
    imagined = params(MIDJOURNEY, "midjourney-v7", mode="turbo", negative_prompt="rain", quality=2)
    assert (imagined["speed"], imagined["without"], imagined["quality"]) == ("turbo", "rain", "2")
    assert params(GENERATION, "sd-1.5", width_height={"width": 512, "height": 512}, cfg=5)["aspect_ratio"] == "1:1"
    assert params(GENERATION, "sd-1.5", width_height={"width": 800, "height": 600})["aspect_ratio"] == "4:3"
    assert meant(entry("flux-1-schnell"), FLUX, {"strength": 0.5, "seed": 1}, (), {}).ignored == ("strength",)
    sized = meant(entry("seedream-3.0"), DREAMWORK, {"width_height": {"width": 768, "height": 512}}, (), {})
    assert sized.fields == {"exact_size": "width_height"}


def test_the_operators_defaults_stand_in_for_what_was_not_sent() -> None:
    defaults = {"kling.mode": "pro", "kling.model": "kling-v1", "flux.mode": "never"}
    assert meant(entry("kling-v1-6"), KLING, {}, (), defaults).params == {"mode": "pro"}
    assert meant(entry("kling-v1-6"), KLING, {"mode": "std"}, (), defaults).params == {"mode": "std"}
    # A default that this model does not understand is not the client's to be told of.
    assert meant(entry("kling-v2-master"), KLING, {}, (), defaults) == meant(
        entry("kling-v2-master"), KLING, {}, (), {}
    )


def test_files_have_the_roles_of_the_model() -> None:
    assert role_of(KLING, entry("kling-v1-6-image"), "image") == "start_frame"
    assert role_of(JIMENG, entry("jimeng-video-3.0-720p-first-last"), "image_tail") == "last_frame"
    assert role_of(MIDJOURNEY, entry("midjourney-v6-1"), "character") == "character"
    assert role_of(MIDJOURNEY, entry("midjourney-v7"), "character") == "omni"
    assert role_of(KLING, entry("kling-v1-6"), "image") is None


def test_a_camera_moves_in_one_direction() -> None:
    assert camera_fields(CameraMove(type="forward_up")) == {"camera_move": "forward_up"}
    simple = CameraMove(config={"horizontal": 0, "pan": 3})
    assert camera_fields(simple) == {"camera_move": "pan", "camera_amount": 3}
    assert camera_fields(CameraMove(config={"pan": 0})) == {"camera_move": "none"}


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"type": "sideways"}, ("type",)),
        ({"type": "simple", "config": {"sideways": 5}}, ("config", "sideways", "[key]")),
        ({"type": "simple", "config": {"sideways": 0}}, ("config", "sideways", "[key]")),
        ({"type": "simple", "config": {"pan": 11}}, ("config", "pan")),
        ({"type": "simple", "config": {"pan": 5, "zoom": -5}}, ("config",)),
        ({"type": "forward_up", "config": {"pan": 5}}, ("config",)),
    ],
)
def test_a_camera_move_that_says_nothing_or_two_things_is_refused(sent: dict[str, Any], field: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as refused:
        VideoBody.model_validate({"prompt": "a", "cameraControl": sent})
    assert [fault["loc"] for fault in refused.value.errors()] == [("camera_control", *field)]


def test_a_field_in_both_spellings_says_one_thing() -> None:
    assert FluxBody.model_validate({"num_images": 2, "numImages": 2}).num_images == 2
    for twice in ({"num_images": 2, "numImages": 3}, {"numImages": 3, "num_images": True}):
        with pytest.raises(ValidationError, match="sent twice") as refused:
            FluxBody.model_validate(twice)
        assert [fault["loc"] for fault in refused.value.errors()] == [("num_images",)]
    with pytest.raises(ValidationError, match="voice and as voiceId"):
        LipSyncBody.model_validate({"video": "x", "voice": "a", "voiceId": "b"})


def test_nothing_under_another_name_is_not_said_twice() -> None:
    for sent in ({"num_images": 2, "numImages": None}, {"numImages": None, "num_images": 2}):
        assert FluxBody.model_validate(sent).num_images == 2
    for sent in ({"voice": "x", "voice_id": None}, {"voice_id": None, "voice": "x"}):
        assert LipSyncBody.model_validate({"video": "a", **sent}).voice == "x"
    with pytest.raises(ValidationError, match="sent twice"):
        FluxBody.model_validate({"num_images": 2, "numImages": None, "NumImages": 3})


@pytest.mark.parametrize(
    ("version", "name"), [(7, "--v 7"), (6.1, "--v 6.1"), ("v7", "--v 7"), ("niji 6", "--niji 6"), (None, None)]
)
def test_a_version_names_a_model(version: Any, name: str | None) -> None:
    body = ImagineBody.model_validate({"prompt": "a", "advanced_params": {"version": version}})
    assert model_named(body) == name
    assert name is None or any(each.options.get("version") == name for each in SHELF.entries())


@pytest.mark.parametrize(
    ("dimensions", "shape"),
    [
        ("SQUARE", "1:1"),
        ("square", "1:1"),
        ("Portrait", "2:3"),
        ("landscape", "3:2"),
        ("1:1", "1:1"),
        ("2:3", "2:3"),
        ("3:2", "3:2"),
    ],
)
def test_a_blends_shape_is_a_word_or_a_ratio(dimensions: str, shape: str) -> None:
    assert blend_shape(dimensions) == shape
    assert params(MIDJOURNEY, "midjourney-blend", dimensions=blend_shape(dimensions))["dimensions"] == shape


def test_lip_sync_wants_one_video() -> None:
    assert LipSyncBody.model_validate({"video": "x", "voiceId": "y"}).voice == "y"
    for wrong in ({}, {"video": "x", "task_id": str(UUID(int=1))}):
        with pytest.raises(ValidationError):
            LipSyncBody.model_validate(wrong)


def test_ones_own_file_is_known_by_its_id_and_by_every_address_of_ours() -> None:
    asset_id = UUID(int=5)
    for content in (
        str(asset_id),
        f"/api/v1/assets/{asset_id}/file",
        f"http://127.0.0.1:8080/api/v1/files/{asset_id}?expires=1&signature=x",
        f"https://studio.example/api/v1/assets/{asset_id}",
    ):
        assert own_file(content) == asset_id
    for other in ("https://elsewhere.example/a.png", "data:image/png;base64,AAAA", "x" * 5000, "", "/api/v1/files/x"):
        assert own_file(other) is None
