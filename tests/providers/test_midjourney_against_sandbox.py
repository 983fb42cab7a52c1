"""The adapter and the sandbox were written from the same facts; here they meet, by way of the catalog and the house."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.api.studio import Person, Studio, open_studio, running_sandbox, wanted
from tests.conftest import database_copy
from tests.providers.playing import Playing, called, entries_of, given, playing
from vermilion.catalog import Entry, ensure_sandbox_credential
from vermilion.providers import (
    Ambiguous,
    Blocked,
    Broke,
    Canceled,
    Done,
    Drifted,
    Lost,
    Misconfigured,
    NotInstalled,
    Pending,
    Provider,
    Rejected,
    Throttled,
    Ticket,
    Unreachable,
    power,
)
from vermilion.providers.midjourney import Adapter

PARTS = {"original": "java", "extended": "fork", "relay": "relay"}
OURS = entries_of("midjourney")


def png(colour: str = "teal", size: tuple[int, int] = (96, 64)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
async def play() -> AsyncIterator[Playing]:
    async with playing("midjourney") as opened:
        yield opened


def adapter_of(play: Playing, kind: str, **fields: str) -> Provider:
    base = play.fields["base_url"].replace("/fork", f"/{PARTS[kind]}")
    return play.adapter(**{"base_url": base, **fields})


async def done(adapter: Provider, ticket: Ticket | Done) -> Done:
    while not isinstance(ticket, Done):
        answer = await adapter.check(ticket)
        if isinstance(answer, Done):
            return answer
        await asyncio.sleep(0.02)
    return ticket


def inputs_of(entry: Entry) -> list[Any]:
    return [
        given(role.role, png("white" if role.role == "mask" else "teal"))
        for role in entry.inputs
        for _ in range(max(role.minimum, 1 if role.role in {"image", "style", "omni", "character"} else 0))
    ]


@pytest.mark.parametrize("entry", [entry for entry in OURS if entry.continues == "nothing"], ids=lambda entry: entry.id)
async def test_every_model_makes_what_it_says_and_midjourney_takes_every_flag(play: Playing, entry: Entry) -> None:
    adapter = adapter_of(play, "extended")
    said: dict[str, Any] = {}
    for param in entry.params:
        high = getattr(param, "maximum", None)
        choices = getattr(param, "choices", ())
        if param.name in {"style_reference", "character_reference", "omni_reference"}:
            continue
        if choices:
            said[param.name] = choices[-1].value
        elif high is not None:
            said[param.name] = high
        else:
            said[param.name] = True if param.type == "boolean" else "default" if param.name == "profile" else "snow"
    call = called(entry.id, "a red fox" if entry.prompt else "", *inputs_of(entry), **said)
    result = await done(adapter, await adapter.submit(call))
    if entry.makes == "text":
        assert result.facts["texts"]
        return
    cells = sum((output.grid or (1, 1))[0] * (output.grid or (1, 1))[1] for output in result.outputs)
    assert cells == entry.quote(entry.accept_params(said)).expected_outputs
    assert {output.kind for output in result.outputs} == {entry.makes}


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("told", ["auto", "as it is"])
async def test_each_dialect_is_recognised_and_makes_pictures_and_what_follows(
    play: Playing, kind: str, told: str
) -> None:
    dialect = "auto" if told == "auto" else kind
    probe = power(adapter_of(play, kind, dialect=dialect), "probe")
    assert probe is not None
    answer = await probe()
    assert answer.problem is None
    assert {"original": "original", "extended": "extended", "relay": "gateway"}[kind] in answer.account
    adapter = adapter_of(play, kind, dialect=dialect)
    grid = await done(adapter, await adapter.submit(called("midjourney-v7", "a red fox", speed="turbo")))
    (sheet,) = grid.outputs
    assert sheet.grid == (2, 2)
    assert (await play.fetch(sheet.url or ""))[0] == 200
    for action in (sheet.cell_actions[1][0], sheet.cell_actions[2][1], sheet.actions[0]):
        call = replace(
            called(action["model"], "", **action["params"]), parent=grid.ticket.data if grid.ticket else None
        )
        follow = await done(adapter, await adapter.submit(call))
        assert follow.outputs
    jobs = [job for job in await play.jobs() if job["vendor"] == "midjourney"]
    assert len(jobs) == 4


async def test_a_wrong_kind_is_named_by_the_connection_test(play: Playing) -> None:
    assert "set the kind of proxy to extended" in ((await play.probe(dialect="original")).problem or "")
    assert (await play.probe(secret="wrong-not-secret")).problem
    assert (await play.probe(base_url=f"{play.origin}/nowhere")).problem


async def test_what_the_original_cannot_do_is_said_of_the_credential(play: Playing) -> None:
    adapter = adapter_of(play, "original")
    for call in (called("midjourney-shorten", "a fox"), called("midjourney-edit", "a fox", given("image", png()))):
        with pytest.raises(NotInstalled):
            await adapter.submit(call)
    with pytest.raises(NotInstalled):
        await adapter.submit(called("midjourney-v7", "a fox", given("style", png())))


@pytest.mark.parametrize(
    ("kind", "marker", "problem"),
    [
        ("extended", "refuse:3", Unreachable), ("extended", "refuse:4", Rejected), ("extended", "refuse:9", Broke),
        ("original", "refuse:23", Throttled), ("original", "refuse:24", Blocked), ("original", "nsfw", Blocked),
        ("extended", "refuse:concurrent", Throttled), ("extended", "refuse:daily", Misconfigured),
        ("relay", "refuse:30", Throttled), ("relay", "refuse:timeout", Ambiguous),
        ("relay", "refuse:quota", Misconfigured), ("relay", "locked", Misconfigured),
        ("extended", "unauthorized", Misconfigured), ("extended", "throttle", Throttled),
        ("extended", "html-502", Ambiguous), ("extended", "error-500", Ambiguous),
        ("extended", "lost-answer", Ambiguous),
        ("extended", "html-200@submit", Ambiguous), ("extended", "truncated-json@submit", Ambiguous),
    ],
)  # fmt: skip
async def test_every_refusal_is_somebodys_move(play: Playing, kind: str, marker: str, problem: type) -> None:
    with pytest.raises(problem):
        await adapter_of(play, kind).submit(called("midjourney-v7", f"a fox [[{marker}]]"))


@pytest.mark.parametrize(
    ("marker", "problem"),
    [
        ("fail:banned", Blocked), ("fail:filters", Blocked), ("nsfw", Blocked), ("fail:invalid", Rejected),
        ("fail:internal", Broke), ("fail:timeout", Broke), ("fail:captcha", Broke), ("fail:canceled", Broke),
        ("empty-output", Broke), ("null-output", Broke), ("forget", Broke), ("unknown-status", Drifted),
        ("drift", Drifted),
    ],
)  # fmt: skip
async def test_every_failure_is_somebodys_move(play: Playing, marker: str, problem: type) -> None:
    adapter = adapter_of(play, "extended")
    ticket = await adapter.submit(called("midjourney-v7", f"a fox [[{marker}]]"))
    with pytest.raises(problem):
        await done(adapter, ticket)


async def test_a_lost_submit_is_found_where_there_is_a_list(play: Playing) -> None:
    for kind in ("original", "extended"):
        adapter = adapter_of(play, kind)
        call = replace(called("midjourney-v7", "a fox [[lost-answer]]"), reference=f"attempt-{kind}")
        with pytest.raises(Ambiguous):
            await adapter.submit(call)
        lost = Lost(call.reference, call.endpoint, call.prompt, call.params, call.options, datetime.now(UTC))
        find = power(adapter, "find")
        assert find is not None
        ticket = await find(lost)
        assert (await done(adapter, ticket)).outputs
        assert await find(replace(lost, reference="nobody", since=datetime.now(UTC) + timedelta(hours=1))) is None
    relay = power(adapter_of(play, "relay"), "find")
    assert relay is not None
    with pytest.raises(Ambiguous):
        await relay(lost)


async def test_a_window_is_answered_and_one_that_was_not_is_no_job(play: Playing) -> None:
    adapter = adapter_of(play, "extended")
    call = called("midjourney-v7", "a fox")
    grid = await done(adapter, await adapter.submit(call))
    assert grid.ticket is not None
    remix = replace(called("midjourney-vary", "a blue fox", button="V1"), parent=grid.ticket.data, reference="remix")
    assert (await done(adapter, await adapter.submit(remix))).outputs[0].grid == (2, 2)
    async with play.session.post(
        f"{play.origin}/control/faults", json={"vendor": "midjourney", "kind": "remix"}
    ) as armed:
        assert armed.status == 201
    vary = replace(called("midjourney-vary", "", button="V2"), parent=grid.ticket.data)
    assert (await done(adapter, await adapter.submit(vary))).outputs[0].grid == (2, 2)


async def test_seeds_descriptions_and_all_their_pictures(play: Playing) -> None:
    adapter = adapter_of(play, "extended")
    grid = await done(adapter, await adapter.submit(called("midjourney-v7", "a fox", seed=77)))
    assert grid.facts["seed"] == 77
    assert grid.ticket is not None
    told = await adapter.submit(replace(called("midjourney-seed", ""), parent=grid.ticket.data))
    assert isinstance(told, Done)
    assert told.facts == {"texts": ["77"], "seed": 77}
    described = await done(adapter, await adapter.submit(called("midjourney-describe", "", given("image", png("red")))))
    assert len(described.facts["texts"]) == 4
    assert described.ticket is not None
    actions = {action["id"]: action for action in described.facts["actions"]}
    assert set(actions) == {"pick_1", "pick_2", "pick_3", "pick_4", "describe_again", "pick_all"}
    for name, makes in (("pick_2", 1), ("pick_all", 4), ("describe_again", 0)):
        action = actions[name]
        call = called(action["model"], action["prompt"] or "", **action["params"])
        made = await done(adapter, await adapter.submit(replace(call, parent=described.ticket.data)))
        assert [output.grid for output in made.outputs] == [(2, 2)] * makes
    again = await done(adapter, await adapter.submit(called("midjourney-shorten", "a very long prompt about a fox")))
    assert again.facts["texts"]


async def test_clips_are_taken_extended_and_made_again(play: Playing) -> None:
    adapter = adapter_of(play, "extended")
    film = await done(
        adapter,
        await adapter.submit(called("midjourney-video", "it turns", given("start_frame", png()), clips="2")),
    )
    assert [output.kind for output in film.outputs] == ["video", "video"]
    assert film.ticket is not None
    actions = {action["id"]: action for action in film.outputs[1].actions}
    assert set(actions) == {"clip", "extend", "reroll"}
    for action in actions.values():
        call = replace(called(action["model"], "", **action["params"]), parent=film.ticket.data)
        assert {output.kind for output in (await done(adapter, await adapter.submit(call))).outputs} == {"video"}


async def test_a_cancel_is_heard_where_there_is_one(play: Playing) -> None:
    for kind, said in (("extended", Canceled.STOPPED), ("original", Canceled.TOO_LATE), ("relay", Canceled.TOO_LATE)):
        adapter = adapter_of(play, kind)
        ticket = await adapter.submit(called("midjourney-v7", "a fox [[never]]"))
        cancel = power(adapter, "cancel")
        assert cancel is not None
        assert await cancel(ticket) is said


async def test_previews_are_never_results_and_previews_change(play: Playing) -> None:
    adapter = adapter_of(play, "extended")
    ticket = await adapter.submit(called("midjourney-v7", "a fox [[slow:1]]"))
    assert isinstance(ticket, Ticket)
    pendings: list[Pending] = []
    while isinstance(answer := await adapter.check(ticket), Pending):
        pendings.append(answer)
        await asyncio.sleep(0.03)
    percents = [pending.percent for pending in pendings if pending.percent]
    assert percents == sorted(percents) and len(set(percents)) > 3


def told(sandbox: str, what: str) -> list[Any]:
    """What the sandbox's own controls tell."""
    return list(httpx.get(f"{sandbox}/control/{what}").json()["items"])


