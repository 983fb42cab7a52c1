"""Midjourney's proxies on the wire: dialects, states in time, buttons that lead on, windows, films, every error."""

from __future__ import annotations

import asyncio
import base64
import io
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import av
import pytest
from aiohttp import web
from PIL import Image, ImageStat

from vermilion.sandbox import SandboxConfig
from vermilion.sandbox.midjourney import Vendor
from vermilion.sandbox.midjourney_flags import problem_of, take_apart
from vermilion.sandbox.stage import Stage

from .conftest import Reply

SECRET = Vendor.default_secrets["secret"]


@dataclass
class Proxy:
    """A small client of `/mj`, written from the proxies' documents; the clock is in the test's hands."""

    stage: Stage
    session: aiohttp.ClientSession
    origin: str = ""
    later: float = 0.0
    dialect: str = "fork"
    heard: list[Any] = field(default_factory=list)

    def now(self) -> float:
        return time.time() + self.later

    async def ask(self, method: str, path: str, *, secret: str | None = SECRET, **content: Any) -> Reply:
        url = path if path.startswith("http") else f"{self.origin}/midjourney/{self.dialect}{path}"
        headers = {**({"mj-api-secret": secret} if secret else {}), **content.pop("headers", {})}
        async with self.session.request(method, url, headers=headers, allow_redirects=False, **content) as response:
            return Reply(response.status, response.headers, await response.read())

    async def submit(self, door: str, mode: str = "", **body: Any) -> Reply:
        return await self.ask("POST", f"{mode}/mj/submit/{door}", json=body)

    async def accepted(self, door: str, **body: Any) -> str:
        reply = await self.submit(door, **body)
        assert reply.json["code"] in {1, 22}, reply.json
        return str(reply.json["result"])

    async def fetch(self, task_id: str) -> Any:
        return (await self.ask("GET", f"/mj/task/{task_id}/fetch")).json

    async def made(self, door: str = "imagine", **body: Any) -> Any:
        task_id = await self.accepted(door, **({"prompt": "a red fox --v 7"} | body if door == "imagine" else body))
        return await self.ended(task_id)

    async def ended(self, task_id: str) -> Any:
        job = self.stage.jobs.get(task_id)
        assert job is not None
        self.stage.jobs.finish(job)
        return await self.fetch(task_id)

    async def press(self, task: Any, label: str, **more: Any) -> Reply:
        button = next(each for each in task["buttons"] if label in (each["label"], each["emoji"]))
        return await self.submit("action", taskId=task["id"], customId=button["customId"], **more)

    async def pressed(self, task: Any, label: str) -> Any:
        reply = await self.press(task, label)
        assert reply.json["code"] in {1, 22}, reply.json
        return await self.ended(reply.json["result"])

    async def picture(self, url: str) -> Image.Image:
        reply = await self.ask("GET", url, secret=None)
        assert reply.status == 200, reply.body
        return Image.open(io.BytesIO(reply.body))


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    stage = Stage(SandboxConfig(port=0, max_concurrent=2))
    vendor = Vendor(stage)
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_route("*", "/midjourney/{tail:.*}", vendor.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)

    async def hear(request: web.Request) -> web.Response:
        found.heard.append(await request.json())
        return web.Response()

    app.router.add_post("/hook", hear)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    session = aiohttp.ClientSession()
    found = Proxy(stage, session, f"http://127.0.0.1:{runner.addresses[0][1]}")
    stage.jobs.clock = found.now
    yield found
    await session.close()
    await runner.cleanup()
    await stage.close()


def png(colour: str = "teal", width: int = 96, height: int = 64) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "PNG")
    return file.getvalue()


