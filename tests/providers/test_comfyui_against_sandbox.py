"""The adapter and the sandbox were written apart, from the same facts; here they meet, by way of the catalog."""

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image

from tests.library.files import left_half_white, noise
from tests.providers.asking import called, entries_of, given
from tests.providers.failing import UnderstandsFailures, bad
from tests.providers.playing import Playing
from vermilion.catalog import Entry
from vermilion.providers import (
    Ambiguous,
    Broke,
    Call,
    Canceled,
    Done,
    Drifted,
    InputFile,
    Lost,
    Misconfigured,
    NotInstalled,
    Pending,
    ProviderError,
    Rejected,
    Throttled,
    Ticket,
    Unreachable,
    file_headers,
    power,
)
from vermilion.providers.comfyui import prompt_id_of

OURS = entries_of("comfyui")
KEY = "sandbox-comfyui-key-not-secret"


def asked(prompt: str = "a red fox", model: str = "sd-1.5", *inputs: InputFile, **params: Any) -> Call:
    quick = {} if model == "comfyui-upscale" else {"steps": 4}
    return called(model, prompt, *inputs, reference=str(uuid4()), **{**quick, **params})


class Comfy(Playing):
    """Playing, with what these tests do again and again."""

    def at(self, server: str = "1", **fields: str) -> Any:
        return self.adapter(base_url=f"{self.origin}/comfyui/{server}", **fields)

    def asked(self, prompt: str) -> Call:
        return asked(prompt)

    async def submit(
        self, prompt: str = "a red fox", model: str = "sd-1.5", *, server: str = "1", **params: Any
    ) -> Ticket:
        ticket = await self.at(server).submit(asked(prompt, model, **params))
        assert isinstance(ticket, Ticket)
        return ticket

    async def end_at(self, ticket: Ticket, server: str = "1") -> Done:
        return await self.end(ticket, self.at(server))

    async def made(self, prompt: str = "a red fox", model: str = "sd-1.5", **params: Any) -> Done:
        return await self.make(asked(prompt, model, **params))

    async def until_running(self, ticket: Ticket, server: str = "1") -> None:
        for _ in range(500):
            answer = await self.at(server).check(ticket)
            if isinstance(answer, Pending) and answer.started:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("it never ran")

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        async with self.session.request(method, self.origin + path, json=body) as answer:
            return await answer.json(content_type=None)


@pytest.fixture
async def comfy() -> AsyncIterator[Comfy]:
    async with Comfy.open("comfyui", speed=100.0) as opened:
        yield opened


def inputs_for(entry: Entry) -> list[InputFile]:
    contents = {"image": noise(), "mask": left_half_white()}
    return [given(role.role, contents[role.role]) for role in entry.inputs if role.minimum]


@pytest.mark.parametrize("server", ["1", "2"])
@pytest.mark.parametrize("entry", OURS, ids=lambda entry: entry.id)
async def test_every_model_on_the_shelf_makes_a_picture(comfy: Comfy, entry: Entry, server: str) -> None:
    call = asked("a red fox" if entry.prompt else "", entry.id, *inputs_for(entry))
    ticket = await comfy.at(server).submit(call)
    assert isinstance(ticket, Ticket)
    done = await comfy.end_at(ticket, server)
    (output,) = done.outputs
    status, content = await comfy.fetch(str(output.url))
    assert (status, output.kind) == (200, "image")
    Image.open(io.BytesIO(content)).verify()
    if entry.prompt:
        assert isinstance(done.facts["seed"], int)


@pytest.mark.parametrize(("shape", "size"), [("1:1", (512, 512)), ("16:9", (768, 432)), ("9:16", (432, 768))])
async def test_the_shape_asked_for_is_made(comfy: Comfy, shape: str, size: tuple[int, int]) -> None:
    done = await comfy.made(aspect_ratio=shape)
    _, content = await comfy.fetch(str(done.outputs[0].url))
    assert Image.open(io.BytesIO(content)).size == size


async def test_several_pictures_come_in_their_order_under_names_of_their_own(comfy: Comfy) -> None:
    done = await comfy.made(num_images=3)
    again = await comfy.made(num_images=3)
    urls = [str(output.url) for output in (*done.outputs, *again.outputs)]
    assert len(set(urls)) == 6
    assert urls[:3] == sorted(urls[:3])
    assert all("vermilion" in url for url in urls)