@asynccontextmanager
async def a_house(template: str, folder: Path, kind: str = "extended") -> AsyncIterator[Studio]:
    """A whole house whose Midjourney is the sandbox's proxy of this kind."""
    with (
        running_sandbox(folder / "sandbox", "--speed", "60") as sandbox,
        database_copy(template, folder) as url,
    ):
        async with open_studio(folder / "house", url, sandbox) as opened:
            fields = next(item["fields"] for item in told(sandbox, "logins") if item["provider"] == "midjourney")
            fields |= {"base_url": fields["base_url"].replace("/fork", f"/{PARTS[kind]}")}
            now = opened.house.clock.now()
            await opened.house.db.write(ensure_sandbox_credential, opened.house.sealer, "midjourney", fields, now)
            yield opened


@pytest.fixture
async def studio(database_template: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with a_house(database_template, tmp_path) as opened:
        yield opened


async def made(someone: Person, **asked: Any) -> Any:
    body = wanted(**asked)
    await someone.post("/generations", body, status=202)
    ended = await someone.ended(body["id"])
    assert ended["status"] == "succeeded", ended["failure"]
    return ended


def actions_of(asset: Any) -> dict[str, Any]:
    return {action["id"]: action for action in asset["actions"]}


async def follow(someone: Person, generation: Any, action: Any, **more: Any) -> Any:
    body = {"model": action["model"], "params": action["params"], "parent_id": generation["id"], "prompt": "", **more}
    return await made(someone, **body)


async def test_from_a_prompt_to_four_pictures_to_one_with_another_hat(studio: Studio) -> None:
    someone = await studio.person()
    grid = await made(someone, prompt="a red fox --ar 3:2 --turbo --no snow", model="midjourney-v7")
    assert (grid["prompt"], grid["params"]["aspect_ratio"], grid["params"]["speed"]) == ("a red fox", "3:2", "turbo")
    assert (grid["price_credits"], grid["settled_credits"]) == (10, 10)
    assert len(grid["assets"]) == 4
    for asset in grid["assets"]:
        assert asset["width"] / asset["height"] == pytest.approx(1.5, abs=0.05)
    upscale = actions_of(grid["assets"][2])["upscale"]
    up = await follow(someone, grid, upscale)
    assert up["parent_id"] == grid["id"]
    assert up["assets"][0]["width"] == 2 * grid["assets"][2]["width"]
    region = actions_of(up["assets"][0])["vary_region"]
    assert region["needs"] == ["prompt", "mask"]
    mask = await someone.upload(png("white", (64, 64)), "mask.png")
    hats = await follow(
        someone, up, region, prompt="a blue hat --v 7", inputs=[{"role": "mask", "asset_id": mask["id"]}]
    )
    assert len(hats["assets"]) == 4
    zoom = actions_of(up["assets"][0])["zoom_custom"]
    assert zoom["prompt"].startswith("a red fox")
    assert len((await follow(someone, up, zoom, prompt=zoom["prompt"]))["assets"]) == 4
    await studio.is_sound()


async def test_pictures_are_blended_and_described_and_the_description_is_painted(studio: Studio) -> None:
    someone = await studio.person()
    two = [await someone.upload(png(colour), f"{colour}.png") for colour in ("teal", "gold")]
    inputs = [{"role": "image", "asset_id": asset["id"]} for asset in two]
    blend = await made(someone, prompt="", model="midjourney-blend", inputs=inputs)
    assert len(blend["assets"]) == 4
    described = await made(someone, prompt="", model="midjourney-describe", inputs=inputs[:1])
    assert (len(described["facts"]["texts"]), described["assets"]) == (4, [])
    pick = next(action for action in described["facts"]["actions"] if action["id"] == "pick_3")
    painted = await follow(someone, described, pick, prompt=pick["prompt"])
    assert len(painted["assets"]) == 4
    await studio.is_sound()


async def test_a_lost_submit_is_found_and_four_pictures_are_made_once(studio: Studio) -> None:
    someone = await studio.person()
    ended = await made(someone, prompt="a fox [[lost-answer]]", model="midjourney-v7")
    assert len(ended["assets"]) == 4
    assert [job["vendor"] for job in told(studio.sandbox, "jobs")] == ["midjourney"]


async def test_the_originals_grid_is_cut_too_and_its_pictures_are_upscaled_by_word(
    database_template: str, tmp_path: Path
) -> None:
    async with a_house(database_template, tmp_path, "original") as studio:
        someone = await studio.person()
        grid = await made(someone, prompt="a red fox --relax", model="midjourney-v7")
        assert (len(grid["assets"]), grid["settled_credits"]) == (4, 2)
        upscale = actions_of(grid["assets"][1])["upscale"]
        assert upscale["params"] == {"button": "U2"}
        up = await follow(someone, grid, upscale)
        assert up["assets"][0]["width"] == 2 * grid["assets"][1]["width"]
        await studio.is_sound()


async def test_callbacks_wake_the_house_and_are_not_believed(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    all_heard = asyncio.Event()
    read = Adapter.read_callback

    async def listening(self: Adapter, headers: Any, body: bytes) -> Any:
        heard.append(json.loads(body)["status"])
        if heard.count("SUCCESS") == 4:
            all_heard.set()
        return await read(self, headers, body)

    monkeypatch.setattr(Adapter, "read_callback", listening)
    someone = await studio.person()
    words = "a red fox [[webhook-forged]] [[webhook-duplicate:3]]"
    ended = await made(someone, prompt=words, model="midjourney-v7")
    assert len(ended["assets"]) == 4
    await asyncio.wait_for(all_heard.wait(), 20)
    assert "IN_PROGRESS" in heard
    assert (await someone.get(f"/generations/{ended['id']}"))["assets"] == ended["assets"]
    await studio.is_sound()


async def test_a_callback_of_one_of_several_tasks_loses_none_of_the_others(studio: Studio) -> None:
    someone = await studio.person()
    picture = await someone.upload(png("teal"), "teal.png")
    inputs = [{"role": "image", "asset_id": picture["id"]}]
    described = await made(someone, prompt="", model="midjourney-describe", inputs=inputs)
    all_of_them = next(action for action in described["facts"]["actions"] if action["id"] == "pick_all")
    fault = {"vendor": "midjourney", "kind": "webhook-early"}
    armed = await asyncio.to_thread(httpx.post, f"{studio.sandbox}/control/faults", json=fault)
    assert armed.status_code == 201
    painted = await follow(someone, described, all_of_them)
    assert len(painted["assets"]) == 16
    assert len([job for job in told(studio.sandbox, "jobs") if job["vendor"] == "midjourney"]) == 5
    await studio.is_sound()