def data_url(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def labels(task: Any) -> list[str]:
    return [button["label"] or button["emoji"] for button in task["buttons"]]


@pytest.mark.parametrize(
    ("dialect", "headers", "status"),
    [
        ("java", {"mj-api-secret": SECRET}, 200),
        ("java", {"Authorization": f"Bearer {SECRET}"}, 401),
        ("java", {"mj-api-secret": "wrong"}, 401),
        ("java", {}, 401),
        ("fork", {"Mj-Api-Secret": SECRET}, 200),
        ("fork", {"Authorization": SECRET}, 200),
        ("fork", {"Authorization": f"Bearer {SECRET}"}, 401),
        ("fork", {}, 401),
        ("relay", {"Authorization": f"Bearer {SECRET}"}, 200),
        ("relay", {"mj-api-secret": SECRET}, 200),
        ("relay", {"Authorization": "Bearer sk-wrong"}, 401),
    ],
)
async def test_secrets_are_checked_as_each_dialect_does(
    proxy: Proxy, dialect: str, headers: dict[str, str], status: int
) -> None:
    proxy.dialect = dialect
    reply = await proxy.ask("POST", "/mj/task/list-by-condition", secret=None, headers=headers, json={"ids": ["1"]})
    assert reply.status == status
    if dialect == "java" and status == 401:
        assert reply.body == b""
    if dialect == "fork" and status == 401:
        assert reply.body == b"Authorization header missing."


async def test_a_task_waits_is_sent_runs_with_previews_and_is_done(proxy: Proxy) -> None:
    task_id = await proxy.accepted("imagine", prompt="a red fox --ar 16:9 --v 7 [[slow:100]]", state="job-42")
    seen: dict[str, str] = {}
    previews = set()
    for _ in range(120):
        task = await proxy.fetch(task_id)
        seen.setdefault(task["status"], task["progress"])
        if task["status"] == "IN_PROGRESS":
            previews.add(task["imageUrl"])
        if task["status"] == "SUCCESS":
            break
        assert task["buttons"] == []
        proxy.later += 1.0
    assert list(seen) == ["NOT_START", "SUBMITTED", "IN_PROGRESS", "SUCCESS"]
    assert (seen["SUBMITTED"], seen["IN_PROGRESS"], seen["SUCCESS"]) == ("0%", "15%", "100%")
    assert len(previews) > 3
    assert (task["action"], task["state"], task["properties"]["finalPrompt"][:9]) == ("IMAGINE", "job-42", "a red fox")
    assert labels(task) == ["U1", "U2", "U3", "U4", "🔄", "V1", "V2", "V3", "V4"]
    grid = await proxy.picture(task["imageUrl"])
    assert grid.width / grid.height == pytest.approx(16 / 9, abs=0.05)
    cells = [
        grid.crop((x * grid.width // 2, y * grid.height // 2, (x + 1) * grid.width // 2, (y + 1) * grid.height // 2))
        for y in (0, 1)
        for x in (0, 1)
    ]
    assert len({cell.tobytes() for cell in cells}) == 4


async def test_links_end_after_a_day_and_cannot_be_made_up(proxy: Proxy) -> None:
    url = (await proxy.made())["imageUrl"]
    assert (await proxy.ask("GET", url.replace("hm=", "hm=0"), secret=None)).status == 404
    proxy.later += 24 * 3600 + 5
    assert (await proxy.ask("GET", url, secret=None)).status == 404


async def test_upscaling_takes_the_very_picture_and_offers_what_its_version_can(proxy: Proxy) -> None:
    grid = await proxy.made()
    whole = await proxy.picture(grid["imageUrl"])
    up = await proxy.pressed(grid, "U3")
    assert up["action"] == "UPSCALE"
    large = await proxy.picture(up["imageUrl"])
    cell = whole.crop((0, whole.height // 2, whole.width // 2, whole.height)).convert("RGB")
    assert large.size == (cell.width * 2, cell.height * 2)
    small = large.convert("RGB").resize(cell.size, Image.Resampling.BOX)
    differences = [abs(a - b) for a, b in zip(small.tobytes()[::997], cell.tobytes()[::997], strict=True)]
    assert sum(differences) / len(differences) < 6
    assert labels(up)[:4] == ["Upscale (Subtle)", "Upscale (Creative)", "Vary (Subtle)", "Vary (Strong)"]
    assert {"Vary (Region)", "Custom Zoom", "⬅️", "Animate (High motion)"} <= set(labels(up))
    newest = await proxy.pressed(await proxy.made(prompt="a red fox --v 8.1"), "U1")
    assert "Custom Zoom" not in labels(newest) and "Vary (Subtle)" in labels(newest)
    oldest = await proxy.pressed(await proxy.made(prompt="a red fox --v 4"), "U1")
    assert "Vary (Region)" not in labels(oldest)
    hd = await proxy.pressed(up, "Upscale (Subtle)")
    assert (hd["action"], (await proxy.picture(hd["imageUrl"])).size) == (
        "UPSCALE_HD",
        (large.width * 2, large.height * 2),
    )


@pytest.mark.parametrize(("label", "action"), [("V2", "VARIATION"), ("🔄", "IMAGINE")])
async def test_a_grid_leads_to_other_grids(proxy: Proxy, label: str, action: str) -> None:
    grid = await proxy.made()
    other = await proxy.pressed(grid, label)
    assert (other["action"], len(other["buttons"])) == (action, 9)
    assert (await proxy.picture(other["imageUrl"])).tobytes() != (await proxy.picture(grid["imageUrl"])).tobytes()


async def test_a_picture_can_be_varied_zoomed_panned_and_animated(proxy: Proxy) -> None:
    up = await proxy.pressed(await proxy.made(), "U1")
    for label, action in (("Vary (Strong)", "VARIATION"), ("Zoom Out 2x", "ZOOM")):
        assert (await proxy.pressed(up, label))["action"] == action
    panned = await proxy.picture((await proxy.pressed(up, "⬅️"))["imageUrl"])
    assert panned.width > panned.height * 1.3
    film = await proxy.pressed(up, "Animate (Low motion)")
    assert (film["action"], len(film["videoUrls"]), labels(film)[:4]) == ("VIDEO", 4, ["U1", "U2", "U3", "U4"])
    reply = await proxy.ask("GET", film["videoUrls"][2]["url"], secret=None)
    with av.open(io.BytesIO(reply.body)) as opened:
        assert opened.streams.video[0].codec_context.name == "h264"
    clip = await proxy.pressed(film, "U2")
    assert (clip["action"], len(clip["videoUrls"])) == ("UPSCALE", 1)
    assert labels(clip) == ["Extend (High motion)", "Extend (Low motion)"]
    assert (await proxy.pressed(clip, "Extend (High motion)"))["action"] == "VIDEO"


async def test_a_region_is_painted_anew_and_the_rest_stays(proxy: Proxy) -> None:
    up = await proxy.pressed(await proxy.made(), "U1")
    before = (await proxy.picture(up["imageUrl"])).convert("RGB")
    opened = await proxy.press(up, "Vary (Region)")
    assert (opened.json["code"], opened.json["properties"]["remix"]) == (21, True)
    task_id = opened.json["result"]
    assert (await proxy.fetch(task_id))["status"] == "MODAL"
    assert (await proxy.submit("modal", taskId=task_id, prompt="a blue hat --v 7")).json["code"] == 4
    mask = Image.new("L", (100, 100), 0)
    mask.paste(255, (50, 0, 100, 100))
    file = io.BytesIO()
    mask.save(file, "PNG")
    answer = await proxy.submit(
        "modal", taskId=task_id, prompt="a blue hat --v 7", maskBase64=data_url(file.getvalue())
    )
    assert (answer.json["code"], answer.json["result"]) == (1, task_id)
    assert (await proxy.submit("modal", taskId=task_id, prompt="again")).json["code"] == 4
    grid = (await proxy.picture((await proxy.ended(task_id))["imageUrl"])).convert("RGB")
    cell = grid.crop((0, 0, grid.width // 2, grid.height // 2))
    kept = before.resize(cell.size)

    def apart(box: tuple[int, int, int, int]) -> float:
        pairs = zip(cell.crop(box).tobytes()[::101], kept.crop(box).tobytes()[::101], strict=True)
        differences = [abs(a - b) for a, b in pairs]
        return sum(differences) / len(differences)

    half = cell.width // 2
    assert apart((0, 0, half - 8, cell.height)) < 8 < apart((half + 8, 0, cell.width, cell.height))


async def test_zoom_words_and_remix_open_windows(proxy: Proxy) -> None:
    grid = await proxy.made()
    up = await proxy.pressed(grid, "U1")
    zoom = await proxy.press(up, "Custom Zoom")
    assert zoom.json["code"] == 21
    assert (await proxy.submit("modal", taskId=zoom.json["result"], prompt="a fox --v 7 --zoom 1.8")).json["code"] == 1
    assert (await proxy.ended(zoom.json["result"]))["status"] == "SUCCESS"
    remix = await proxy.press(grid, "V1", enableRemix=True)
    assert remix.json["code"] == 21
    assert (await proxy.press(grid, "U1", enableRemix=True)).json["code"] == 1
    assert (await proxy.ask("POST", "/mj/submit/modal", json={"taskId": "1"})).status == 404


async def test_pictures_are_described_and_made_again_from_the_words(proxy: Proxy) -> None:
    task = await proxy.made("describe", base64=data_url(png("red")))
    assert task["action"] == "DESCRIBE"
    lines = task["promptEn"].split("\n\n")
    assert [line[:3] for line in lines] == [f"{n}\ufe0f\u20e3" for n in range(1, 5)]
    assert "red" in task["promptEn"]
    assert (await proxy.picture(task["imageUrl"])).size == (96, 64)
    picked = await proxy.press(task, "2")
    assert (picked.json["code"], picked.json["properties"]["finalPrompt"]) == (21, lines[1][4:])
    everything = await proxy.press(task, "Imagine all")
    ids = everything.json["result"].split(",")
    assert len(ids) == 4
    prompts = [(await proxy.fetch(task_id))["prompt"] for task_id in ids]
    assert prompts == [line[4:] for line in lines]
    assert (await proxy.pressed(task, "🔄"))["action"] == "DESCRIBE"


async def test_shorten_blend_edit_and_video(proxy: Proxy) -> None:
    words = await proxy.made("shorten", prompt="a very long prompt about a fox in the snow")
    assert (words["action"], words["imageUrl"]) == ("SHORTEN", None)
    assert "1\ufe0f\u20e3" in words["promptEn"]
    two = [data_url(png("teal")), data_url(png("gold"))]
    blend = await proxy.picture((await proxy.made("blend", base64Array=two, dimensions="PORTRAIT"))["imageUrl"])
    assert blend.height / blend.width == pytest.approx(1.5, abs=0.05)
    assert (await proxy.submit("blend", base64Array=two[:1])).json["code"] == 4
    edit = await proxy.made("edits", prompt="winter --no people", image=data_url(png()))
    assert edit["action"] == "EDIT"
    film = await proxy.made(
        "video", prompt="it turns", image=data_url(png()), endImage=data_url(png("gold")), batchSize=2
    )
    assert len(film["videoUrls"]) == 2
    longer = await proxy.made("video", action="extend", taskId=film["id"], index=1, batchSize=1)
    assert len(longer["videoUrls"]) == 1
    assert (await proxy.submit("video", prompt="x", image="")).json["code"] == 4


async def test_what_goes_on_from_a_film_keeps_its_pictures(proxy: Proxy) -> None:
    film = await proxy.made("video", prompt="it turns", image=data_url(png("teal", 320, 240)), batchSize=1)
    clip = await proxy.pressed(film, "U1")
    extended = await proxy.pressed(clip, "Extend (Low motion)")
    longer = await proxy.made("video", action="extend", taskId=film["id"], index=0, batchSize=1)
    for told in (film, clip, extended, longer):
        file = await proxy.ask("GET", told["videoUrl"], secret=None)
        with av.open(io.BytesIO(file.body), mode="r") as container:
            first = next(container.decode(video=0)).to_image()
        middle = first.crop((first.width // 3, first.height // 3, first.width // 2, first.height // 2))
        assert ImageStat.Stat(middle).mean == pytest.approx((0, 128, 128), abs=12), told["action"]


async def test_seeds_lists_uploads_and_cancel(proxy: Proxy) -> None:
    task = await proxy.made(prompt="a red fox --seed 77 --v 7")
    assert (await proxy.ask("GET", f"/mj/task/{task['id']}/image-seed")).json["result"] == "77"
    assert task["seed"] == "77"
    assert (await proxy.ask("GET", "/mj/task/1/image-seed")).status == 404
    running = await proxy.accepted("imagine", prompt="a fox [[never]]")
    assert (await proxy.ask("GET", f"/mj/task/{running}/image-seed")).status == 400
    listed = (await proxy.ask("GET", "/mj/task/list")).json
    assert [item["id"] for item in listed] == [running, task["id"]]
    by_ids = await proxy.ask("POST", "/mj/task/list-by-ids", json={"ids": [running, "1"]})
    assert [item["id"] for item in by_ids.json] == [running]
    up = (await proxy.submit("upload-discord-images", base64Array=[data_url(png())])).json
    assert (await proxy.picture(up["result"][0])).size == (96, 64)
    assert (await proxy.ask("POST", f"/mj/task/{running}/cancel")).status == 200
    ended = await proxy.fetch(running)
    assert (ended["status"], ended["failReason"]) == ("FAILURE", "取消任务")
    assert (await proxy.ask("POST", "/mj/task/1/cancel")).status == 200


async def test_the_original_has_changes_and_no_buttons(proxy: Proxy) -> None:
    proxy.dialect = "java"
    task = await proxy.made()
    assert "buttons" not in task and task["status"] == "SUCCESS"
    up = await proxy.made("change", taskId=task["id"], action="UPSCALE", index=2)
    assert up["action"] == "UPSCALE"
    assert (await proxy.made("simple-change", content=f"{task['id']} V3"))["action"] == "VARIATION"
    assert (await proxy.made("change", taskId=task["id"], action="REROLL"))["action"] == "REROLL"
    for body in (
        {"taskId": task["id"], "action": "UPSCALE", "index": 5},
        {"taskId": task["id"], "action": "PAN", "index": 1},
        {"taskId": up["id"], "action": "UPSCALE", "index": 1},
    ):
        assert (await proxy.submit("change", **body)).json["code"] == 4
    assert (await proxy.submit("change", taskId="1", action="REROLL")).json["code"] == 3
    assert (await proxy.submit("action", taskId=task["id"], customId="x")).status == 404
    assert (await proxy.submit("imagine", mode="/mj-fast", prompt="x")).status == 404
    unknown = await proxy.ask("GET", "/mj/task/1/fetch")
    assert (unknown.status, unknown.body) == (200, b"")
    described = await proxy.made("describe", base64=data_url(png()))
    assert "1\ufe0f\u20e3" in described["properties"]["finalPrompt"]


async def test_a_gateway_hears_late_hides_windows_and_lists_nothing(proxy: Proxy) -> None:
    proxy.dialect = "relay"
    task_id = await proxy.accepted("imagine", prompt="a red fox --v 7")
    first = await proxy.fetch(task_id)
    assert (first["status"], first["startTime"]) == ("", 0)
    proxy.later += 16
    heard = await proxy.fetch(task_id)
    assert heard["status"] == "IN_PROGRESS" and "?rand=" in heard["imageUrl"]
    proxy.later += 100
    task = await proxy.fetch(task_id)
    assert set(task["properties"]) == {"finalPrompt", "finalZhPrompt"}
    assert (await proxy.picture(task["imageUrl"])).width > 512
    opened = await proxy.press(task, "V1", enableRemix=True)
    assert opened.json["code"] == 1
    assert (await proxy.ask("GET", "/mj/task/list")).status == 404
    unknown = await proxy.ask("GET", "/mj/task/1/fetch")
    assert (unknown.status, unknown.json["description"]) == (400, "task_no_found")
    failed = await proxy.accepted("imagine", prompt="a fox [[fail:timeout]]")
    proxy.later += 100
    assert (await proxy.fetch(failed))["progress"] == "100%"
    assert (await proxy.submit("imagine", mode="/mj-turbo", prompt="x")).json["code"] == 1


@pytest.mark.parametrize(
    ("dialect", "marker", "status", "code"),
    [
        ("fork", "refuse:3", 200, 3), ("fork", "refuse:4", 200, 4), ("fork", "refuse:9", 200, 9),
        ("java", "refuse:23", 200, 23), ("java", "refuse:24", 200, 24), ("java", "nsfw", 200, 24),
        ("fork", "refuse:concurrent", 200, -1), ("fork", "refuse:queue", 200, -1), ("fork", "refuse:daily", 200, -1),
        ("relay", "refuse:30", 429, 30), ("relay", "refuse:timeout", 400, 4), ("relay", "refuse:quota", 400, 4),
    ],
)  # fmt: skip
async def test_every_documented_refusal_can_be_had(
    proxy: Proxy, dialect: str, marker: str, status: int, code: int
) -> None:
    proxy.dialect = dialect
    reply = await proxy.submit("imagine", prompt=f"a fox [[{marker}]]")
    assert (reply.status, reply.json["code"]) == (status, code)


@pytest.mark.parametrize(
    ("marker", "begins"),
    [
        ("fail:banned", "[Banned prompt"), ("fail:invalid", "[Invalid parameter]"), ("fail:timeout", "任务超时"),
        ("fail:queue", "[Queue full]"), ("fail:credits", "任务失败"), ("fail:captcha", "/captcha"),
        ("fail:Odd words", "Odd words"), ("nsfw", "可能包含敏感词"),
    ],
)  # fmt: skip
async def test_every_documented_failure_can_be_had(proxy: Proxy, marker: str, begins: str) -> None:
    task = await proxy.made(prompt=f"a fox [[{marker}]]")
    assert task["status"] == "FAILURE" and task["failReason"].startswith(begins)


async def test_a_full_line_queues_and_then_refuses(proxy: Proxy) -> None:
    codes = [(await proxy.submit("imagine", prompt=f"a fox {n} [[never]]")).json["code"] for n in range(14)]
    assert codes[0] == 1 and 22 in codes and codes[-1] == 9
    proxy.dialect = "java"
    codes = [(await proxy.submit("imagine", prompt=f"a fox {n} [[never]]")).json["code"] for n in range(14)]
    assert codes[-1] == 23


@pytest.mark.parametrize(
    ("prompt", "refused"),
    [
        ("a fox --ar 16:9 --v 7", False), ("a fox --v 7 --oref http://x/1.png --ow 100", False),
        ("a fox --niji 6 --sref 123 --sw 50", False), ("a fox --v 6.1 --cref http://x/1.png --cw 5", False),
        ("a fox --foo", True), ("a fox --chaos 101", True), ("a fox --iw 1", True), ("a fox --sw 5", True),
        ("a fox --v 9", True), ("a fox --v 8.1 --tile", True), ("a fox --v 7 --cref x", True),
        ("a fox --v 7 --q .5", True), ("a fox --v 7 --niji 7", True), ("a fox --ar wide", True),
    ],
)  # fmt: skip
def test_midjourney_reads_its_flags(prompt: str, refused: bool) -> None:
    assert (problem_of(take_apart(prompt), pictures=0) is not None) == refused


async def test_a_wrong_flag_fails_the_task_and_not_the_submit(proxy: Proxy) -> None:
    task = await proxy.made(prompt="a fox --chaos 500")
    assert task["failReason"].startswith("[Invalid parameter]")


async def test_callbacks_tell_every_change_unsigned_and_once(proxy: Proxy) -> None:
    hook = f"{proxy.origin}/hook"
    task_id = await proxy.accepted("imagine", prompt="a fox [[slow:0.5]] [[queue:0]]", notifyHook=hook, state="s")
    for _ in range(300):
        if proxy.heard and proxy.heard[-1]["status"] == "SUCCESS":
            break
        await asyncio.sleep(0.01)
    told = [task["status"] for task in proxy.heard]
    assert told[0] in {"NOT_START", "SUBMITTED"} and told[-1] == "SUCCESS" and "IN_PROGRESS" in told
    assert {task["id"] for task in proxy.heard} == {task_id}
    assert {task["state"] for task in proxy.heard} == {"s"}


async def test_buttons_must_be_the_tasks_own(proxy: Proxy) -> None:
    grid, other = await proxy.made(), await proxy.made(prompt="another fox --v 7")
    stolen = other["buttons"][0]["customId"]
    assert (await proxy.submit("action", taskId=grid["id"], customId=stolen)).json["code"] == 4
    assert (await proxy.submit("action", taskId=grid["id"], customId="MJ::BOOKMARK::x")).json["code"] == 4
    assert (await proxy.submit("action", taskId=grid["id"])).json["code"] == 4
    unknown = await proxy.submit("action", taskId="1", customId=stolen)
    assert (unknown.status, unknown.json["code"]) == (404, 3)
    running = await proxy.accepted("imagine", prompt="a fox [[never]]")
    assert (await proxy.submit("action", taskId=running, customId=stolen)).json["code"] == 4
