"""Midjourney's adapter keeps the contract in every dialect, and puts into the prompt what the catalog says."""

import base64
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PIL import Image

from tests.providers.asking import called, entries_of, given
from tests.providers.contract import ProviderContract, Vendor
from tests.providers.replay import replaying
from vermilion.catalog import Entry
from vermilion.kit import Invalid
from vermilion.providers import (
    EFFECT_TIMEOUT_SECONDS,
    Ambiguous,
    Broke,
    Call,
    Done,
    Drifted,
    InputFile,
    Login,
    Lost,
    NotInstalled,
    Pending,
    Rejected,
    Ticket,
    Unreachable,
    Wire,
)
from vermilion.providers.midjourney import Adapter
from vermilion.providers.midjourney_buttons import KINDS, kind_of

SECRET = "sandbox-key-not-secret"
TASK, MJ = "1744352000123456", "5f0c1c5e-0000-4000-8000-000000000001"
CALLBACK = "https://studio.example/api/v1/callbacks/midjourney/token-not-secret"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OURS = entries_of("midjourney")


def login(origin: str, dialect: str = "extended", **more: str) -> Login:
    return Login("credential", {"base_url": f"{origin}/mj/", "secret": SECRET, "dialect": dialect, **more})


def parent(number: int, *buttons: str, **more: Any) -> dict[str, Any]:
    return {"task": f"174435200000000{number}", "buttons": list(buttons), "prompt": "a red fox --v 7", **more}


GRID = parent(
    1,
    *(f"MJ::JOB::upsample::{n}::{MJ}" for n in range(1, 5)),
    *(f"MJ::JOB::variation::{n}::{MJ}" for n in range(1, 5)),
    f"MJ::JOB::reroll::0::{MJ}::SOLO",
)
PICTURE = parent(
    2,
    f"MJ::JOB::low_variation::1::{MJ}::SOLO",
    f"MJ::Inpaint::1::{MJ}::SOLO",
    f"MJ::CustomZoom::{MJ}",
    f"MJ::JOB::animate_high::1::{MJ}::SOLO",
)
DESCRIBED = parent(3, "MJ::Job::PicReader::1", "MJ::Job::PicReader::all", "MJ::Picread::Retry")
FILM = parent(4, f"MJ::JOB::video_virtual_upscale::1::{MJ}", f"MJ::JOB::reroll::0::{MJ}::SOLO", video=True)
BARE = parent(1)

FIRST, SECOND = given("image", b"first picture"), given("image", b"second picture")
STYLE, OMNI = replace(given("style", b"style picture"), weight=2.0), given("omni", b"omni picture")


def call(number: int, endpoint: str, prompt: str = "", *inputs: InputFile, **more: Any) -> Call:
    options = more.pop("options", {})
    params = more.pop("params", {})
    return Call(f"attempt-{number}", endpoint, more.pop("makes", "image"), prompt, params, inputs, options, **more)


def pressing(number: int, follow: str, on: dict[str, Any], button: str = "", prompt: str = "", **more: Any) -> Call:
    options = {"follow": follow, **({"window": True} if more.pop("window", False) else {})}
    params = {"speed": "fast", **({"button": button} if button else {}), **more.pop("params", {})}
    inputs = more.pop("inputs", ())
    return call(number, "action", prompt, *inputs, params=params, options=options, parent=on)


