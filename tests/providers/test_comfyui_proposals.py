"""A workflow becomes a catalog entry: what is found in it, where values go, and what is told when it cannot run.

What a server says of its nodes is asked of the sandbox's own list, in both the ways servers tell choices.
"""

import copy
from typing import Any, Literal

import pytest

from vermilion.catalog import Entry, GivenInput
from vermilion.providers import Proposal, Template, Unreachable
from vermilion.providers.comfyui_check import check_options
from vermilion.providers.comfyui_graph import NODES_MAX
from vermilion.providers.comfyui_proposal import propose_entry
from vermilion.providers.comfyui_templates import TEMPLATES
from vermilion.sandbox.comfyui_info import object_info

BY_ID = {template.id: template for template in TEMPLATES}
GENERATIONS: tuple[Literal["new", "old"], ...] = ("new", "old")

CLASSIC: dict[str, Any] = {
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5-pruned-emaonly.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768, "batch_size": 2}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "model": ["4", 0],
            "seed": 42,
            "steps": 20,
            "cfg": 7.0,
            "sampler_name": "euler",
            "scheduler": "normal",
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
            "denoise": 1.0,
        },
        "_meta": {"title": "Paint"},
    },
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "job"}},
}


def classic(**changes: dict[str, Any]) -> dict[str, Any]:
    """The classic workflow with some inputs of some nodes (`n3={…}`) changed."""
    workflow = copy.deepcopy(CLASSIC)
    for name, inputs in changes.items():
        workflow[name[1:]]["inputs"] |= inputs
    return workflow


async def propose(
    document: Any, settings: dict[str, Any] | None = None, *, generation: Literal["new", "old"] = "new"
) -> Proposal:
    info = object_info(generation, ["example.png"])

    async def ask(name: str) -> Any:
        return {name: info[name]} if name in info else {}

    return await propose_entry(document, settings or {}, ask)


def read(proposal: Proposal) -> Entry:
    """The proposal as an entry of the catalog, which must accept it."""
    assert proposal.entry is not None, proposal.findings
    named = {"id": "own-model", "provider": "x", "name": {"en": "x", "zh": "x"}, "price": {"per_output_credits": 1}}
    return Entry.model_validate({**named, **proposal.entry})


def places(proposal: Proposal, name: str) -> set[tuple[str, str]]:
    """Where in the workflow a value of that name goes."""
    assert proposal.entry is not None
    slots = [slot for slot in proposal.entry["options"]["slots"] if slot["name"] == name]
    return {(node_id, slot["key"]) for slot in slots for node_id in slot["node_ids"]}


def said(proposal: Proposal) -> list[str]:
    return [finding.message.en for finding in proposal.findings]


async def test_every_setting_of_a_classic_workflow_is_found_where_it_is_written() -> None:
    proposal = await propose(CLASSIC)
    entry = read(proposal)
    assert [param.name for param in entry.params] == [
        *("negative_prompt", "size", "num_images", "steps", "cfg", "sampler", "scheduler", "seed")
    ]
    assert (entry.makes, entry.outputs_param, entry.prompt is not None) == ("image", "num_images", True)
    assert places(proposal, "prompt") == {("6", "text")}
    assert places(proposal, "negative_prompt") == {("7", "text")}
    assert places(proposal, "size.width") == {("5", "width")}
    assert places(proposal, "size.height") == {("5", "height")}
    assert places(proposal, "num_images") == {("5", "batch_size")}
    assert places(proposal, "seed") == {("3", "seed")}
    assert places(proposal, "sampler") == {("3", "sampler_name")}
    assert {param["name"] for param in proposal.spare} == {"denoise", "checkpoint"}
    assert places(proposal, "checkpoint") == {("4", "ckpt_name")}
    assert (said(proposal), proposal.checked) == ([], True)


async def test_what_the_workflow_says_is_what_one_gets_unasked() -> None:
    entry = read(await propose(CLASSIC))
    params = entry.accept("a fox", {}).params
    assert entry.wire_params(params) == {
        "negative_prompt": "blurry",
        "size": {"width": 512, "height": 768},
        "num_images": 2,
        "steps": 20,
        "cfg": 7.0,
        "sampler": "euler",
        "scheduler": "normal",
    }
    assert entry.aspect(params) == pytest.approx(2 / 3, abs=0.01)
    assert entry.quote(params).expected_outputs == 2


