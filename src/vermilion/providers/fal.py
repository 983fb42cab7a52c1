"""fal.ai: its queue, and gateways that speak the same protocol.

A job is posted to `{base}/{model}`; the reply names the addresses to ask at. `COMPLETED` means success, failure and
cancellation alike: only the result tells. Facts: fal's documentation, its Python and JavaScript clients.
"""

import base64
import time
from collections.abc import Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from yarl import URL

from vermilion.providers import fal_errors, fal_probe, fal_results, fal_webhook
from vermilion.providers.contract import Ambiguity, Call, Callback, Canceled, Done, InputFile, Pending, Probe, Ticket
from vermilion.providers.credential import CredentialField, LocalText, Login, choice_field, filled_in
from vermilion.providers.errors import Ambiguous, Drifted, Misconfigured, Unreachable
from vermilion.providers.wire import Answer, Wire

INLINE_MAX_BYTES = 256 * 1024
"""Smaller inputs travel inside the request; larger ones are uploaded first."""
UPLOAD_TIMEOUT_SECONDS = 180.0

_SCHEMES = ("Key", "Bearer")

_CANCEL_WORDS = {
    "OK": Canceled.STOPPED,
    "CANCELLATION_REQUESTED": Canceled.REQUESTED,
    "ALREADY_COMPLETED": Canceled.TOO_LATE,
    "NOT_FOUND": Canceled.UNKNOWN,
}
_CANCEL_STATUSES = {200: Canceled.REQUESTED, 202: Canceled.REQUESTED, 204: Canceled.REQUESTED, 400: Canceled.TOO_LATE}


