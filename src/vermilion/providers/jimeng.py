"""Jimeng, three ways: Volcengine's own signed API, relays that pass it on for a key, and aggregator gateways.

Official and relay share the body and the addresses (`?Action=…`); a relay answers look-ups from its own records, in
the same wrapper as an aggregator. Nothing here is idempotent and nothing can be listed: a submit whose answer was lost
stays uncertain. Films can be fetched for one hour, pictures for a day. Facts: Jimeng's pages at Volcengine, and the
code of gateways and their callers.
"""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from yarl import URL

from vermilion.providers import jimeng_bodies, jimeng_errors, jimeng_results, jimeng_signing
from vermilion.providers.contract import Ambiguity, Call, Done, Pending, Probe, Ticket
from vermilion.providers.credential import (
    CredentialField,
    LocalText,
    Login,
    address_field,
    choice_field,
    filled_in,
)
from vermilion.providers.errors import Ambiguous, Broke, Drifted, Misconfigured, ProviderError, Throttled
from vermilion.providers.wire import Answer, Wire

Protocol = Literal["volcengine", "relay", "gateway"]
Action = Literal["CVSync2AsyncSubmitTask", "CVSync2AsyncGetResult"]

VERSION = "2022-08-31"
_UNKNOWN_JOB = 50215
"""What Jimeng may say of a job id that is none: it heard the question, so the keys are good."""

FIELDS = (
    CredentialField(
        "access_key",
        LocalText("Access Key ID", "Access Key ID"),
        required=False,
        help=LocalText("From Volcengine's console, for the official API.", "火山引擎控制台获取，用于官方接口。"),
    ),
    CredentialField(
        "secret_key",
        LocalText("Secret Access Key", "Secret Access Key"),
        secret=True,
        required=False,
        help=LocalText("As it was issued, with its final ==.", "按控制台显示的原样填写，包括结尾的 ==。"),
    ),
    CredentialField(
        "session_token",
        LocalText("Session token", "临时凭证 Token"),
        secret=True,
        required=False,
        help=LocalText("Only for temporary keys.", "仅临时密钥需要。"),
    ),
    CredentialField(
        "api_key",
        LocalText("Gateway key", "网关密钥"),
        secret=True,
        required=False,
        help=LocalText(
            "For a gateway or relay, instead of the pair above.", "使用网关或中转站时填写，代替上面的密钥对。"
        ),
    ),
    address_field(
        LocalText("Volcengine's own, or your gateway's.", "火山引擎官方地址，或网关地址。"),
        "https://visual.volcengineapi.com",
    ),
    choice_field(
        "protocol",
        LocalText("Protocol", "协议"),
        LocalText(
            "By the keys: a pair of keys means Volcengine, a gateway key a gateway. "
            "Relays make films only, gateways only those that begin from words or one picture.",
            "按密钥判断：填了密钥对时为火山引擎，只填网关密钥时为网关。"
            "中转站只能生成视频，网关只支持文生视频和首帧图生视频。",
        ),
        {
            "auto": LocalText("By the keys", "按密钥判断"),
            "volcengine": LocalText("Volcengine", "火山引擎"),
            "relay": LocalText("Relay, takes ?Action=…", "中转站（?Action=… 形式）"),
            "gateway": LocalText("Gateway, /jimeng/submit/videos", "网关（/jimeng/submit/videos）"),
        },
    ),
)