async def test_shapes_keep_the_number_of_pixels() -> None:
    entry = read(await propose(CLASSIC))
    for choice in getattr(entry.param("size"), "choices", ()):
        width, height = choice.wire["width"], choice.wire["height"]
        assert 0.9 < width * height / (512 * 768) < 1.1
        assert width % 8 == height % 8 == 0
        assert width / height == pytest.approx(choice.aspect, rel=0.06)


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.id)
async def test_a_template_runs_as_it_is_on_a_server_with_the_usual_files(
    template: Template, generation: Literal["new", "old"]
) -> None:
    proposal = await propose(template.document, generation=generation)
    entry = read(proposal)
    assert said(proposal) == []
    assert check_options(entry.options) == []
    assert template.title.en and template.title.zh
    roles = {given.role for given in entry.inputs}
    kind = template.id.partition("-")[2] or template.id
    expected = {"from-words": set(), "from-picture": {"image"}, "within-mask": {"image", "mask"}, "upscale": {"image"}}
    assert roles == expected[kind]
    assert (entry.prompt is not None) == (kind != "upscale")
    files = [GivenInput(role, "image/png", 1000) for role in sorted(roles)]
    entry.accept("a fox" if entry.prompt else "", {}, files)


def test_there_is_a_template_for_every_family_and_task() -> None:
    tasks = {
        f"{family}-{task}"
        for family in ("sd15", "sdxl", "flux")
        for task in ("from-words", "from-picture", "within-mask")
    }
    assert set(BY_ID) == tasks | {"upscale"}


async def test_a_mask_and_its_picture_are_scaled_alike() -> None:
    proposal = await propose(BY_ID["sd15-within-mask"].document)
    assert places(proposal, "width") == {("11", "width"), ("21", "width")}
    assert places(proposal, "mask") == {("20", "image")}
    assert places(proposal, "image") == {("10", "image")}


async def test_a_distilled_family_has_guidance_and_nothing_to_avoid() -> None:
    entry = read(await propose(BY_ID["flux-from-words"].document))
    names = {param.name for param in entry.params}
    assert "guidance" in names
    assert not names & {"negative_prompt", "cfg"}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"nodes": [{"id": 1}], "links": []}, "Export (API)"),
        ({"workflow": {"nodes": [], "links": []}}, "Export (API)"),
        ({}, "no workflow"),
        ({"a": 1}, "no node"),
        ({"1": {"class_type": "SaveImage", "inputs": {}}, "2": "x"}, "'2'"),
        ({"1": {"class_type": "SaveImage", "inputs": {}}, "2": {"class_type": 3}}, "Node 2"),
        ({"1": {"class_type": "SaveImage", "inputs": []}}, "Node 1"),
        ({str(n): {"class_type": "SaveImage", "inputs": {}} for n in range(NODES_MAX + 1)}, str(NODES_MAX)),
    ],
)
async def test_what_is_no_workflow_is_refused_in_words(document: Any, words: str) -> None:
    proposal = await propose(document)
    assert proposal.entry is None
    (finding,) = proposal.findings
    assert finding.blocks
    assert words in finding.message.en
    assert finding.message.zh


async def test_a_workflow_is_read_as_it_is_posted_and_as_options_hold_it() -> None:
    bare = await propose(CLASSIC)
    posted = await propose({"client_id": "x", "prompt": CLASSIC})
    assert bare.entry is not None
    assert posted.entry == bare.entry
    assert (await propose({"input": {"workflow": CLASSIC, "images": []}})).entry == bare.entry
    assert (await propose({**CLASSIC, "_notes": {"by": "another program"}})).entry == bare.entry
    assert (await propose(bare.entry["options"])).entry == bare.entry


async def test_a_template_named_by_its_id_stands_for_its_workflow() -> None:
    template = BY_ID["sdxl-from-words"]
    assert (await propose({"workflow": template.id, "slots": []})).entry == (await propose(template.document)).entry
    assert check_options({"workflow": template.id, "slots": []}) == []


async def test_a_file_the_server_lacks_is_told_with_what_it_has_and_can_be_chosen() -> None:
    workflow = classic(n4={"ckpt_name": "dreams.safetensors"})
    proposal = await propose(workflow)
    (finding,) = proposal.findings
    assert finding.blocks
    assert (finding.where, finding.setting) == ("CheckpointLoaderSimple (#4)", "checkpoint")
    assert "dreams.safetensors" in finding.message.en
    assert "sd_xl_base_1.0.safetensors" in finding.message.en
    spare = {param["name"]: param for param in proposal.spare}
    assert "default" not in spare["checkpoint"]
    mended = await propose(workflow, {"checkpoint": "sd_xl_base_1.0.safetensors"})
    assert said(mended) == []
    assert mended.entry is not None
    assert mended.entry["options"]["workflow"]["4"]["inputs"]["ckpt_name"] == "sd_xl_base_1.0.safetensors"


