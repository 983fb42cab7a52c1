"""ComfyUI's adapter keeps the contract; workflows are filled, progress is counted and masks are cut as they should."""

import io
import json
import struct
from dataclasses import replace
from typing import Any, cast

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from PIL import Image
from yarl import URL

from tests.providers.asking import given
from tests.providers.contract import ProviderContract, Vendor
from vermilion.providers import (
    EFFECT_TIMEOUT_SECONDS,
    Ambiguous,
    Answer,
    Call,
    Login,
    NotInstalled,
    ProviderError,
    Rejected,
    Ticket,
    Unreachable,
    Wire,
)
from vermilion.providers.comfyui import Adapter
from vermilion.providers.comfyui_progress import Progress, read_event, read_preview
from vermilion.providers.comfyui_render import render
from vermilion.providers.masks import as_transparency, cut_out, in_both_ways

JOB = "0193a5c2-7b1e-7d3a-9c41-2f6e8b90d1a4"
CLIENT = f"vermilion-{JOB}"
SAMPLER = {"model": ["4", 0], "seed": 0, "steps": 20, "positive": ["6", 0]}
WORKFLOW: dict[str, Any] = {
    "4": {
        "class_type": "CheckpointLoaderSimple",
        "inputs": {"ckpt_name": "v1-5-pruned-emaonly.safetensors"},
        "_meta": {"title": "Load Checkpoint"},
    },
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["4", 1]}, "_meta": {"title": "Prompt"}},
    "3": {"class_type": "KSampler", "inputs": SAMPLER, "_meta": {"title": "KSampler"}},
    "9": {
        "class_type": "SaveImage",
        "inputs": {"images": ["3", 0], "filename_prefix": "ComfyUI"},
        "_meta": {"title": "Save"},
    },
}
SLOTS = [
    {"name": "prompt", "node_ids": ["6"], "key": "text"},
    {"name": "seed", "node_ids": ["3"], "key": "seed"},
    {"name": "checkpoint", "node_ids": ["4"], "key": "ckpt_name"},
]
LOADER = {"10": {"class_type": "LoadImage", "inputs": {"image": "x.png"}, "_meta": {"title": "Your picture"}}}


def options(**nodes: Any) -> dict[str, Any]:
    image = [{"name": "image", "node_ids": ["10"], "key": "image"}] if "10" in nodes else []
    return {"workflow": {**WORKFLOW, **nodes}, "slots": [*SLOTS, *image], "prompt": "prompt", "inputs": {}}


PLAIN = Call(JOB, "workflow", "image", "a red fox", {"seed": 7}, (), options())
CALLS = {
    "plain": PLAIN,
    "with_inputs": replace(PLAIN, inputs=(given("image", b"picture"),), options=options(**LOADER)),
}


def login(origin: str) -> Login:
    return Login("credential", {"base_url": origin, "api_key": "comfyui-key-not-secret"}, allow_private_hosts=True)


def ticket(origin: str) -> Ticket:
    return Ticket(JOB, {"client": CLIENT, "makes": "image", "seed": 7})


UNMODERATED = "it judges neither words nor pictures; its partner nodes, which do, need a key that is never sent"


class TestComfyUI(ProviderContract):
    vendor = Vendor(
        Adapter,
        login,
        CALLS,
        ticket,
        unmoderated=UNMODERATED,
    )


# Filling a workflow.


def filled(call: Call = PLAIN, files: Any = None, **changes: Any) -> dict[str, Any]:
    return render(replace(call, **changes), files or {}, JOB, lambda: 4711).workflow


def test_a_slot_without_a_value_keeps_what_the_workflow_says() -> None:
    made = filled(prompt="", params={})
    assert made["6"]["inputs"]["text"] == ""
    assert made["4"]["inputs"]["ckpt_name"] == "v1-5-pruned-emaonly.safetensors"
    assert made["3"]["inputs"]["seed"] == 4711, "a seed is drawn: an equal workflow would come from memory"
    assert WORKFLOW["3"]["inputs"]["seed"] == 0, "the workflow itself is left alone"


def test_every_node_of_a_slot_gets_its_value_and_files_go_one_after_another() -> None:
    nodes = {str(n): {"class_type": "LoadImage", "inputs": {"image": ""}} for n in (10, 11, 12)}
    slots = [{"name": "image", "node_ids": ["10", "11", "12"], "key": "image"}]
    call = replace(PLAIN, options={"workflow": nodes, "slots": slots})
    one = filled(call, {"image": ["a.png"]})
    two = filled(call, {"image": ["a.png", "b.png"]})
    assert [one[n]["inputs"]["image"] for n in nodes] == ["a.png"] * 3
    assert [two[n]["inputs"]["image"] for n in nodes] == ["a.png", "b.png", "b.png"]