V7 = {"version": "--v 7"}
PLAIN = call(
    1,
    "imagine",
    "a red fox",
    params={"speed": "turbo", "--ar": "16:9", "--stylize": 250, "--no": "text, snow", "--tile": False, "--iw": 2.0},
    options=V7,
    callback_url=CALLBACK,
)
CALLS = {
    "plain": PLAIN,
    "with_inputs": call(
        2,
        "imagine",
        "a red fox",
        FIRST,
        STYLE,
        OMNI,
        params={
            "speed": "fast",
            "--stylize": 100,
            "--iw": 1.5,
            "--sw": 300,
            "--ow": 200,
            "--cw": 5,
            "--sref": "123456",
            "--oref": "",
            "--style": "raw",
        },
        options=V7,
    ),
    "style_by_address": call(
        3,
        "imagine",
        "a red fox",
        replace(STYLE, url="https://studio.example/style.png", weight=None),
        params={"speed": "fast"},
        options=V7,
    ),
    "style_without_address": call(3, "imagine", "a red fox", STYLE, params={"speed": "fast"}, options=V7),
    "blend": call(4, "blend", "", FIRST, SECOND, params={"speed": "relax", "dimensions": "PORTRAIT"}),
    "describe": call(5, "describe", "", FIRST, params={"speed": "fast", "language": "zh"}, makes="text"),
    "shorten": call(6, "shorten", "a very long prompt", params={"speed": "fast"}, makes="text"),
    "upscale": pressing(7, "upscale", GRID, f"MJ::JOB::upsample::2::{MJ}"),
    "upscale_short": pressing(7, "upscale", GRID, "u2"),
    "no_such_button": pressing(7, "upscale", GRID, f"MJ::JOB::upsample::2::{MJ[:-1]}9"),
    "dear_button": pressing(7, "upscale", PICTURE, f"MJ::JOB::animate_high::1::{MJ}::SOLO"),
    "no_parent": replace(pressing(7, "upscale", GRID, "U2"), parent=None),
    "vary_short": pressing(8, "vary", BARE, "V3"),
    "region": pressing(
        9, "region", PICTURE, prompt="a blue hat", window=True, inputs=(given("mask", b"mask picture"),)
    ),
    "zoom": pressing(10, "zoom", PICTURE, window=True, params={"--zoom": 1.8}),
    "remix": pressing(11, "vary", PICTURE, f"MJ::JOB::low_variation::1::{MJ}::SOLO", prompt="a blue fox"),
    "vary": pressing(12, "vary", GRID, "V1"),
    "pick_all": pressing(13, "pick-all", DESCRIBED),
    "edit": call(14, "edits", "make it winter", FIRST, params={"speed": "fast", "--no": "people"}),
    "video": call(
        15,
        "video",
        "it turns its head",
        replace(FIRST, role="start_frame"),
        replace(SECOND, role="end_frame"),
        params={"speed": "fast", "motion": "high", "videoType": "vid_1.1_i2v_720", "loop": False, "batchSize": "2"},
        makes="video",
    ),
    "extend": call(
        16,
        "video",
        params={"speed": "fast", "motion": "low", "videoType": "vid_1.1_i2v_480", "index": 2, "batchSize": "4"},
        options={"extend": True},
        parent=FILM,
        makes="video",
    ),
    "seed": call(17, "image-seed", parent=GRID, makes="text"),
}


class TestMidjourney(ProviderContract):
    vendor = Vendor(
        Adapter,
        login,
        CALLS,
        lambda _origin: Ticket(TASK, {"endpoint": "imagine", "confirmed": False}),
    )


def exchange(method: str, path: str, status: int = 200, *, answer: Any = None, **sent: Any) -> dict[str, Any]:
    told = {"json": answer} if answer is not None else {"text": ""}
    return {"expect": {"method": method, "path": path, **sent}, "answer": {"status": status, **told}}


ACCEPTED = {"code": 1, "description": "提交成功", "result": TASK, "properties": {}}
WORDS = "a red fox --ar 16:9 --stylize 250 --no text, snow --v 7"


def imagined(words: str) -> dict[str, Any]:
    return {"prompt": words, "base64Array": [], "state": "attempt-1", "notifyHook": CALLBACK}


@pytest.mark.parametrize(
    ("dialect", "exchanges"),
    [
        ("extended", [exchange("POST", "/mj-turbo/mj/submit/imagine", answer=ACCEPTED, json=imagined(WORDS))]),
        ("original", [exchange("POST", "/mj/submit/imagine", answer=ACCEPTED, json=imagined(f"{WORDS} --turbo"))]),
        (
            "relay",
            [exchange("POST", "/mj-turbo/mj/submit/imagine", answer=ACCEPTED, json=imagined(f"{WORDS} --turbo"))],
        ),
        (
            "auto",
            [
                exchange("POST", "/mj-turbo/mj/submit/imagine", 404, json=imagined(f"{WORDS} --turbo")),
                exchange("POST", "/mj/submit/imagine", answer=ACCEPTED, json=imagined(f"{WORDS} --turbo")),
            ],
        ),
        ("auto", [exchange("POST", "/mj-turbo/mj/submit/imagine", answer=ACCEPTED, json=imagined(f"{WORDS} --turbo"))]),
    ],
)
async def test_the_speed_reaches_every_dialect(wire: Wire, dialect: str, exchanges: list[Any]) -> None:
    async with replaying(exchanges) as replay:
        ticket = await Adapter(login(replay.origin, dialect), wire).submit(PLAIN)
        replay.assert_complete()
    assert isinstance(ticket, Ticket)
    assert ticket.id == TASK