async def test_a_sampler_the_server_lacks_is_not_offered_to_people() -> None:
    proposal = await propose(classic(n3={"sampler_name": "dreamy"}))
    assert read(proposal).param("sampler") is None
    assert [finding.setting for finding in proposal.findings] == ["sampler"]


@pytest.mark.parametrize(
    ("changes", "where", "words"),
    [
        ({"n3": {"steps": 20_000}}, "Paint (#3)", "20000"),
        ({"n3": {"latent_image": ["77", 0]}}, "Paint (#3)", "77"),
        ({"n8": {"vae": ["4", 5]}}, "VAEDecode (#8)", "only 3"),
    ],
)
async def test_what_would_stop_it_is_told_with_the_title_of_the_node(
    changes: dict[str, dict[str, Any]], where: str, words: str
) -> None:
    proposal = await propose(classic(**changes))
    assert [(found.where, found.blocks) for found in proposal.findings if words in found.message.en] == [(where, True)]


async def test_a_missing_input_and_an_unknown_class_are_told() -> None:
    workflow = classic()
    del workflow["3"]["inputs"]["scheduler"]
    workflow["12"] = {"class_type": "FaceRestorePro", "inputs": {"image": ["8", 0]}}
    workflow["9"]["inputs"]["images"] = ["12", 0]
    told = said(await propose(workflow))
    assert any("scheduler is missing" in words for words in told)
    assert any("FaceRestorePro" in words for words in told)


async def test_inputs_that_unfold_and_choices_of_several_are_left_to_the_server() -> None:
    kinds = {"required": {"images": ["COMFY_AUTOGROW_V3", {}], "parts": ["*"], "styles": [["ink", "oil"], {}]}}
    known: dict[str, Any] = object_info("new", [])
    known["Collage"] = {"input": kinds, "output": ["IMAGE"], "output_node": False}
    workflow = classic(n9={"images": ["12", 0]})
    several = {"__value__": ["ink", "oil"]}
    workflow["12"] = {
        "class_type": "Collage",
        "inputs": {"images.image0": ["8", 0], "parts.a": 1, "styles": several},
    }

    async def ask(name: str) -> Any:
        return {name: known[name]}

    assert said(await propose_entry(workflow, {}, ask)) == []


async def test_nodes_that_nothing_saves_are_not_judged() -> None:
    workflow = classic()
    workflow["50"] = {"class_type": "NotInstalled", "inputs": {"x": ["51", 0]}}
    assert said(await propose(workflow)) == []


async def test_a_workflow_without_a_result_or_without_a_question_is_blocked() -> None:
    silent = classic()
    del silent["9"]
    assert any(found.blocks and "saves a result" in found.message.en for found in (await propose(silent)).findings)
    mute = await propose(classic(n3={"positive": ["77", 0], "negative": ["77", 0]}))
    assert mute.entry is None
    assert any("nothing could be asked" in words for words in said(mute))


async def test_a_server_that_does_not_answer_leaves_it_unchecked() -> None:
    async def ask(_name: str) -> Any:
        raise Unreachable("No connection to the provider.")

    proposal = await propose_entry(CLASSIC, {}, ask)
    assert proposal.checked is False
    assert "No connection" in said(proposal)[0]
    assert not any(found.blocks for found in proposal.findings)
    assert {param.name for param in read(proposal).params} >= {"size", "steps", "seed"}


async def test_words_are_found_through_what_stands_between() -> None:
    workflow = classic(n6={"text": ["30", 0]})
    workflow["30"] = {"class_type": "PrimitiveStringMultiline", "inputs": {"value": "a fox"}}
    workflow["31"] = {
        "class_type": "ControlNetApplyAdvanced",
        "inputs": {"positive": ["6", 0], "negative": ["7", 0], "control_net": ["32", 0], "image": ["33", 0]},
    }
    workflow["3"]["inputs"] |= {"positive": ["31", 0], "negative": ["31", 1]}
    proposal = await propose(workflow)
    assert places(proposal, "prompt") == {("30", "value")}
    assert places(proposal, "negative_prompt") == {("7", "text")}