async def test_what_was_asked_for_is_what_is_sent(comfy: Comfy) -> None:
    call = asked("a heron", negative_prompt="fog", seed=7, cfg=5.5, sampler_name="ddim", num_images=2)
    ticket = await comfy.at().submit(call)
    assert isinstance(ticket, Ticket)
    (job,) = await comfy.jobs()
    sent = job["body"]
    assert (job["id"], ticket.id) == (call.reference, call.reference)
    assert sent["6"]["inputs"]["text"] == "a heron"
    assert sent["7"]["inputs"]["text"] == "fog"
    sampler = sent["3"]["inputs"]
    assert [sampler[name] for name in ("seed", "steps", "cfg", "sampler_name")] == [7, 4, 5.5, "ddim"]
    assert sent["5"]["inputs"]["batch_size"] == 2
    assert sent["9"]["inputs"]["filename_prefix"] == f"vermilion/{call.reference}/9"
    assert ticket.data["seed"] == 7
    assert (await comfy.end(ticket)).facts["seed"] == 7


async def test_without_a_seed_one_is_drawn_and_told(comfy: Comfy) -> None:
    first, second = await comfy.made(), await comfy.made()
    assert first.facts["seed"] != second.facts["seed"]
    sent = [job["body"]["3"]["inputs"]["seed"] for job in await comfy.jobs()]
    assert sent == [first.facts["seed"], second.facts["seed"]]


async def test_a_mask_is_white_and_transparent_where_something_changes(comfy: Comfy) -> None:
    call = asked("a hat", "sd-1.5-inpaint", given("image", noise()), given("mask", left_half_white()))
    ticket = await comfy.at().submit(call)
    assert isinstance(ticket, Ticket)
    (job,) = await comfy.jobs()
    folder, _, name = job["body"]["20"]["inputs"]["image"].rpartition("/")
    status, content = await comfy.fetch(f"{comfy.origin}/comfyui/1/view?filename={name}&subfolder={folder}&type=input")
    mask = Image.open(io.BytesIO(content)).convert("RGBA")
    assert status == 200
    assert mask.getpixel((10, 10)) == (255, 255, 255, 0)
    assert mask.getpixel((300, 10)) == (0, 0, 0, 255)
    await comfy.end(ticket)


async def test_one_picture_used_twice_is_one_file_at_the_server(comfy: Comfy) -> None:
    content = noise()
    for _ in range(2):
        call = asked("a hat", "sd-1.5-image", given("image", content))
        await comfy.end(await comfy.at().submit(call))  # type: ignore[arg-type]
    names = [job["body"]["10"]["inputs"]["image"] for job in await comfy.jobs()]
    assert len(set(names)) == 1


@pytest.mark.parametrize("member", ["gifs", "animated"])
async def test_a_video_is_taken_wherever_its_node_tells_it(comfy: Comfy, member: str) -> None:
    call = with_changes(asked("a fox", num_images=4), {})
    nodes = call.options["workflow"]
    if member == "gifs":
        nodes["9"] = {
            "class_type": "VHS_VideoCombine",
            "inputs": {
                **{"images": ["8", 0], "frame_rate": 8, "loop_count": 0, "filename_prefix": "x"},
                **{"format": "video/h264-mp4", "pingpong": False, "save_output": True},
            },
        }
    else:
        nodes["10"] = {"class_type": "CreateVideo", "inputs": {"images": ["8", 0], "fps": 8}}
        saved = {"video": ["10", 0], "filename_prefix": "x", "format": "auto", "codec": "auto"}
        nodes["9"] = {"class_type": "SaveVideo", "inputs": saved}
    ticket = await comfy.at().submit(replace(call, makes="video"))
    assert isinstance(ticket, Ticket)
    (output,) = (await comfy.end(ticket)).outputs
    status, content = await comfy.fetch(str(output.url))
    assert (status, output.kind, content[4:8]) == (200, "video", b"ftyp")


class TestFailures(UnderstandsFailures):
    bad_submits = (
        *bad(Throttled, "throttle"),
        *bad(Ambiguous, "html-502", "reset", "lost-answer", "truncated-json@submit", "html-200@submit"),
        *bad(Broke, "error-500", again=True),
        *bad(Unreachable, "error-503"),
        *bad(Misconfigured, "unauthorized", "locked"),
    )
    bad_endings = (
        *bad(Broke, "oom", "fail:ConnectionError", "restart", "forget", again=True),
        *bad(Broke, "fail", "interrupted", "empty-output", "null-output", again=False),
        *bad(Rejected, "execution-blocked"),
        *bad(Drifted, "drift", "unknown-status"),
    )
    bad_questions = (
        *bad(Throttled, "throttle@result"),
        *bad(Unreachable, "html-502@result", "error-500@status"),
        *bad(Misconfigured, "unauthorized@status"),
        *bad(Drifted, "truncated-json@result", "html-200@status"),
    )

    @pytest.fixture
    def played(self, comfy: Comfy) -> Comfy:
        return comfy