async def test_a_gateway_that_hides_the_window_is_answered_all_the_same(wire: Wire) -> None:
    exchanges = [
        exchange("POST", "/mj-fast/mj/submit/action", answer=ACCEPTED),
        exchange("POST", "/mj/submit/modal", answer=ACCEPTED, json={
            "taskId": TASK, "prompt": "a blue fox", "state": "attempt-11"
        }),
    ]  # fmt: skip
    async with replaying(exchanges) as replay:
        await Adapter(login(replay.origin, "relay"), wire).submit(CALLS["remix"])
        replay.assert_complete()


async def test_other_words_are_not_dropped_where_a_proxy_cannot_take_them(wire: Wire) -> None:
    async with replaying([]) as replay:
        with pytest.raises(NotInstalled):
            await Adapter(login(replay.origin, "original"), wire).submit(replace(CALLS["vary_short"], prompt="a hat"))
        replay.assert_complete()


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("a hat --turbo --v 7", "a hat --v 7"),
        ("a hat —turbo --repeat 4 --v 7", "a hat --v 7"),
        ("a hat —repeat 4", "a hat"),
        ("a hat —or two", "a hat — or two"),
        ("--fast", "a red fox --v 7"),
        ("a hat--turbo", "a hat"),
        ("a hat --turbo. --tur--turbobo", "a hat . --tur"),
        ("a hat --r=4", "a hat"),
        ("a hat,--repeat 4 --raw", "a hat, --raw"),
        ("a hat --REPEAT=9 ---turbo", "a hat"),
        ("a hat—turbo", "a hat— turbo"),
    ],
)
async def test_words_decide_neither_the_speed_nor_how_many(wire: Wire, said: str, sent: str) -> None:
    window = {"code": 21, "result": TASK, "properties": {"finalPrompt": "a red fox --v 7 --relax"}}
    mask = f"data:image/png;base64,{base64.b64encode(b'mask picture').decode()}"
    told = {"taskId": TASK, "prompt": sent, "state": "attempt-9", "maskBase64": mask}
    exchanges = [
        exchange("POST", "/mj-fast/mj/submit/action", answer=window),
        exchange("POST", "/mj/submit/modal", answer=ACCEPTED, json=told),
    ]
    async with replaying(exchanges) as replay:
        await Adapter(login(replay.origin), wire).submit(replace(CALLS["region"], prompt=said))
        replay.assert_complete()