async def test_both_texts_of_one_encoder_are_the_prompt() -> None:
    workflow = classic()
    sizes = dict.fromkeys(("width", "height", "target_width", "target_height"), 1024) | {"crop_w": 0, "crop_h": 0}
    workflow["6"] = {
        "class_type": "CLIPTextEncodeSDXL",
        "inputs": {"clip": ["4", 1], "text_g": "a fox", "text_l": "red", **sizes},
    }
    assert places(await propose(workflow), "prompt") == {("6", "text_g"), ("6", "text_l")}


async def test_of_different_texts_one_is_the_prompt_and_the_others_are_named() -> None:
    workflow = classic()
    workflow["16"] = {"class_type": "CLIPTextEncode", "inputs": {"text": "in the left corner", "clip": ["4", 1]}}
    workflow["17"] = {
        "class_type": "ConditioningCombine",
        "inputs": {"conditioning_1": ["6", 0], "conditioning_2": ["16", 0]},
    }
    workflow["3"]["inputs"]["positive"] = ["17", 0]
    proposal = await propose(workflow)
    assert places(proposal, "prompt") == {("6", "text")}
    assert "#16" in said(proposal)[0]
    assert places(proposal, "text_16") == {("16", "text")}


async def test_of_two_samplers_only_what_they_share_is_asked() -> None:
    workflow = classic()
    workflow["40"] = {
        "class_type": "LatentUpscale",
        "inputs": {"samples": ["3", 0], "upscale_method": "bicubic", "width": 1024, "height": 1536, "crop": "disabled"},
    }
    workflow["41"] = copy.deepcopy(workflow["3"])
    workflow["41"]["inputs"] |= {"latent_image": ["40", 0], "steps": 10, "denoise": 0.5, "seed": 7}
    workflow["8"]["inputs"]["samples"] = ["41", 0]
    proposal = await propose(workflow)
    assert places(proposal, "seed") == {("3", "seed"), ("41", "seed")}
    assert places(proposal, "cfg") == {("3", "cfg"), ("41", "cfg")}
    assert places(proposal, "steps") == {("41", "steps")}
    assert places(proposal, "size.width") == {("5", "width")}
    assert "steps_3" in {param["name"] for param in proposal.spare}


async def test_a_mask_from_transparency_is_pointed_out() -> None:
    workflow = copy.deepcopy(BY_ID["sd15-within-mask"].document)
    workflow["5"]["inputs"]["mask"] = ["10", 1]
    for node_id in ("20", "21", "22"):
        del workflow[node_id]
    proposal = await propose(workflow)
    assert [given["role"] for given in (proposal.entry or {})["inputs"]] == ["image"]
    assert "transparency" in said(proposal)[0]
    assert not proposal.findings[0].blocks


async def test_several_pictures_get_roles_and_titles_of_their_own() -> None:
    workflow = copy.deepcopy(BY_ID["upscale"].document)
    workflow["20"] = {"class_type": "LoadImage", "inputs": {"image": "b.png"}, "_meta": {"title": "Style"}}
    workflow["21"] = {"class_type": "ImageBatch", "inputs": {"image1": ["14", 0], "image2": ["20", 0]}}
    workflow["9"]["inputs"]["images"] = ["21", 0]
    entry = read(await propose(workflow))
    assert {given.role for given in entry.inputs} == {"image", "image_2"}
    second = next(given for given in entry.inputs if given.role == "image_2")
    assert "LoadImage" in second.label.en or "Style" in second.label.en


@pytest.mark.parametrize(("kept_too", "blocks"), [(False, True), (True, False)])
async def test_a_kind_of_file_that_is_not_kept_is_told_before_anybody_pays_for_it(
    *, kept_too: bool, blocks: bool
) -> None:
    workflow = {
        "1": {"class_type": "LoadAudio", "inputs": {"audio": "voice.wav"}},
        "9": {"class_type": "SaveAudio", "inputs": {"audio": ["1", 0], "filename_prefix": "x"}},
    }
    if kept_too:
        workflow["19"] = {"class_type": "SaveAudioMP3", "inputs": {"audio": ["1", 0], "filename_prefix": "x"}}
    found = [each for each in (await propose(workflow)).findings if "FLAC" in each.message.en]
    assert [(each.where, each.blocks) for each in found] == [("SaveAudio (#9)", blocks)]