@pytest.mark.parametrize(("asked", "sent"), [(512, 512), (515, 512), (517, 520), (3, 16), (0, 0)])
def test_sides_are_in_eights(asked: int, sent: int) -> None:
    nodes = {"5": {"class_type": "EmptyLatentImage", "inputs": {"width": 1, "height": 1}}}
    slots = [{"name": f"size.{side}", "node_ids": ["5"], "key": side} for side in ("width", "height")]
    call = replace(PLAIN, options={"workflow": nodes, "slots": slots}, params={"size": {"width": asked, "height": 64}})
    assert filled(call)["5"]["inputs"] == {"width": sent, "height": 64}


def test_each_attempt_saves_under_its_own_name_also_in_nested_workflows() -> None:
    nested = {"57:8": {"class_type": "SaveImage", "inputs": {"filename_prefix": "a/b"}}}
    made = filled(options=options(**nested))
    assert made["9"]["inputs"]["filename_prefix"] == f"vermilion/{JOB}/9"
    assert made["57:8"]["inputs"]["filename_prefix"] == f"vermilion/{JOB}/57_8"


def test_a_list_is_not_mistaken_for_a_link() -> None:
    made = filled(params={"checkpoint": ["4", 0]})
    assert made["4"]["inputs"]["ckpt_name"] == {"__value__": ["4", 0]}


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"workflow": "no such template", "slots": []},
        {"workflow": {}, "slots": []},
        {"workflow": {"4": "node"}, "slots": []},
        {"workflow": WORKFLOW, "slots": {}},
        {"workflow": WORKFLOW, "slots": [{"name": "x"}]},
        {"workflow": WORKFLOW, "slots": [{"name": "prompt", "node_ids": ["99"], "key": "text"}]},
    ],
)
def test_an_entry_that_does_not_fit_together_is_the_admins(broken: dict[str, Any]) -> None:
    with pytest.raises(NotInstalled):
        filled(options=broken)


# Progress.


def running(*events: tuple[str, dict[str, Any]]) -> list[float]:
    progress = Progress(JOB, WORKFLOW, ["9"])
    percents = []
    for kind, data in events:
        progress.hear(kind, {"prompt_id": JOB, **data})
        percents.append(progress.percent)
    return percents


def test_a_sampler_weighs_most_and_progress_only_rises() -> None:
    percents = running(
        ("execution_start", {}),
        ("executing", {"node": "4"}),
        ("executing", {"node": "6"}),
        ("executing", {"node": "3"}),
        *(("progress", {"node": "3", "value": step, "max": 4}) for step in (1, 2, 1, 3, 4)),
        ("executing", {"node": "9"}),
        ("executed", {"node": "9"}),
    )
    assert percents == sorted(percents)
    assert percents[3] < 10 < percents[4]
    assert 45 < percents[5] < 55
    assert percents[-1] == 99.0, "the result still has to be fetched"


def test_what_is_in_memory_is_no_work() -> None:
    percents = running(
        ("execution_cached", {"nodes": ["4", "6", "3"]}), ("executing", {"node": "9"}), ("executed", {"node": "9"})
    )
    assert percents == [0.0, 0.0, 99.0]
    assert running(("execution_cached", {"nodes": list(WORKFLOW)})) == [0.0]


def test_where_it_stands_tells_what_was_before() -> None:
    joined = running(("executing", {"node": "9"}))
    assert joined[0] > 90
    states = {"4": {"state": "finished"}, "3": {"state": "running", "value": 5, "max": 10}, "x": 1, "y": {"state": 2}}
    assert 45 < running(("progress_state", {"nodes": states}))[0] < 60


def test_other_prompts_events_and_nonsense_move_nothing() -> None:
    progress = Progress(JOB, WORKFLOW, ["9"])
    assert not progress.hear("progress", {"prompt_id": "other", "node": "3", "value": 4, "max": 4})
    assert not progress.hear("executing", {"prompt_id": "other", "node": None})
    assert not progress.hear("executing", {"node": None})
    assert not progress.ended
    for kind, data in (
        ("", {}),
        ("progress", {"node": "3", "value": "x", "max": 0}),
        ("crystools.monitor", {"cpu": 1}),
    ):
        assert not progress.hear(kind, data)
    assert progress.hear("executing", {"prompt_id": JOB, "node": None}) and progress.ended
    for frame in ("", "[]", '"x"', '{"type": 1}', '{"type": "status", "data": 3}', "{"):
        assert read_event(frame)[1] == {}
    assert Progress(JOB, "no workflow", []).percent == 0.0


