"""The seven vendors' scenes, each in its vendor's own words."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import io
import json
import time
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

import aiohttp
from PIL import Image

from vermilion.sandbox.vendor import vendors

from .conftest import SCHNELL, Reply
from .scenes import Place, Scene
from .test_comfyui import graph

_LOGINS = {name: vendor.default_secrets for name, vendor in vendors().items()}


class Fal(Scene):
    name = "fal"
    ends = ("COMPLETED", "Request not found")
    model = SCHNELL
    body: ClassVar[Mapping[str, Any]] = {"image_size": "square"}

    async def submit(self, prompt: str, *, count: int = 1, hook: str | None = None) -> Reply:
        body = {**self.body, "prompt": prompt, "num_images": count}
        query = {"fal_webhook": hook} if hook else {}
        return await self.ask("POST", f"/fal/{self.model}", json=body, params=query)

    def ticket(self, reply: Reply) -> Any:
        return reply.json["status_url"], reply.json["response_url"], reply.json["cancel_url"]

    async def look(self, ticket: Any) -> Reply:
        return await self.ask("GET", ticket[0])

    async def result(self, ticket: Any) -> Reply:
        return await self.ask("GET", ticket[1])

    def word(self, reply: Reply) -> str:
        return str(reply.json.get("status") or reply.json["detail"])

    def made(self, body: Any) -> list[str]:
        return [image["url"] for image in body["images"]]

    async def ask(self, method: str, path: str, **more: Any) -> Reply:
        return await self.sandbox.ask(method, path, **more)

    async def probe(self) -> Reply:
        return await self.ask("GET", "/fal/platform/account/billing")

    async def places(self) -> Mapping[str, Place]:
        going = dict(await super().places())
        ticket = self.ticket(await self.submit("a heron [[slow:60]]"))
        named = {"file_name": "a.txt", "content_type": "text/plain"}
        going["cancel"] = lambda: self.ask("PUT", ticket[2])
        going["upload"] = lambda: self.ask("POST", "/fal/rest/storage/upload/initiate", json=named)
        return going


class AtOnce(Scene):
    asks = False
    base: ClassVar[str]
    free: ClassVar[str]
    body: ClassVar[Mapping[str, Any]]

    async def ask(self, method: str, path: str, **more: Any) -> Reply:
        key = {"Authorization": f"Bearer {_LOGINS[self.name]['key']}"}
        return await self.sandbox.ask(method, path, key=False, headers={**key, **more.pop("headers", {})}, **more)

    async def submit(self, prompt: str, *, count: int = 1, hook: str | None = None) -> Reply:
        body = {**self.body, **self.several(count), "prompt": prompt}
        return await self.ask("POST", f"/{self.name}{self.base}/images/generations", json=body)

    def several(self, count: int) -> dict[str, Any]:
        return {"n": count}

    def made(self, body: Any) -> list[str]:
        return [str(item.get("url") or item["b64_json"]) for item in body["data"]]

    async def probe(self) -> Reply:
        return await self.ask("GET", f"/{self.name}{self.base}{self.free}")

    async def places(self) -> Mapping[str, Place]:
        going = dict(await super().places())
        (job,) = (await self.sandbox.jobs())[-1:]
        going["download"] = lambda: self.ask("GET", f"/{self.name}/files/{job['id']}_0.png")
        return going


class OpenAI(AtOnce):
    name, base, free = "openai", "/v1", "/models"
    body: ClassVar[Mapping[str, Any]] = {"model": "gpt-image-2", "quality": "low"}


class Gateway(OpenAI):
    base = "/relay/v1"


class DreamWork(AtOnce):
    """As the house asks it: for base64."""

    name, base, free = "dreamwork", "/api/v3", "/contents/generations/tasks"
    body: ClassVar[Mapping[str, Any]] = {
        "model": "doubao-seedream-4-0-250828", "size": "1024x1024", "watermark": False, "response_format": "b64_json",
    }  # fmt: skip

    def several(self, count: int) -> dict[str, Any]:
        options = {"sequential_image_generation_options": {"max_images": count}}
        return {"sequential_image_generation": "auto", **options} if count > 1 else {}


class Jimeng(Scene):
    """By the signed API, for pictures."""

    name = "jimeng"
    ends = ("done", "not_found", "expired", "failed")

    async def post(self, action: str, body: dict[str, Any]) -> Reply:
        path, raw = f"/jimeng/?Action=CVSync2Async{action}&Version=2022-08-31", json.dumps(body).encode()
        return await self.ask("POST", path, data=raw, headers=self._signed(path, raw))

    def _signed(self, path: str, raw: bytes) -> dict[str, str]:
        login, moment = _LOGINS["jimeng"], time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        address, digest = urlsplit(self.sandbox.origin + path), hashlib.sha256(raw).hexdigest()
        block = f"host:{address.netloc}\nx-content-sha256:{digest}\nx-date:{moment}\n"
        names, scope = "host;x-content-sha256;x-date", f"{moment[:8]}/cn-north-1/cv/request"
        request = f"POST\n{address.path}\n{address.query}\n{block}\n{names}\n{digest}"
        text = f"HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = login["secret_key"].encode()
        for part in (*scope.split("/"), text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        credential = f"Credential={login['access_key']}/{scope}"
        authorization = f"HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={key.hex()}"
        return {"X-Content-Sha256": digest, "X-Date": moment, "Authorization": authorization}

    async def submit(self, prompt: str, *, count: int = 1, hook: str | None = None) -> Reply:
        return await self.post("SubmitTask", {"req_key": "jimeng_t2i_v31", "prompt": prompt})

    def ticket(self, reply: Reply) -> Any:
        return reply.json["data"]["task_id"]

    async def look(self, ticket: Any) -> Reply:
        asked = json.dumps({"return_url": True})
        return await self.post("GetResult", {"req_key": "jimeng_t2i_v31", "task_id": ticket, "req_json": asked})

    def word(self, reply: Reply) -> str:
        return str(reply.json["data"]["status"]) if reply.json["data"] else "failed"

    def made(self, body: Any) -> list[str]:
        return [*(body["data"]["image_urls"] or body["data"]["binary_data_base64"])]

    async def probe(self) -> Reply:
        return await self.look("7300000000000000001")


class JimengGateway(Scene):
    """By an aggregator, for films."""

    name = "jimeng"
    ends = ("SUCCESS", "FAILURE", "task_not_exist")

    async def ask(self, method: str, path: str, **more: Any) -> Reply:
        key = {"Authorization": f"Bearer {_LOGINS['jimeng']['api_key']}"}
        return await self.sandbox.ask(method, path, key=False, headers=key, **more)

    async def submit(self, prompt: str, *, count: int = 1, hook: str | None = None) -> Reply:
        return await self.ask("POST", "/jimeng/jimeng/submit/videos", json={"prompt": prompt})

    def ticket(self, reply: Reply) -> Any:
        if reply.json["code"] != "success":
            raise KeyError("refused")
        return reply.json["data"]

    async def look(self, ticket: Any) -> Reply:
        return await self.ask("GET", f"/jimeng/jimeng/fetch/{ticket}")

    def word(self, reply: Reply) -> str:
        return str(reply.json["data"]["status"])

    def made(self, body: Any) -> list[str]:
        return [body["data"]["data"]["video"]]


class JimengRelay(JimengGateway):
    """By a relay, for films."""

    async def submit(self, prompt: str, *, count: int = 1, hook: str | None = None) -> Reply:
        path = "/jimeng/jimeng/?Action=CVSync2AsyncSubmitTask&Version=2022-08-31"
        return await self.ask("POST", path, json={"req_key": "jimeng_t2v_v30", "prompt": prompt})


class Kling(Scene):
    """By keys, in the first generation, for pictures."""

    name = "kling"
    ends = ("succeed", "failed", "1203")
    path = "/v1/images/generations"

    async def ask(self, method: str, path: str, **more: Any) -> Reply:
        key = {"Authorization": f"Bearer {_LOGINS['kling']['api_key']}"}
        return await self.sandbox.ask(method, path, key=False, headers=key, **more)

    async def submit(self, prompt: str, *, count: int = 1, hook: str | None = None, **more: Any) -> Reply:
        body = {"prompt": prompt, "n": count, **({"callback_url": hook} if hook else {}), **more}
        return await self.ask("POST", f"/kling{self.path}", json=body)

    def ticket(self, reply: Reply) -> Any:
        return reply.json["data"]["task_id"]

    async def look(self, ticket: Any) -> Reply:
        return await self.ask("GET", f"/kling{self.path}/{ticket}")

    def word(self, reply: Reply) -> str:
        return str(reply.json["data"]["task_status"] if "data" in reply.json else reply.json["code"])

    def made(self, body: Any) -> list[str]:
        return [image["url"] for image in body["data"]["task_result"]["images"]]

    async def probe(self) -> Reply:
        return await self.look("800000000000000001")

    async def places(self) -> Mapping[str, Place]:
        going = dict(await super().places())
        words = {"text": "Hello.", "voice_id": "AOT", "voice_language": "en"}
        going["upload"] = lambda: self.ask("POST", "/kling/v1/audio/tts", json=words)
        return going


class NewerKling(Kling):
    """By keys, in the second generation, whose callbacks are signed."""

    path = "/text-to-video/kling-3.0"

    async def submit(self, prompt: str, *, count: int = 1, hook: str | None = None, **more: Any) -> Reply:
        return await self.ask("POST", f"/kling{self.path}", json={"prompt": prompt, "options": {"callback_url": hook}})


class Midjourney(Scene):
    """By the successor."""

    name = "midjourney"
    ends = ("SUCCESS", "FAILURE", "unknown")
    door = "imagine"

    async def ask(self, method: str, path: str, **more: Any) -> Reply:
        key = {"Authorization": _LOGINS["midjourney"]["secret"]}
        return await self.sandbox.ask(method, path, key=False, headers=key, **more)

    async def submit(self, prompt: str, *, count: int = 1, hook: str | None = None) -> Reply:
        body = {"prompt": prompt, **({"notifyHook": hook} if hook else {})}
        if count > 1:
            return await self.video(prompt, count)
        return await self.ask("POST", f"/midjourney/fork/mj/submit/{self.door}", json=body)

    async def video(self, prompt: str, count: int) -> Reply:
        body = {"prompt": prompt, "image": _data_url(), "batchSize": count}
        return await self.ask("POST", "/midjourney/fork/mj/submit/video", json=body)

    def ticket(self, reply: Reply) -> Any:
        if reply.json["code"] not in {1, 22}:
            raise KeyError("refused")
        return reply.json["result"]

    async def look(self, ticket: Any) -> Reply:
        return await self.ask("GET", f"/midjourney/fork/mj/task/{ticket}/fetch")

    def word(self, reply: Reply) -> str:
        if reply.status == 204:
            return "unknown"
        return str(reply.json.get("status") or "SUCCESS")

    def made(self, body: Any) -> list[str]:
        if "videoUrls" in body:
            return [item["url"] for item in body["videoUrls"]]
        return [body["imageUrl"]] if body["imageUrl"] else []

    async def probe(self) -> Reply:
        return await self.ask("GET", "/midjourney/fork/mj/task/list")

    async def places(self) -> Mapping[str, Place]:
        going = dict(await super().places())
        ticket = self.ticket(await self.submit("a heron [[slow:60]]"))
        given = {"base64Array": [_data_url()]}
        going["cancel"] = lambda: self.ask("POST", f"/midjourney/fork/mj/task/{ticket}/cancel")
        going["upload"] = lambda: self.ask("POST", "/midjourney/fork/mj/submit/upload-discord-images", json=given)
        return going


class ComfyUI(Scene):
    """The newer server."""

    name = "comfyui"
    ends = ("success", "error", "paused", "gone")

    async def submit(self, prompt: str, *, count: int = 1, hook: str | None = None) -> Reply:
        body = {"prompt": graph(prompt, n5_batch__size=count) if count > 1 else graph(prompt)}
        body["prompt"]["5"]["inputs"].pop("batch__size", None)
        body["prompt"]["5"]["inputs"]["batch_size"] = count
        return await self.ask("POST", "/comfyui/1/prompt", json=body)

    def ticket(self, reply: Reply) -> Any:
        return reply.json["prompt_id"]

    async def look(self, ticket: Any) -> Reply:
        return await self.ask("GET", "/comfyui/1/queue")

    async def result(self, ticket: Any) -> Reply:
        return await self.ask("GET", f"/comfyui/1/history/{ticket}")

    async def follow(self, ticket: Any) -> list[str]:
        words = ["queued"]
        async with asyncio.timeout(20):
            while words[-1] not in self.ends:
                queue = (await self.look(ticket)).json
                waits = [item[1] for item in (*queue["queue_running"], *queue["queue_pending"])]
                entry = (await self.result(ticket)).json
                if entry:
                    words.append(entry[ticket]["status"]["status_str"])
                elif ticket not in waits:
                    words.append("gone")
                await asyncio.sleep(0.01)
        return words

    def made(self, body: Any) -> list[str]:
        (entry,) = body.values()
        files = [file for ui in entry["outputs"].values() for file in ui["images"]]
        return [
            f"{self.sandbox.origin}/comfyui/1/view?filename={file['filename']}&type={file['type']}" for file in files
        ]

    async def probe(self) -> Reply:
        return await self.ask("GET", "/comfyui/1/system_stats")

    async def places(self) -> Mapping[str, Place]:
        going = dict(await super().places())
        ticket = self.ticket(await self.submit("a heron [[slow:60]]"))

        async def upload() -> Reply:
            form = aiohttp.FormData()
            form.add_field("image", _png(), filename="a.png", content_type="image/png")
            return await self.ask("POST", "/comfyui/1/upload/image", data=form)

        going["cancel"] = lambda: self.ask("POST", f"/comfyui/1/api/jobs/{ticket}/cancel")
        return going | {"upload": upload}


SCENES: dict[str, type[Scene]] = {
    scene.name: scene for scene in (Fal, OpenAI, DreamWork, Jimeng, Kling, Midjourney, ComfyUI)
}


def _png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (320, 320), "teal").save(file, "PNG")
    return file.getvalue()


def _data_url() -> str:
    return "data:image/png;base64," + base64.b64encode(_png()).decode()