async def test_steps_of_one_submit_take_no_longer_together_than_one_may(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = {"code": 21, "result": TASK, "properties": {}}
    times = iter([0.0, 1.0, EFFECT_TIMEOUT_SECONDS])
    monkeypatch.setattr("vermilion.providers.midjourney.monotonic", lambda: next(times))
    async with replaying([exchange("POST", "/mj-fast/mj/submit/action", answer=window)]) as replay:
        with pytest.raises(Unreachable):
            await Adapter(login(replay.origin), wire).submit(CALLS["region"])
        replay.assert_complete()


async def test_a_mask_is_sent_the_way_the_credential_says(wire: Wire) -> None:
    painted = Image.new("L", (4, 1), 0)
    painted.putpixel((3, 0), 255)
    file = io.BytesIO()
    painted.save(file, "PNG")
    region = replace(CALLS["region"], inputs=(given("mask", file.getvalue()),))
    window = {"code": 21, "description": "", "result": TASK, "properties": {}}
    exchanges = [
        exchange("POST", "/mj-fast/mj/submit/action", answer=window),
        exchange("POST", "/mj/submit/modal", answer=ACCEPTED),
    ]
    sent: list[str] = []
    async with replaying(exchanges) as replay:
        adapter = Adapter(login(replay.origin, mask="transparent"), wire)
        ask = adapter.ask

        async def listening(method: str, path: str, **content: Any) -> Any:
            sent.append(content["body"].get("maskBase64", ""))
            return await ask(method, path, **content)

        adapter.ask = listening  # type: ignore[method-assign]
        await adapter.submit(region)
    mask = Image.open(io.BytesIO(base64.b64decode(sent[-1].partition(",")[2]))).convert("RGBA")
    assert [mask.getpixel((x, 0))[3] for x in range(4)] == [255, 255, 255, 0]  # type: ignore[index]


def task(status: str, **more: Any) -> dict[str, Any]:
    return {"id": TASK, "action": "IMAGINE", "status": status, "state": "", "submitTime": 1, "properties": {}, **more}


def grid_task(**more: Any) -> dict[str, Any]:
    buttons = [{"customId": name} for name in (*GRID["buttons"], f"MJ::BOOKMARK::{MJ}", "")]
    return task("SUCCESS", imageUrl="https://cdn.example/grid.png", buttons=buttons, **more)


async def answered(wire: Wire, found: dict[str, Any]) -> Pending | Done:
    async with replaying([exchange("GET", f"/mj/task/{TASK}/fetch", answer=found)]) as replay:
        return await Adapter(login(replay.origin), wire).check(Ticket(TASK, {"endpoint": "imagine"}))


async def test_a_grid_is_cut_and_each_picture_has_its_own_buttons(wire: Wire) -> None:
    done = await answered(wire, grid_task())
    assert isinstance(done, Done)
    (output,) = done.outputs
    assert output.grid == (2, 2)
    assert [[action["params"]["button"] for action in actions] for actions in output.cell_actions] == [
        [f"MJ::JOB::upsample::{n}::{MJ}", f"MJ::JOB::variation::{n}::{MJ}"] for n in range(1, 5)
    ]
    assert [(action["id"], action["model"]) for action in output.actions] == [
        ("reroll", "midjourney-vary"), ("seed", "midjourney-seed")
    ]  # fmt: skip
    told = await answered(wire, grid_task(seed="77"))
    assert isinstance(told, Done)
    assert [action["id"] for action in told.outputs[0].actions] == ["reroll"]
    assert done.ticket is not None
    assert (done.ticket.data["task"], done.ticket.data["buttons"]) == (TASK, GRID["buttons"])


@pytest.mark.parametrize("form", ["1️⃣ {0}\n\n2️⃣ {1}", "{0}\n\n{1}"])
async def test_a_description_of_any_length_is_cut(wire: Wire, form: str) -> None:
    words = form.format("x" * 300_000, "a fox")
    done = await answered(wire, task("SUCCESS", action="DESCRIBE", properties={"finalPrompt": words}))
    assert isinstance(done, Done)
    assert done.facts["texts"] == ["x" * 2000, "a fox"]
    assert all(len(str(action["prompt"])) <= 2000 for action in done.facts["actions"])


async def test_the_originals_grid_is_offered_in_short_words(wire: Wire) -> None:
    done = await answered(wire, task("SUCCESS", imageUrl="https://cdn.example/grid.png"))
    assert isinstance(done, Done)
    (output,) = done.outputs
    assert output.grid == (2, 2)
    assert [[action["params"]["button"] for action in actions] for actions in output.cell_actions] == [
        [f"U{n}", f"V{n}"] for n in range(1, 5)
    ]
    assert [action["params"]["button"] for action in output.actions] == ["R"]


async def test_a_picture_taken_out_of_four_takes_its_own_buttons_with_it(wire: Wire) -> None:
    urls = [{"url": f"https://cdn.example/{n}.png"} if n != 2 else {"url": None} for n in range(1, 5)]
    done = await answered(wire, grid_task(imageUrls=urls))
    assert isinstance(done, Done)
    assert [
        (
            output.url,
            [a["params"]["button"].split("::")[3] for a in output.actions if a["id"] not in {"reroll", "seed"}],
        )
        for output in done.outputs
    ] == [(f"https://cdn.example/{n}.png", [str(n), str(n)]) for n in (1, 3, 4)]


async def test_clips_can_be_extended_each(wire: Wire) -> None:
    clips = [{"url": f"https://cdn.example/{n}.mp4"} for n in range(2)]
    buttons = [{"customId": name} for name in FILM["buttons"]]
    done = await answered(wire, task("SUCCESS", action="VIDEO", videoUrls=clips, buttons=buttons))
    assert isinstance(done, Done)
    assert [[(a["model"], a["params"]) for a in output.actions if a["id"] == "extend"] for output in done.outputs] == [
        [("midjourney-video-extend", {"clip": place})] for place in range(2)
    ]
    again = [action for output in done.outputs for action in output.actions if action["id"] == "reroll"]
    assert {action["model"] for action in again} == {"midjourney-animate"}


@pytest.mark.parametrize(("progress", "percent"), [("31%", 31.0), ("0% → 46%", 46.0), ("Waiting to start", None)])
async def test_progress_is_only_what_was_said(wire: Wire, progress: str, percent: float | None) -> None:
    pending = await answered(wire, task("IN_PROGRESS", progress=progress))
    assert isinstance(pending, Pending)
    assert pending.percent == percent


async def test_many_are_asked_for_in_one_question(wire: Wire) -> None:
    tasks = [
        task("IN_PROGRESS", id="1", progress="5%"),
        task("FAILURE", id="2", failReason="任务超时"),
        grid_task(id="4"),
    ]
    sent = {"ids": ["1", "2", "3", "4", "5"]}
    async with replaying([exchange("POST", "/mj/task/list-by-condition", answer=tasks, json=sent)]) as replay:
        tickets = [Ticket(name, {"endpoint": "imagine"}) for name in ("1", "2", "3", "4,5")]
        answers = await Adapter(login(replay.origin), wire).check_many(tickets)
    assert {name: type(answer) for name, answer in answers.items()} == {"1": Pending, "2": Broke, "4,5": Done}


LOST = Lost("attempt-1", "imagine", "a red fox", {}, {}, NOW)
EARLIER = (NOW - timedelta(hours=1)).timestamp() * 1000
LATER = (NOW + timedelta(hours=1)).timestamp() * 1000


async def found_in(wire: Wire, listed: Any, status: int = 200) -> Ticket | None:
    async with replaying([exchange("GET", "/mj/task/list", status, answer=listed)]) as replay:
        return await Adapter(login(replay.origin), wire).find(LOST)


async def test_a_lost_submit_is_found_by_its_state(wire: Wire) -> None:
    others = [task("SUCCESS", id=str(n), state=f"other-{n}") for n in range(5)]
    found = await found_in(wire, [*others, task("SUBMITTED", state="attempt-1")])
    assert found == Ticket(TASK, {"endpoint": "imagine", "confirmed": True})
    several = [task("SUBMITTED", id=name, state="attempt-1") for name in ("12", "11")]
    known = {"endpoint": "imagine", "confirmed": True, "ids": ["11", "12"]}
    assert (await found_in(wire, several)) == Ticket("11,12", known)


async def test_a_window_that_was_never_answered_is_no_job(wire: Wire) -> None:
    assert await found_in(wire, [task("MODAL", state="attempt-1")]) is None


async def test_a_list_that_reaches_back_far_enough_settles_it(wire: Wire) -> None:
    assert await found_in(wire, []) is None
    newer = [task("SUCCESS", id=str(n), submitTime=LATER) for n in range(99)]
    assert await found_in(wire, newer) is None
    assert await found_in(wire, [*newer, task("SUCCESS", submitTime=EARLIER)]) is None
    with pytest.raises(Ambiguous):
        await found_in(wire, [*newer, task("SUCCESS", submitTime=LATER)])


async def test_a_gateway_has_no_list_and_says_nothing_about_a_lost_job(wire: Wire) -> None:
    with pytest.raises(Ambiguous):
        await found_in(wire, {"error": {"message": "Invalid URL"}}, 404)
    with pytest.raises(Ambiguous):
        await found_in(wire, {"items": []})
    with pytest.raises(Unreachable):
        await found_in(wire, None, 502)
    with pytest.raises(Drifted):
        await found_in(wire, None)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"status": "SUCCESS"}', b'{"id": 5}', b'{"id": "1", "status": "MODAL"}']
)
async def test_a_callback_about_nothing_is_refused(wire: Wire, body: bytes) -> None:
    with pytest.raises(Rejected):
        await Adapter(login("http://127.0.0.1:9"), wire).read_callback({}, body)