def test_previews_are_read_in_both_forms_and_others_left() -> None:
    about = {"prompt_id": JOB, "image_type": "image/png"}
    told = json.dumps(about).encode()
    with_metadata = struct.pack(">II", 4, len(told)) + told + b"picture"
    one, two = read_preview(struct.pack(">II", 1, 2) + b"picture", JOB), read_preview(with_metadata, JOB)
    assert one is not None and two is not None
    assert [(p.data, p.content_type) for p in (one, two)] == [(b"picture", "image/png")] * 2
    for frame in (
        b"",
        b"\x00" * 8,
        struct.pack(">II", 3, 1) + b"9text",
        struct.pack(">II", 4, 2**31) + b"x",
        struct.pack(">II", 4, 3) + b"{x}" + b"picture",
        struct.pack(">II", 4, len(told)) + told,
        with_metadata.replace(JOB.encode(), JOB[::-1].encode()),
    ):
        assert read_preview(frame, JOB) is None


# The time a submit may take.


class SlowLine:
    """A line with a clock of its own, on which every exchange takes as long."""

    def __init__(self, each_seconds: float) -> None:
        self.now = 0.0
        self.asked: list[tuple[str, float]] = []
        self._each_seconds = each_seconds

    async def request(self, _method: str, url: str, *, total_timeout_seconds: float, **content: Any) -> Answer:
        path = URL(url).path
        self.asked.append((path, self.now + total_timeout_seconds))
        self.now += min(self._each_seconds, total_timeout_seconds)
        if self._each_seconds > total_timeout_seconds:
            raise Ambiguous("Lost.") if content["effect"] else Unreachable("Too slow.")
        body = {"prompt_id": JOB} if path == "/prompt" else {"name": "kept.png"}
        return Answer(200, CIMultiDictProxy(CIMultiDict()), json.dumps(body).encode())


@pytest.mark.parametrize(
    ("each_seconds", "error", "paths"),
    [
        (20.0, None, ["/upload/image", "/upload/image", "/prompt"]),
        (30.0, Ambiguous, ["/upload/image", "/upload/image", "/prompt"]),
        (40.0, Unreachable, ["/upload/image", "/upload/image"]),
        (50.0, Unreachable, ["/upload/image", "/upload/image"]),
    ],
)
async def test_files_and_workflow_take_no_longer_together_than_one_submit_may(
    monkeypatch: pytest.MonkeyPatch, each_seconds: float, error: type[ProviderError] | None, paths: list[str]
) -> None:
    line = SlowLine(each_seconds)
    for module in ("comfyui", "comfyui_door"):
        monkeypatch.setattr(f"vermilion.providers.{module}.monotonic", lambda: line.now)
    call = replace(CALLS["with_inputs"], inputs=(given("image", b"one"), given("image", b"another")))
    adapter = Adapter(login("http://127.0.0.1:1"), cast(Wire, line))
    if error is None:
        await adapter.submit(call)
    else:
        with pytest.raises(error):
            await adapter.submit(call)
    assert [path for path, _ in line.asked] == paths
    assert max(ends for _, ends in line.asked) <= EFFECT_TIMEOUT_SECONDS


# Masks.


def encoded(image: Image.Image, form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGBA")


def test_a_mask_says_the_same_in_white_and_in_transparency() -> None:
    white = Image.new("L", (4, 2), 0)
    white.putpixel((0, 0), 255)
    clear = Image.new("RGBA", (4, 2), (9, 9, 9, 255))
    clear.putpixel((0, 0), (9, 9, 9, 0))
    for mask in (white, clear):
        both = opened(in_both_ways(encoded(mask)))
        assert both.getpixel((0, 0)) == (255, 255, 255, 0)
        assert both.getpixel((1, 0)) == (0, 0, 0, 255)
    assert as_transparency(encoded(clear)) == encoded(clear)
    assert opened(as_transparency(encoded(white))).getchannel("A").getpixel((0, 0)) == 0


def test_a_picture_is_cut_by_a_mask_of_another_size() -> None:
    mask = Image.new("L", (2, 1), 0)
    mask.putpixel((0, 0), 255)
    cut = opened(cut_out(encoded(Image.new("RGB", (40, 20), "teal"), "JPEG"), encoded(mask)))
    assert cut.size == (40, 20)
    left, right = cut.getpixel((2, 10)), cut.getpixel((38, 10))
    assert isinstance(left, tuple) and isinstance(right, tuple)
    assert (left[3], right[3]) == (0, 255)
    for picture, broken in ((b"none", encoded(mask)), (encoded(mask), b"none")):
        with pytest.raises(Rejected):
            cut_out(picture, broken)