async def test_a_node_that_depends_on_itself_is_told() -> None:
    workflow = classic(n3={"latent_image": ["8", 0]})
    found = [each for each in (await propose(workflow)).findings if "depends on itself" in each.message.en]
    assert len(found) == 1, "once for the whole circle"
    assert found[0].blocks
    assert not any("depends on itself" in words for words in said(await propose(classic())))


async def test_a_film_is_one_result_that_takes_longer() -> None:
    workflow = classic(n5={"length": 49})
    workflow["9"] = {"class_type": "SaveVideo", "inputs": {"video": ["8", 0], "filename_prefix": "film"}}
    entry = read(await propose(workflow))
    assert (entry.makes, entry.outputs_param, entry.outputs) == ("video", None, 2)
    assert entry.deadline_seconds > 3600


async def test_loops_and_nonsense_do_not_hang_or_break_it() -> None:
    workflow = classic(n6={"clip": ["6", 0]}, n5={"width": ["5", 0]}, n3={"cfg": None, "steps": "many", "seed": True})
    workflow["3"]["inputs"]["positive"] = ["3", 0]
    assert (await propose(workflow)).findings
    for width, height, batch in ((-8, 0, 1), (0, 512, 0), (512, -1, -4), (2**60, 1, 2**60), (1, 10_000_000, 1)):
        assert (await propose(classic(n5={"width": width, "height": height, "batch_size": batch}))).findings


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "no node"),
        ({"workflow": {"nodes": []}, "slots": []}, "Export (API)"),
        ({"workflow": CLASSIC}, "slots"),
        ({"workflow": CLASSIC, "slots": [{"name": "x", "node_ids": "3", "key": "seed"}]}, "slots"),
        ({"workflow": CLASSIC, "slots": [{"name": "seed", "node_ids": ["99"], "key": "seed"}]}, "99"),
        ({"workflow": CLASSIC, "slots": [{"name": "seed", "node_ids": ["3"], "key": "sede"}]}, "sede"),
    ],
)
def test_options_that_could_not_be_rendered_are_refused(options: dict[str, Any], words: str) -> None:
    (finding,) = check_options(options)
    assert finding.blocks
    assert words in finding.message.en


async def test_a_sampler_made_of_parts_is_read_through_its_parts() -> None:
    workflow: dict[str, Any] = {
        "1": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux1-dev.safetensors", "weight_dtype": "default"}},
        "2": {
            "class_type": "DualCLIPLoader",
            "inputs": {
                **{"clip_name1": "clip_l.safetensors", "clip_name2": "t5xxl_fp16.safetensors"},
                "type": "flux",
            },
        },
        "3": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.safetensors"}},
        "4": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox", "clip": ["2", 0]}},
        "5": {"class_type": "FluxGuidance", "inputs": {"conditioning": ["4", 0], "guidance": 3.5}},
        "6": {"class_type": "BasicGuider", "inputs": {"model": ["7", 0], "conditioning": ["5", 0]}},
        "7": {
            "class_type": "ModelSamplingFlux",
            "inputs": {"model": ["1", 0], "max_shift": 1.15, "base_shift": 0.5, "width": 1024, "height": 768},
        },
        "8": {"class_type": "RandomNoise", "inputs": {"noise_seed": 42}},
        "9": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        "10": {
            "class_type": "BasicScheduler",
            "inputs": {"model": ["7", 0], "scheduler": "simple", "steps": 20, "denoise": 1.0},
        },
        "11": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1024, "height": 768, "batch_size": 1}},
        "12": {
            "class_type": "SamplerCustomAdvanced",
            "inputs": {
                **{"noise": ["8", 0], "guider": ["6", 0], "sampler": ["9", 0]},
                **{"sigmas": ["10", 0], "latent_image": ["11", 0]},
            },
        },
        "13": {"class_type": "VAEDecode", "inputs": {"samples": ["12", 0], "vae": ["3", 0]}},
        "14": {"class_type": "SaveImage", "inputs": {"images": ["13", 0], "filename_prefix": "x"}},
    }
    proposal = await propose(workflow)
    assert said(proposal) == []
    assert places(proposal, "prompt") == {("4", "text")}
    assert places(proposal, "seed") == {("8", "noise_seed")}
    assert places(proposal, "steps") == {("10", "steps")}
    assert places(proposal, "sampler") == {("9", "sampler_name")}
    assert places(proposal, "guidance") == {("5", "guidance")}
    assert places(proposal, "size.width") == {("11", "width"), ("7", "width")}
    assert "max_shift_7" in {param["name"] for param in proposal.spare}