@pytest.mark.parametrize("server", ["1", "2"])
async def test_a_lost_submit_is_found_wherever_the_job_is(comfy: Comfy, server: str) -> None:
    call = asked("a fox [[lost-answer]] [[slow:0.5]] [[queue:0.3]]")
    lost = Lost(call.reference, call.endpoint, call.prompt, call.params, call.options, since=None)  # type: ignore[arg-type]
    adapter = comfy.at(server)
    find = power(adapter, "find")
    assert find is not None
    assert await find(lost) is None
    with pytest.raises(Ambiguous):
        await adapter.submit(call)
    ticket = await find(lost)
    assert ticket is not None and ticket.id == call.reference
    await comfy.until_running(ticket, server)
    assert (await find(lost)).id == ticket.id
    done = await comfy.end_at(ticket, server)
    assert len(done.outputs) == 1
    assert (await find(lost)).id == ticket.id, "also when it is over"


async def test_what_the_server_lacks_is_told_to_the_admin_in_words(comfy: Comfy) -> None:
    call = asked()
    for change, words in (
        ({"4": {"ckpt_name": "missing.safetensors"}}, "there is no “missing.safetensors” for ckpt_name"),
        ({"3": {"scheduler": "magic"}}, "there is no “magic” for scheduler"),
    ):
        with pytest.raises(NotInstalled) as raised:
            await comfy.at().submit(with_changes(call, change))
        assert words in raised.value.message
        assert "(node " in raised.value.message
    assert "v1-5-pruned-emaonly" in str((await refused(comfy, {"4": {"ckpt_name": "x"}})).vendor_message)
    for server in ("1", "2"):
        missing = with_changes(call, {})
        missing.options["workflow"]["9"]["class_type"] = "SaveNowhere"
        with pytest.raises(NotInstalled) as raised:
            await comfy.at(server).submit(missing)
        assert "(node 9), SaveNowhere, is not installed" in raised.value.message
    assert await comfy.jobs() == []


async def test_a_value_of_the_persons_that_does_not_fit_is_theirs_to_change(comfy: Comfy) -> None:
    call = replace(asked(), params={**asked().params, "steps": 20_000})
    with pytest.raises(Rejected) as raised:
        await comfy.at().submit(call)
    assert raised.value.message == "A value does not fit: “KSampler” (node 3): steps is too large with 20000."
    error = await refused(comfy, {"3": {"denoise": 7}})
    assert isinstance(error, NotInstalled), "nobody could set this one"


async def test_a_workflow_that_would_run_in_part_is_taken_back(comfy: Comfy) -> None:
    call = with_changes(asked("a fox [[slow:5]]"), {})
    call.options["workflow"]["19"] = {"class_type": "SaveImage", "inputs": {"filename_prefix": "x"}}
    with pytest.raises(NotInstalled) as raised:
        await comfy.at().submit(call)
    assert "“SaveImage” (node 19): images is missing" in raised.value.message
    for _ in range(200):
        (job,) = await comfy.jobs()
        if job["state"] == "finished":
            break
        await asyncio.sleep(0.02)
    assert job["canceled"]


def with_changes(call: Call, changes: dict[str, dict[str, Any]]) -> Call:
    """The call with its workflow written out, and some inputs changed that no slot fills."""
    from vermilion.providers.comfyui_render import render

    workflow = render(call, {}, "x").workflow
    for node_id, inputs in changes.items():
        workflow[node_id]["inputs"].update(inputs)
    slots = [slot for slot in call.options["slots"] if not set(slot["node_ids"]) & set(changes)]
    return replace(call, options={**call.options, "workflow": workflow, "slots": slots})


async def refused(comfy: Comfy, changes: dict[str, dict[str, Any]]) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        await comfy.at().submit(with_changes(asked(), changes))
    return raised.value