async def test_a_callback_says_which_task_it_is_about_and_nothing_it_says_of_it_is_believed(wire: Wire) -> None:
    body = b'{"id": "1744352000123456", "status": "SUCCESS", "imageUrl": "http://127.0.0.1/x.png"}'
    callback = await Adapter(login("http://127.0.0.1:9"), wire).read_callback({}, body)
    assert callback.ticket == Ticket(TASK)


def test_every_button_leads_to_a_model_of_the_catalog_that_may_press_it() -> None:
    models = {entry.id: entry for entry in OURS}
    for kind in KINDS:
        entry = models[f"midjourney-{kind.follow}"]
        assert (entry.endpoint, entry.continues) == ("action", "always")
        assert entry.options["follow"] == kind.follow
        assert ("mask" in kind.needs) == any(role.role == "mask" for role in entry.inputs)
        assert "prompt" not in kind.needs or entry.prompt is not None
    for name in ("MJ::BOOKMARK::x", "MJ::CancelJob::ByJobid::x", "", "MJ::Job::PromptAnalyzer::1"):
        assert kind_of(name) is None


VERSIONS = [entry for entry in OURS if entry.endpoint == "imagine"]


@pytest.mark.parametrize("entry", VERSIONS, ids=lambda entry: entry.id)
def test_every_version_says_which_it_is_and_takes_only_its_own_flags(entry: Entry) -> None:
    accepted = entry.accept("a fox --ar 3:2 --chaos 5 --no text --relax", {})
    assert accepted.prompt == "a fox"
    assert entry.quote(accepted.params).price_credits == 2
    names = {param.wire_name for param in entry.params}
    version = str(entry.options["version"])
    number = float(version.split()[1])
    niji = version.startswith("--niji")
    assert ("--oref" in names) == (number >= 7 and not niji)
    assert ("--cref" in names) == (6 <= number < 7)
    assert ("--sref" in names) == (number >= 6)
    assert ("--quality" in names) == (number < 7 or version == "--v 7")