async def test_stages_that_split_the_steps_keep_their_number() -> None:
    workflow = classic()
    stage = {
        **{key: value for key, value in workflow["3"]["inputs"].items() if key not in ("seed", "denoise")},
        **{"add_noise": "enable", "noise_seed": 5, "start_at_step": 0, "end_at_step": 16},
        "return_with_leftover_noise": "enable",
    }
    workflow["3"] = {"class_type": "KSamplerAdvanced", "inputs": stage}
    refined = {**stage, "latent_image": ["3", 0], "add_noise": "disable", "start_at_step": 16, "end_at_step": 10_000}
    workflow["20"] = {"class_type": "KSamplerAdvanced", "inputs": refined}
    workflow["8"]["inputs"]["samples"] = ["20", 0]
    proposal = await propose(workflow)
    assert said(proposal) == []
    entry = read(proposal)
    assert entry.param("steps") is None
    assert places(proposal, "seed") == {("3", "noise_seed"), ("20", "noise_seed")}
    assert places(proposal, "cfg") == {("3", "cfg"), ("20", "cfg")}
    assert not {"add_noise_3", "return_with_leftover_noise_3"} & {param["name"] for param in proposal.spare}


async def test_a_size_may_be_written_in_nodes_of_its_own() -> None:
    workflow = classic(n5={"width": ["60", 0], "height": ["61", 0]})
    workflow["60"] = {"class_type": "PrimitiveInt", "inputs": {"value": 640}}
    workflow["61"] = {"class_type": "PrimitiveInt", "inputs": {"value": 480}}
    proposal = await propose(workflow)
    assert places(proposal, "size.width") == {("60", "value")}
    assert places(proposal, "size.height") == {("61", "value")}
    entry = read(proposal)
    assert entry.wire_params(entry.accept("a fox", {}).params)["size"] == {"width": 640, "height": 480}
    square = classic(n5={"width": ["60", 0], "height": ["60", 0]})
    square["60"] = {"class_type": "PrimitiveInt", "inputs": {"value": 640}}
    assert read(await propose(square)).param("size") is None


async def test_a_frame_that_keeps_the_shape_of_a_picture_is_no_choice_of_shapes() -> None:
    workflow = copy.deepcopy(BY_ID["sd15-from-picture"].document)
    workflow["11"] = {
        "class_type": "ImageResizeKJv2",
        "inputs": {"image": ["10", 0], "width": 1024, "height": 1024, "keep_proportion": "resize"},
    }
    assert read(await propose(workflow)).param("size") is None
    workflow["11"]["inputs"]["keep_proportion"] = "crop"
    assert read(await propose(workflow)).param("size") is not None


async def test_a_node_that_gives_two_samplers_a_pair_each_keeps_the_sides_apart() -> None:
    workflow = classic()
    workflow["15"] = {
        "class_type": "PairOfPairs",
        "inputs": {"positive": ["6", 0], "negative": ["7", 0], "vae": ["4", 2]},
    }
    workflow["41"] = copy.deepcopy(workflow["3"])
    workflow["41"]["inputs"] |= {"latent_image": ["3", 0], "positive": ["15", 2], "negative": ["15", 3]}
    workflow["3"]["inputs"] |= {"positive": ["15", 0], "negative": ["15", 1]}
    workflow["8"]["inputs"]["samples"] = ["41", 0]
    proposal = await propose(workflow)
    assert places(proposal, "prompt") == {("6", "text")}
    assert places(proposal, "negative_prompt") == {("7", "text")}


async def test_nodes_that_do_everything_in_one_go_are_told_the_words_directly() -> None:
    workflow = {
        "1": {"class_type": "EncodeBoth", "inputs": {"positive_prompt": "a fox", "negative_prompt": "blurry"}},
        "2": {"class_type": "FilmOfIt", "inputs": {"text_embeds": ["1", 0], "steps": 6, "cfg": 5.0, "seed": 1}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
    }
    proposal = await propose(workflow)
    assert places(proposal, "prompt") == {("1", "positive_prompt")}
    assert places(proposal, "negative_prompt") == {("1", "negative_prompt")}


async def test_where_nothing_can_be_avoided_nobody_is_asked_what_to_avoid() -> None:
    entry = read(await propose(classic(n3={"cfg": 1.0})))
    assert not {"cfg", "negative_prompt"} & {param.name for param in entry.params}