async def test_a_node_that_failed_is_named(comfy: Comfy) -> None:
    with pytest.raises(Broke) as raised:
        await comfy.made("a fox [[fail:ValueError]]")
    assert raised.value.message == "“KSampler” (node 3) failed while it ran."
    assert raised.value.vendor_message == "ValueError: The sandbox was asked to fail here."
    bad = given("image", b"\x89PNG\r\n\x1a\n not a picture")
    with pytest.raises(Rejected) as refusal:
        await comfy.end(await comfy.at().submit(asked("a hat", "sd-1.5-image", bad)))  # type: ignore[arg-type]
    assert "could not be read" in refusal.value.message


async def test_after_too_little_memory_the_server_is_asked_to_make_room(comfy: Comfy) -> None:
    stats = f"{comfy.origin}/comfyui/1/system_stats"

    async def free() -> int:
        async with comfy.session.get(stats) as answer:
            return int((await answer.json())["devices"][0]["vram_free"])

    await comfy.made()
    loaded = await free()
    with pytest.raises(Broke):
        await comfy.made("a fox [[oom]]")
    assert await free() > loaded
    assert (await comfy.made("a fox [[oom]]")).outputs


@pytest.mark.parametrize("server", ["1", "2"])
async def test_ones_place_in_the_queue_is_told(comfy: Comfy, server: str) -> None:
    running = await comfy.submit("[[slow:1]]", server=server)
    tickets = [await comfy.submit(server=server) for _ in range(3)]
    await comfy.until_running(running, server)
    answers = [await comfy.at(server).check(ticket) for ticket in tickets]
    assert [answer.queue_position for answer in answers if isinstance(answer, Pending)] == [1, 2, 3]
    assert not any(answer.started for answer in answers if isinstance(answer, Pending))
    for ticket in tickets:
        await comfy.end_at(ticket, server)


@pytest.mark.parametrize("server", ["1", "2"])
async def test_a_job_is_canceled_wherever_it_stands(comfy: Comfy, server: str) -> None:
    cancel = power(comfy.at(server), "cancel")
    assert cancel is not None
    running = await comfy.submit("[[never]]", server=server)
    waiting = await comfy.submit(server=server)
    await comfy.until_running(running, server)
    assert await cancel(waiting) is Canceled.STOPPED
    with pytest.raises(Broke):
        await comfy.at(server).check(waiting)
    assert await cancel(running) in {Canceled.REQUESTED, Canceled.STOPPED}
    with pytest.raises(Broke) as raised:
        await comfy.end_at(running, server)
    assert raised.value.again is False
    assert await cancel(running) is Canceled.STOPPED
    done = await comfy.submit(server=server)
    await comfy.end_at(done, server)
    assert await cancel(done) is Canceled.TOO_LATE
    assert await cancel(Ticket(str(uuid4()))) is Canceled.UNKNOWN


async def heard_of(comfy: Comfy, ticket: Ticket, server: str = "1") -> list[Pending]:
    heard: list[Pending] = []
    listen = power(comfy.at(server), "listen")
    assert listen is not None
    async with asyncio.timeout(30):
        await listen(ticket, heard.append)
    return heard


@pytest.mark.parametrize("server", ["1", "2"])
async def test_progress_is_heard_rises_and_is_mostly_the_samplers(comfy: Comfy, server: str) -> None:
    ticket = await comfy.submit("a fox [[queue:0.2]] [[slow:0.5]]", server=server, steps=10)
    heard = await heard_of(comfy, ticket, server)
    percents = [pending.percent for pending in heard if pending.percent is not None]
    assert percents == sorted(percents)
    assert percents[0] < 15 and percents[-1] > 95
    assert len(set(percents)) >= 10, "every step of the sampler is told"
    assert all(pending.started for pending in heard)
    assert isinstance(await comfy.at(server).check(ticket), Done), "after the end it is there"


@pytest.mark.parametrize("server", ["1", "2"])
async def test_previews_are_heard(comfy: Comfy, server: str) -> None:
    ticket = await comfy.submit("a fox [[queue:0.2]] [[slow:0.3]]", server=server)
    previews = [pending.preview for pending in await heard_of(comfy, ticket, server) if pending.preview is not None]
    assert len(previews) == 4
    for preview in previews:
        assert preview.content_type == "image/jpeg"
        assert Image.open(io.BytesIO(preview.data)).format == "JPEG"