@pytest.mark.parametrize("speed", ["turbo", "fast", "relax"])
def test_each_speed_has_its_price(speed: str) -> None:
    prices = {"turbo": 10, "fast": 5, "relax": 2}
    for model in ("midjourney-v7", "midjourney-blend", "midjourney-upscale", "midjourney-vary", "midjourney-region"):
        entry = next(entry for entry in OURS if entry.id == model)
        assert entry.quote(entry.accept_params({"speed": speed})).price_credits == prices[speed]


def test_clips_are_paid_for_one_by_one() -> None:
    entry = next(entry for entry in OURS if entry.id == "midjourney-video")
    quotes = {clips: entry.quote(entry.accept_params({"clips": clips})) for clips in ("1", "2", "4")}
    assert {clips: (quote.price_credits, quote.expected_outputs) for clips, quote in quotes.items()} == {
        "1": (10, 1), "2": (20, 2), "4": (40, 4)
    }  # fmt: skip


@pytest.mark.parametrize("inside", ["snow --turbo", "--v 5", "snow\n--ar 1:1", "snow —turbo"])
def test_no_field_of_the_form_brings_another_flag(inside: str) -> None:
    entry = next(entry for entry in OURS if entry.id == "midjourney-v7")
    for name in ("without", "profile", "style_reference"):
        with pytest.raises(Invalid):
            entry.accept("a fox", {name: inside})
    assert entry.accept("a fox", {"without": "well-known, snow"}).params["without"] == "well-known, snow"


WITH_WORDS = [entry.model_copy(update={"inputs": ()}) for entry in OURS if entry.prompt is not None]


