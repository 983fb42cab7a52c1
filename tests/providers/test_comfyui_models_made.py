"""Every ready-made workflow, proposed by the adapter at the sandbox's servers, makes what it says as a model."""

import copy
import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image

from tests.library.files import plain
from tests.providers.asking import called, given
from tests.providers.playing import Playing
from vermilion.catalog import Entry
from vermilion.providers import CanPropose, Proposal, Template
from vermilion.providers.comfyui_templates import TEMPLATES

NAMED = {"id": "own-x", "provider": "comfyui", "name": {"en": "x", "zh": "x"}, "price": {"per_output_credits": 1}}


@pytest.fixture
async def comfy() -> AsyncIterator[Playing]:
    async with Playing.open("comfyui", speed=100.0) as made:
        yield made


async def propose(comfy: Playing, document: Any, server: str = "1", **settings: Any) -> Proposal:
    adapter: Any = comfy.adapter(base_url=f"{comfy.origin}/comfyui/{server}")
    reader: CanPropose = adapter
    return await reader.propose(document, settings)


async def make(comfy: Playing, proposal: Proposal, server: str, **params: Any) -> list[tuple[int, int]]:
    """The sizes of what the proposed model makes."""
    entry = Entry.model_validate({**NAMED, **(proposal.entry or {})})
    files = [given(role.role, plain(320, 240, "white" if role.role == "mask" else "teal")) for role in entry.inputs]
    call = called(entry, "a red fox" if entry.prompt else "", *files, reference=str(uuid4()), **params)
    done = await comfy.make(call, comfy.adapter(base_url=f"{comfy.origin}/comfyui/{server}"))
    return [await _size(comfy, output.url) for output in done.outputs]


@pytest.mark.parametrize("server", ["1", "2"])
@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.id)
async def test_a_ready_made_workflow_makes_pictures(comfy: Playing, template: Template, server: str) -> None:
    proposal = await propose(comfy, template.document, server)
    assert (proposal.checked, proposal.findings) == (True, ())
    names = {param["name"] for param in (proposal.entry or {})["params"]}
    quick = {"steps": 4} if "steps" in names else {}
    if "num_images" in names:
        sizes = await make(comfy, proposal, server, **quick, num_images=2, size={"width": 320, "height": 256})
        assert sizes == [(320, 256)] * 2
    elif "width" in names:
        assert await make(comfy, proposal, server, **quick, width=320) == [(320, 240)]
    else:
        ((width, height),) = await make(comfy, proposal, server)
        assert (width % 320, height % 240) == (0, 0)
        assert width > 320


async def test_what_is_chosen_for_the_workflow_is_what_runs(comfy: Playing) -> None:
    document = copy.deepcopy(TEMPLATES[0].document)
    document["4"]["inputs"]["ckpt_name"] = "dreams.safetensors"
    assert [found.setting for found in (await propose(comfy, document)).findings] == ["checkpoint"]
    mended = await propose(comfy, document, checkpoint="sd_xl_base_1.0.safetensors")
    assert mended.findings == ()
    assert await make(comfy, mended, "1", steps=4)


async def test_classes_of_any_name_are_asked_for_whole(comfy: Playing) -> None:
    document = copy.deepcopy(TEMPLATES[0].document)
    odd = "Pack/Nodes: faces & 面孔 #1?"
    document["40"] = {"class_type": odd, "inputs": {"image": ["8", 0]}}
    document["9"]["inputs"]["images"] = ["40", 0]
    proposal = await propose(comfy, document)
    (finding,) = proposal.findings
    assert odd in finding.message.en
    assert proposal.checked


async def test_a_server_that_is_down_leaves_the_proposal_unchecked(comfy: Playing) -> None:
    adapter: Any = comfy.adapter(base_url="http://127.0.0.1:9")
    proposal = await adapter.propose(TEMPLATES[0].document, {})
    assert proposal.entry is not None
    assert not proposal.checked
    assert "could not be asked" in proposal.findings[0].message.en


async def _size(comfy: Playing, url: str | None) -> tuple[int, int]:
    status, content = await comfy.fetch(url)
    assert status == 200
    with Image.open(io.BytesIO(content)) as picture:
        return picture.size