async def test_whoever_listens_from_the_middle_hears_as_much(comfy: Comfy) -> None:
    ticket = await comfy.submit("a fox [[slow:1]]", steps=20)
    listen = power(comfy.at(), "listen")
    assert listen is not None
    first: list[Pending] = []
    listening = asyncio.ensure_future(listen(ticket, first.append))
    while not first or (first[-1].percent or 0) < 40:  # noqa: ASYNC110 - it is told by a callback
        await asyncio.sleep(0.01)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    second = await heard_of(comfy, Ticket(ticket.id))
    known = [pending.percent for pending in second if pending.percent]
    # First where it stands, told anew to whoever comes; with the sampler's next step all that was done before.
    assert known[0] > 5 and known[1] >= 40 and known == sorted(known)


async def test_several_listen_at_once_and_each_hears_its_own(comfy: Comfy) -> None:
    tickets = [await comfy.submit(f"{n} foxes [[slow:0.2]]", server=server) for n in range(2) for server in ("1", "2")]
    servers = ["1", "2", "1", "2"]
    heard = await asyncio.gather(*(heard_of(comfy, t, s) for t, s in zip(tickets, servers, strict=True)))
    for pendings in heard:
        assert any(pending.preview is not None for pending in pendings)
        assert max(pending.percent or 0 for pending in pendings) > 90


async def test_listening_to_what_is_over_ends_at_once_and_a_broken_line_is_told(comfy: Comfy) -> None:
    ticket = await comfy.submit()
    await comfy.end(ticket)
    assert await heard_of(comfy, ticket) == []
    broken = await comfy.submit("a fox [[slow:0.2]] [[restart]]")
    with pytest.raises(Unreachable):
        await heard_of(comfy, broken)


async def test_the_locked_door_opens_with_the_key_in_each_form(comfy: Comfy) -> None:
    ways = [
        {"api_key": KEY},
        {"api_key": KEY, "key_header": "X-API-Key"},
        {"api_key": KEY, "username": "anybody"},
    ]
    for fields in ways:
        adapter = comfy.at("guarded", **fields)
        ticket = await adapter.submit(asked())
        assert isinstance(ticket, Ticket)
        heard: list[Pending] = []
        listen = power(adapter, "listen")
        assert listen is not None
        await listen(ticket, heard.append)
        (output,) = (await adapter.check(ticket)).outputs  # type: ignore[union-attr]
        url = str(output.url)
        assert (await comfy.fetch(url))[0] == 401
        async with comfy.session.get(url, headers=file_headers(adapter, url)) as answer:
            assert answer.status == 200
        assert file_headers(adapter, "https://elsewhere.example/view?filename=x") == {}
        assert KEY not in repr(ticket) + url
    bad_headers = [{"api_key": KEY, "key_header": "Host"}, {"api_key": f"{KEY}\nHost: elsewhere.example"}]
    for fields in ({"api_key": ""}, {"api_key": "wrong"}, *bad_headers):
        with pytest.raises(Misconfigured):
            await comfy.at("guarded", **fields).submit(asked())


async def test_the_connection_test_tells_the_machine_and_costs_nothing(comfy: Comfy) -> None:
    probe = await comfy.probe()
    assert probe.problem is None
    assert probe.account is not None
    assert "ComfyUI 0.38.1" in probe.account and "RTX 4090" in probe.account and "24 GiB" in probe.account
    assert (await comfy.probe(base_url=f"{comfy.origin}/comfyui/guarded", api_key="wrong")).problem
    assert (await comfy.probe(base_url=f"{comfy.origin}/nowhere")).problem
    assert (await comfy.probe(base_url=f"{comfy.origin}/control")).problem
    assert await comfy.jobs() == []


async def test_a_workflow_is_proposed_as_a_model_and_that_model_works(comfy: Comfy) -> None:
    adapter: Any = comfy.at()
    document = adapter.templates[0].document
    proposal = await adapter.propose(document, {})
    assert proposal.checked and proposal.entry is not None
    assert not [finding for finding in proposal.findings if finding.blocks]
    entry = Entry.model_validate({**proposal.entry, **_named(proposal.entry)})
    assert (await comfy.make(called(entry, "a red fox", reference=str(uuid4())), adapter)).outputs


def _named(entry: Any) -> dict[str, Any]:
    words = {"en": "Mine", "zh": "我的"}
    return {"id": "mine", "provider": "comfyui", "name": words, "about": words, "price": {"per_output_credits": 1}}


def test_references_that_are_no_uuids_become_the_same_one_each_time() -> None:
    assert prompt_id_of("attempt-1") == prompt_id_of("attempt-1") != prompt_id_of("attempt-2")
    mine = str(uuid4())
    assert prompt_id_of(mine) == mine
    assert prompt_id_of(mine.upper()) != mine.upper()