@pytest.mark.parametrize(
    "prompt",
    [
        "hat --turbo", "hat--turbo", "hat --turbo.", "hat —turbo,", "hat --r=4", "hat,--repeat 4", "hat --repeat=9",
        "x--turbo", "hat ---relax", "{a,b,c} hat", "a {red, {small}, blue} hat", "https://cdn.example/--turbo.png hat",
    ],
)  # fmt: skip
@pytest.mark.parametrize("entry", WITH_WORDS, ids=lambda entry: entry.id)
def test_no_words_run_at_another_price_than_theirs(entry: Entry, prompt: str) -> None:
    usual = entry.quote(entry.accept_params({}))
    speeds = getattr(entry.param("speed"), "choices", ())
    if prompt != "hat --turbo" or "turbo" not in {choice.flag for choice in speeds}:
        with pytest.raises(Invalid):
            entry.accept(prompt, {})
        return
    accepted = entry.accept(prompt, {})
    assert (accepted.prompt, accepted.params["speed"]) == ("hat", "turbo")
    assert entry.quote(accepted.params).price_credits == 2 * usual.price_credits


@pytest.mark.parametrize("entry", WITH_WORDS, ids=lambda entry: entry.id)
def test_prose_stays_prose(entry: Entry) -> None:
    for prompt in ("a fox—red and swift—runs", "a fox — or two", "a well-known {fox}", r"a {red\, blue} fox"):
        assert entry.accept(prompt, {}).prompt == prompt


async def test_what_comes_of_a_prompt_can_be_gone_on_from(wire: Wire) -> None:
    done = await answered(wire, grid_task(properties={"finalPrompt": "a fox --ar 3:2 --v 7 --no text --turbo"}))
    assert isinstance(done, Done)
    assert done.ticket is not None
    words = done.ticket.data["prompt"]
    assert words == "a fox --ar 3:2 --v 7 --no text"
    for model in ("vary", "region", "pick", "animate"):
        entry = next(entry for entry in WITH_WORDS if entry.id == f"midjourney-{model}")
        assert entry.accept(words, {}).prompt == words


@pytest.mark.parametrize(
    ("words", "form", "sent", "aspect"),
    [
        ("a fox --v 7 --no text", {}, {"--zoom": 1.5}, None),
        ("a fox --v 7 --no text", {"aspect_ratio": "1:1"}, {"--zoom": 1.5, "--ar": "1:1"}, 1.0),
        ("a fox --ar 3:2 --v 7 --no text", {}, {"--zoom": 1.5, "--ar": "3:2"}, 1.5),
        ("a fox --ar 1:1 --zoom 2 --v 7 --no text", {"zoom": 1.2}, {"--zoom": 2.0, "--ar": "1:1"}, 1.0),
    ],
)
def test_a_zoom_keeps_the_shape_it_will_have(
    words: str, form: dict[str, Any], sent: dict[str, Any], aspect: float | None
) -> None:
    """Of a picture that is not square, nothing said is its own shape, and square has to be said."""
    entry = next(entry for entry in OURS if entry.id == "midjourney-zoom")
    accepted = entry.accept(words, form)
    assert accepted.prompt == "a fox --v 7 --no text"
    assert entry.wire_params(accepted.params) == {"speed": "fast", **sent}
    assert entry.aspect(accepted.params) == aspect


async def test_words_that_are_several_jobs_are_never_sent(wire: Wire) -> None:
    async with replaying([]) as replay:
        with pytest.raises(Rejected):
            await Adapter(login(replay.origin), wire).submit(replace(CALLS["edit"], prompt="a {red, blue} fox"))
        replay.assert_complete()


async def test_what_the_form_says_and_what_is_typed_make_the_same_prompt(wire: Wire) -> None:
    typed = called("midjourney-v7", "a red fox --ar 16:9 --no text --p --iw 2 --tile --stealth --raw")
    formed = called(
        "midjourney-v7",
        "a red fox",
        aspect_ratio="16:9", without="text", profile="default", image_weight=2, tile=True, publication="stealth",
        style="raw",
    )  # fmt: skip
    words = (
        "a red fox --ar 16:9 --stylize 100 --chaos 0 --style raw --weird 0 --tile --profile --no text --stealth --v 7"
    )
    sent = {"prompt": words, "base64Array": [], "state": "attempt"}
    exchanges = [exchange("POST", "/mj-fast/mj/submit/imagine", answer=ACCEPTED, json=sent) for _ in range(2)]
    async with replaying(exchanges) as replay:
        adapter = Adapter(login(replay.origin), wire)
        for each in (typed, formed):
            await adapter.submit(each)
        replay.assert_complete()