class Adapter:
    """Jimeng through one credential."""

    name: ClassVar[str] = "jimeng"
    title: ClassVar[str] = "Jimeng"
    credential_fields: ClassVar[tuple[CredentialField, ...]] = FIELDS
    ambiguity: ClassVar[Ambiguity] = Ambiguity.NONE
    max_concurrent_default: ClassVar[int] = 2
    """What a paying account was seen to run at once; trial accounts run one."""

    now = staticmethod(time.time)
    """Unix seconds; requests are signed at this moment."""

    def __init__(self, login: Login, wire: Wire) -> None:
        fields = filled_in(FIELDS, login.fields)
        self._fields = fields
        self._base = fields["base_url"].rstrip("/")
        self._wire = wire

    async def submit(self, call: Call) -> Ticket:
        """Post the job. Its answer names it; nothing else ever will."""
        protocol = self._protocol()
        if protocol == "gateway":
            body = jimeng_bodies.gateway_body(call)
        else:
            body = await jimeng_bodies.visual_body(call, films_only=protocol == "relay")
        try:
            if protocol == "gateway":
                answer = await self._gateway("POST", "/jimeng/submit/videos", effect=True, body=body)
            else:
                answer = await self._visual("CVSync2AsyncSubmitTask", body, effect=True)
        except Drifted as error:
            raise Ambiguous("The reply to a new job was too large to read.") from error
        task_id = _task_id(answer)
        if task_id is None:
            raise jimeng_errors.refused_submit(answer, call.makes)
        return Ticket(task_id, {"endpoint": call.endpoint, "makes": call.makes})

    async def check(self, ticket: Ticket) -> Pending | Done:
        """Ask how the job is."""
        answer = await self._look_up(ticket.id, str(ticket.data.get("endpoint", "")), str(ticket.data.get("makes", "")))
        said = jimeng_errors.said_in(answer)
        if not answer.ok or said.body is None or not said.succeeded:
            raise jimeng_errors.unanswered(answer)
        data = said.body.get("data")
        # Which of the two shapes it is shows in the answer itself; some relays pass Jimeng's own on.
        if said.number == jimeng_errors.SUCCESS:
            return jimeng_results.read_visual(data)
        return jimeng_results.read_task(data)

    async def probe(self) -> Probe:
        """Ask about a job that never was: it costs nothing, and only good keys are told that there is none."""
        try:
            answer = await self._look_up("0", "jimeng_t2v_v30", "video")
            said = jimeng_errors.said_in(answer)
            problem = jimeng_errors.unanswered(answer)
        except ProviderError as error:
            return Probe(problem=error.message)
        if self._protocol() == "volcengine":
            works = said.number in {jimeng_errors.SUCCESS, _UNKNOWN_JOB}
        else:
            # A 404 in words may only mean that no such route exists; that a job does not exist is a word of its own.
            works = (answer.status in {200, 400} and said.spoken) or isinstance(problem, Broke)
        if (works and not isinstance(problem, Misconfigured)) or isinstance(problem, Throttled):
            return Probe()
        told = f" ({problem.vendor_message})" if problem.vendor_message else ""
        return Probe(problem=f"{problem.message}{told}")

    async def _look_up(self, task_id: str, endpoint: str, makes: str) -> Answer:
        if self._protocol() == "gateway":
            return await self._gateway("GET", f"/jimeng/fetch/{quote(task_id, safe='')}")
        return await self._visual("CVSync2AsyncGetResult", jimeng_bodies.question(endpoint, task_id, makes))

    async def _visual(self, action: Action, body: Mapping[str, Any], *, effect: bool = False) -> Answer:
        raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        relay = self._protocol() == "relay"
        address = f"{self._base}/jimeng/" if relay else f"{self._base}/"
        url = URL(address).with_query(Action=action, Version=VERSION)
        if relay:
            headers = {"Authorization": f"Bearer {self._key('api_key')}", "Content-Type": jimeng_signing.CONTENT_TYPE}
        else:
            pair = jimeng_signing.AccessKey(
                self._key("access_key"), self._key("secret_key"), self._fields["session_token"]
            )
            headers = jimeng_signing.sign(pair, url, raw, datetime.fromtimestamp(self.now(), UTC))
        return await self._wire.request("POST", str(url), effect=effect, headers=headers, data=raw)

    async def _gateway(self, method: str, path: str, *, effect: bool = False, body: Any = None) -> Answer:
        headers = {"Authorization": f"Bearer {self._key('api_key')}", "Accept": "application/json"}
        return await self._wire.request(method, self._base + path, effect=effect, headers=headers, body=body)

    def _protocol(self) -> Protocol:
        match self._fields["protocol"].lower():
            case "volcengine":
                return "volcengine"
            case "relay":
                return "relay"
            case "gateway":
                return "gateway"
            case "auto" | "":
                return "volcengine" if self._fields["access_key"] or not self._fields["api_key"] else "gateway"
        raise Misconfigured("The protocol must be auto, volcengine, relay or gateway.")

    def _key(self, name: str) -> str:
        if not self._fields[name]:
            raise Misconfigured(f"The credential has no {name}, which its protocol needs.")
        return self._fields[name]


def _task_id(answer: Answer) -> str | None:
    """The id of a new job in any of the replies that were seen; None when there is none."""
    said = jimeng_errors.said_in(answer)
    body = said.body
    if not answer.ok or body is None or not (said.succeeded or "code" not in body):
        return None
    data = body.get("data", body)
    found = data.get("task_id") or data.get("id") if isinstance(data, dict) else data
    # Numbers beyond 2^53 come as text; one that came as a number may already be wrong.
    return found if isinstance(found, str) and 0 < len(found) <= 200 else None