class Adapter:
    """fal's queue through one credential."""

    name: ClassVar[str] = "fal"
    title: ClassVar[str] = "fal.ai"
    credential_fields: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(
            "key",
            LocalText("API key", "API 密钥"),
            secret=True,
            help=LocalText("From your dashboard at fal.ai.", "在 fal.ai 控制台获取。"),
        ),
        CredentialField(
            "base_url",
            LocalText("Queue address", "队列地址"),
            default="https://queue.fal.run",
            help=LocalText("fal's own, or a compatible gateway.", "fal 官方地址，或兼容网关。"),
        ),
        choice_field(
            "scheme",
            LocalText("Word before the key", "密钥前缀"),
            LocalText("Key at fal; some gateways want Bearer.", "fal 官方为 Key，部分网关要求 Bearer。"),
            {word: LocalText(word, word) for word in _SCHEMES},
        ),
        CredentialField(
            "rest_url",
            LocalText("Storage address", "存储地址"),
            default="https://rest.fal.ai",
            help=LocalText("For uploads and the keys that sign callbacks.", "用于上传文件和校验回调签名。"),
        ),
        CredentialField(
            "platform_url",
            LocalText("Platform address", "平台地址"),
            required=False,
            help=LocalText(
                "To show the balance, with an admin key: https://api.fal.ai/v1",
                "用于显示余额，需要管理员密钥：https://api.fal.ai/v1",
            ),
        ),
    )
    ambiguity: ClassVar[Ambiguity] = Ambiguity.NONE
    max_concurrent_default: ClassVar[int] = 2
    """What a new account at fal may run at once."""

    now = staticmethod(time.time)
    """Unix seconds; only the age of callbacks depends on it."""

    def __init__(self, login: Login, wire: Wire) -> None:
        fields = filled_in(self.credential_fields, login.fields)
        self._key = fields["key"]
        self._scheme = fields["scheme"]
        self._base = fields["base_url"].rstrip("/")
        self._rest = fields["rest_url"].rstrip("/")
        self._platform = fields["platform_url"].rstrip("/")
        self._insecure_uploads = login.allow_private_hosts
        self._wire = wire

    async def submit(self, call: Call) -> Ticket:
        """Upload the inputs, then post the job: the only request here that has an effect worth money."""
        body = dict(call.params)
        if call.prompt and "prompt" in call.options:
            body[call.options["prompt"]] = call.prompt
        for given in call.inputs:
            form = call.options["inputs"][given.role]
            try:
                url = await self._hand_over(given)
            except Drifted as error:
                # No job was posted yet, so nothing is in doubt.
                raise Unreachable(error.message, vendor_message=error.vendor_message) from error
            if form["list"]:
                body.setdefault(form["wire"], []).append(url)
            else:
                body[form["wire"]] = url
        query = {"fal_webhook": call.callback_url} if call.callback_url else None
        try:
            answer = await self._ask("POST", f"{self._base}/{call.endpoint}", effect=True, query=query, body=body)
        except Drifted as error:
            raise Ambiguous("fal's reply to a new job was too large to read.") from error
        if not answer.ok:
            raise fal_errors.refused_submit(answer)
        return self._ticket(call, answer)

    async def check(self, ticket: Ticket) -> Pending | Done:
        """Ask for the status and, once completed, for the result."""
        answer = await self._ask("GET", self._address(ticket, "status"))
        if not answer.ok:
            raise fal_errors.unanswered(answer)
        state = _table(answer)
        match state.get("status"):
            case "IN_QUEUE":
                place = state.get("queue_position")
                known = isinstance(place, int) and not isinstance(place, bool) and place >= 0
                return Pending(False, queue_position=place if known else None)
            case "IN_PROGRESS":
                return Pending(True)
            case "COMPLETED":
                return await self._result(ticket, state)
        raise Drifted("fal names a status this house does not know.", vendor_message=answer.text(200))

    async def cancel(self, ticket: Ticket) -> Canceled:
        """Ask fal to stop; a running model may ignore it."""
        answer = await self._ask("PUT", self._address(ticket, "cancel"))
        try:
            body = answer.json()
        except Drifted:
            body = None
        word = body.get("status") if isinstance(body, dict) else None
        if isinstance(word, str) and word in _CANCEL_WORDS:
            return _CANCEL_WORDS[word]
        if answer.status == 404:
            return Canceled.UNKNOWN
        if answer.status in _CANCEL_STATUSES:
            return _CANCEL_STATUSES[answer.status]
        raise fal_errors.unanswered(answer)

    async def read_callback(self, headers: Mapping[str, str], body: bytes) -> Callback:
        """Verify fal's signature and age, then read which job it speaks of.

        fal does not say which model; a ticket from here needs the `endpoint` of its call before it can be checked.
        """
        await fal_webhook.verify(self._wire, f"{self._rest}/.well-known/jwks.json", headers, body, self.now())
        return Callback(Ticket(fal_webhook.read(body)))

    async def probe(self) -> Probe:
        """Whether the key works, and what is left where the platform's address is filled in. It costs nothing."""
        return await fal_probe.probe(self._ask, base=self._base, rest=self._rest, platform=self._platform)

    async def _ask(self, method: str, url: str, *, effect: bool = False, **content: Any) -> Answer:
        if not self._key:
            raise Misconfigured("The credential has no key.")
        if self._scheme not in _SCHEMES:
            raise Misconfigured(f"The word before the key must be one of {', '.join(_SCHEMES)}.")
        headers = {"Authorization": f"{self._scheme} {self._key}", "Accept": "application/json"}
        return await self._wire.request(method, url, effect=effect, headers=headers, **content)

    async def _hand_over(self, given: InputFile) -> str:
        """A URL under which fal finds the file: inline when small, uploaded otherwise."""
        content = await given.read()
        if len(content) <= INLINE_MAX_BYTES:
            return f"data:{given.content_type};base64,{base64.b64encode(content).decode()}"
        answer = await self._ask(
            "POST",
            f"{self._rest}/storage/upload/initiate",
            query={"storage_type": "fal-cdn-v3"},
            body={"content_type": given.content_type, "file_name": given.filename},
        )
        if not answer.ok:
            raise fal_errors.not_uploaded(answer)
        places = _table(answer)
        upload_url, file_url = str(places.get("upload_url")), str(places.get("file_url"))
        allowed = ("https://", "http://") if self._insecure_uploads else ("https://",)
        if not upload_url.startswith(allowed) or not file_url.startswith(allowed):
            raise Drifted("fal named no safe place to upload to.", vendor_message=answer.text(200))
        # The address itself is the permission; the key stays here.
        put = await self._wire.request(
            "PUT",
            upload_url,
            headers={"Content-Type": given.content_type},
            data=content,
            total_timeout_seconds=UPLOAD_TIMEOUT_SECONDS,
        )
        if not put.ok:
            raise fal_errors.not_uploaded(put)
        return file_url

    def _ticket(self, call: Call, answer: Answer) -> Ticket:
        try:
            reply = _table(answer)
        except Drifted as error:
            raise Ambiguous("fal took the job and its reply could not be read.") from error
        request_id = reply.get("request_id") or reply.get("gateway_request_id")
        if not isinstance(request_id, str) or len(request_id) > 200:
            raise Ambiguous("fal's reply to a new job does not name it.", vendor_message=answer.text(200))
        urls = {f"{what}_url": reply.get(f"{what}_url") for what in ("status", "response", "cancel")}
        kept = {name: url for name, url in urls.items() if isinstance(url, str) and len(url) <= 1000}
        return Ticket(request_id, {"endpoint": call.endpoint, **kept})

    def _address(self, ticket: Ticket, what: Literal["status", "response", "cancel"]) -> str:
        """Where to ask: the address fal gave, or, if that is not on the credential's own host, the documented one.

        The key goes to no other host, whatever a reply says.
        """
        given = ticket.data.get(f"{what}_url", "")
        try:
            if URL(given).origin() == URL(self._base).origin():
                return str(given)
        except (ValueError, TypeError):
            pass
        parts = str(ticket.data.get("endpoint", "")).split("/")
        app = "/".join(parts[: 3 if parts[0] in {"workflows", "comfy"} else 2])
        if "/" not in app:
            raise Drifted("The ticket does not say which model the job belongs to.")
        tail = "" if what == "response" else f"/{what}"
        return f"{self._base}/{app}/requests/{quote(ticket.id, safe='')}{tail}"

    async def _result(self, ticket: Ticket, state: Mapping[str, Any]) -> Pending | Done:
        answer = await self._ask("GET", self._address(ticket, "response"))
        if answer.status == 400 and "still in progress" in answer.text().lower():
            return Pending(True)
        failed = bool(state.get("error") or state.get("error_type"))
        if answer.status >= 500 and not failed:
            # The job may well have its pictures, and only this answer went wrong.
            raise Unreachable(f"fal answered {answer.status} instead of the result.", vendor_message=answer.text(200))
        if not answer.ok:
            raise fal_errors.failed_job(fal_errors.complaint_of(answer), answer)
        if failed:
            raise fal_errors.failed_job(fal_errors.complaint_in(500, state, {}), answer)
        metrics = state.get("metrics")
        seconds = metrics.get("inference_time") if isinstance(metrics, dict) else None
        facts = {"inference_seconds": seconds} if isinstance(seconds, int | float) else {}
        return fal_results.read_result(_table(answer), facts)


def _table(answer: Answer) -> dict[str, Any]:
    body = answer.json()
    if not isinstance(body, dict):
        raise Drifted("fal answered with JSON that is not an object.", vendor_message=answer.text(200))
    return body
