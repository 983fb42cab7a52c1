"""What a ComfyUI server really answers, as 0.3.64 was heard to answer it, is told in words that are so."""

import json
from typing import Any, cast

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from vermilion.providers import Answer, Broke, Login, NotInstalled, Ticket, Wire
from vermilion.providers.comfyui import Adapter
from vermilion.providers.comfyui_errors import refused_prompt
from vermilion.providers.comfyui_render import Rendered
from vermilion.providers.comfyui_results import read_entry

BASE = "http://comfyui.test"
TICKET = Ticket("0193a5c2-7b1e-7d3a-9c41-2f6e8b90d1a4", {"makes": "audio"})


def answered(status: int, content: bytes) -> Answer:
    return Answer(status, CIMultiDictProxy(CIMultiDict()), content)


def refused(node_errors: dict[str, Any], workflow: dict[str, Any]) -> str:
    error = {
        "type": "prompt_outputs_failed_validation",
        "message": "Prompt outputs failed validation",
        "details": "",
        "extra_info": {},
    }
    body = json.dumps({"error": error, "node_errors": node_errors}).encode()
    problem = refused_prompt(answered(400, body), Rendered(workflow))
    assert isinstance(problem, NotInstalled)
    return problem.message


def test_a_file_that_is_not_there_is_named_though_the_server_does_not_repeat_it() -> None:
    workflow = {"1": {"class_type": "LoadImage", "inputs": {"image": "seal.png"}, "_meta": {"title": "Your picture"}}}
    error = {
        "type": "custom_validation_failed",
        "message": "Custom validation failed for node",
        "details": "image - Invalid image file: seal.png",
        "extra_info": {"input_name": "image"},
    }
    told = refused({"1": {"errors": [error], "dependent_outputs": ["9"], "class_type": "LoadImage"}}, workflow)
    assert "“Your picture” (node 1): image cannot be read: “seal.png”" in told


LINKED_NOWHERE = {
    "inner": (
        "1",
        {
            "type": "exception_during_inner_validation",
            "message": "Exception when validating inner node",
            "details": "'77'",
            # This input is the one that asked for node 1, and not one of its own.
            "extra_info": {
                "input_name": "images",
                "input_config": ["IMAGE", {"tooltip": "The images to save."}],
                "exception_message": "'77'",
                "exception_type": "KeyError",
                "linked_node": ["1", 0],
            },
        },
        {"1": {"class_type": "ImageInvert", "inputs": {"image": ["77", 0]}}},
        "“ImageInvert” (node 1): image is linked to node 77, which is not there",
    ),
    "output": (
        "9",
        {
            "type": "exception_during_validation",
            "message": "Exception when validating node",
            "details": "'77'",
            "extra_info": {"exception_type": "KeyError", "traceback": []},
        },
        {"9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x", "images": ["77", 0]}}},
        "“SaveImage” (node 9): images is linked to node 77, which is not there",
    ),
    "no such output": (
        "9",
        {
            "type": "exception_during_validation",
            "message": "Exception when validating node",
            "details": "tuple index out of range",
            "extra_info": {"exception_type": "IndexError", "traceback": []},
        },
        {
            "1": {"class_type": "EmptyImage", "inputs": {}},
            "9": {"class_type": "SaveImage", "inputs": {"images": ["1", 3]}},
        },
        "“SaveImage” (node 9): the server could not judge it",
    ),
}


@pytest.mark.parametrize(("node_id", "error", "workflow", "words"), LINKED_NOWHERE.values(), ids=LINKED_NOWHERE)
def test_a_link_to_nowhere_is_told_of_the_node_that_has_it(
    node_id: str, error: dict[str, Any], workflow: dict[str, Any], words: str
) -> None:
    kind = workflow[node_id]["class_type"]
    told = refused({node_id: {"errors": [error], "dependent_outputs": ["9"], "class_type": kind}}, workflow)
    assert words in told
    assert "is not right" not in told


@pytest.mark.parametrize("name", ["9_00001_.flac", "9_00001_.opus"])
def test_a_file_of_a_kind_that_is_not_kept_is_not_called_nothing(name: str) -> None:
    entry = {
        "prompt": [20, TICKET.id, {"9": {"class_type": "SaveAudio", "inputs": {}}}, {}, ["9"]],
        "outputs": {"9": {"audio": [{"filename": name, "subfolder": "vermilion", "type": "output"}]}},
        "status": {"status_str": "success", "completed": True, "messages": []},
    }
    with pytest.raises(Broke) as caught:
        read_entry(entry, TICKET, BASE)
    assert not caught.value.again, "the same workflow would save the same kind"
    assert name in caught.value.message
    assert "nothing" not in caught.value.message


@pytest.mark.parametrize("page", [b"<!doctype html><title>Router</title>", b"[]", b"{}"])
async def test_something_else_at_the_address_is_told_in_a_sentence(page: bytes) -> None:
    class Elsewhere:
        async def request(self, *_: Any, **__: Any) -> Answer:
            return answered(200, page)

    probe = await Adapter(Login("credential", {"base_url": BASE}), cast(Wire, Elsewhere())).probe()
    assert probe.problem == "Something answers at this address, and it is not ComfyUI."
