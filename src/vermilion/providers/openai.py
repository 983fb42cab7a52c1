"""OpenAI's image API, and whatever speaks it: gateways, relays, deployments at Azure.

One call makes the pictures and answers with them; there is no job to ask about, and a lost answer cannot be had
again. With pictures given the call is an edit. Facts: OpenAI's API reference and its Python client.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

import aiohttp

from vermilion.providers import openai_errors, pictures_answer
from vermilion.providers.contract import Ambiguity, Call, Done, InputFile, Pending, Probe, Ticket
from vermilion.providers.credential import CredentialField, LocalText, Login, address_field, filled_in
from vermilion.providers.errors import (
    Ambiguous,
    Broke,
    Drifted,
    NotInstalled,
    ProviderError,
    Rejected,
)
from vermilion.providers.masks import as_transparency
from vermilion.providers.wire import Answer, Wire

_NOT_IN_EDITS = frozenset({"moderation"})
_ONLY_IN_EDITS = frozenset({"input_fidelity"})
_RESOLVED = ("size", "quality", "background", "output_format")
"""What the answer says was chosen where the request left it open."""
_PICTURE_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


class Adapter:
    """The image API through one credential."""

    name: ClassVar[str] = "openai"
    title: ClassVar[str] = "OpenAI"
    credential_fields: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(
            "key",
            LocalText("API key", "API 密钥"),
            secret=True,
            help=LocalText("OpenAI's own, or that of a gateway.", "OpenAI 官方密钥，或网关的密钥。"),
        ),
        address_field(
            LocalText(
                "Up to and including the version; a gateway's ends in /v1 as well.",
                "写到版本号为止；网关地址通常也以 /v1 结尾。",
            ),
            "https://api.openai.com/v1",
        ),
        CredentialField("organization", LocalText("Organization", "组织"), required=False),
        CredentialField("project", LocalText("Project", "项目"), required=False),
        CredentialField(
            "api_version",
            LocalText("Azure API version", "Azure API 版本"),
            required=False,
            help=LocalText("Only for deployments at Azure.", "仅用于 Azure 部署。"),
        ),
        CredentialField(
            "model_names",
            LocalText("Names of models", "模型名称对照"),
            required=False,
            help=LocalText(
                "Where this address calls models otherwise: ours=theirs, separated by commas.",
                "该地址对模型另有叫法时填写：本站名称=对方名称，用逗号分隔。",
            ),
        ),
    )
    ambiguity: ClassVar[Ambiguity] = Ambiguity.NONE
    max_concurrent_default: ClassVar[int] = 4

    def __init__(self, login: Login, wire: Wire) -> None:
        fields = filled_in(self.credential_fields, login.fields)
        self._key = fields["key"]
        self._base = fields["base_url"].rstrip("/")
        self._account = {"OpenAI-Organization": fields["organization"], "OpenAI-Project": fields["project"]}
        self._api_version = fields["api_version"]
        self._model_names = fields["model_names"]
        self._wire = wire

    async def submit(self, call: Call) -> Done:
        """Have the pictures made, by words or from pictures; the answer is the result."""
        model = pictures_answer.model_named(self._model_names, call.endpoint)
        if call.options.get("named_by_credential") and model == call.endpoint:
            raise NotInstalled("No credential says yet which model this is; an admin can name it there.")
        body = _body(call, model)
        content = {"data": await _form(call, body)} if call.inputs else {"body": body}
        path = "images/edits" if call.inputs else "images/generations"
        try:
            answer = await self._ask("POST", self._address(path, model), effect=True, **content)
        except Drifted as error:
            raise Ambiguous("The pictures were made and are too large to be read.") from error
        if not answer.ok:
            raise openai_errors.refused(answer)
        return await _result(answer, call)

    async def check(self, ticket: Ticket) -> Pending | Done:
        """There is nothing to ask about: every call ends with its answer."""
        raise Broke("This provider answers at once and keeps no jobs.", again=False)

    async def probe(self) -> Probe:
        """Ask for the list of models, or for a picture of nothing: neither costs anything, both need the key."""
        path = "openai/models" if self._api_version else "models"
        try:
            answer = await self._ask("GET", f"{self._base}/{path}")
            if answer.ok and isinstance(answer.json(), dict):
                return Probe()
            if answer.status in {404, 405}:
                # A gateway without such a list: it cannot make anything of an empty request, and says so to a good key.
                answer = await self._ask("POST", self._address("images/generations", "none"), body={})
                if pictures_answer.key_is_known(answer):
                    return Probe()
            problem: ProviderError = openai_errors.refused(answer)
        except ProviderError as error:
            problem = error
        told = f" ({problem.vendor_message})" if problem.vendor_message else ""
        return Probe(problem=f"{problem.message}{told}")

    def _address(self, path: str, model: str) -> str:
        return f"{self._base}/openai/deployments/{model}/{path}" if self._api_version else f"{self._base}/{path}"

    async def _ask(self, method: str, url: str, *, effect: bool = False, **content: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        if self._api_version:
            headers = {"api-key": self._key, "Accept": "application/json"}
        headers |= {name: value for name, value in self._account.items() if value}
        return await self._wire.request(
            method,
            url,
            effect=effect,
            headers=headers,
            query={"api-version": self._api_version} if self._api_version else None,
            total_timeout_seconds=pictures_answer.TIMEOUT_SECONDS if effect else 30.0,
            answer_max_bytes=pictures_answer.ANSWER_MAX_BYTES,
            **content,
        )


def _body(call: Call, model: str) -> dict[str, Any]:
    dropped = _NOT_IN_EDITS if call.inputs else _ONLY_IN_EDITS
    body: dict[str, Any] = {"model": model, "prompt": call.prompt}
    body |= {name: value for name, value in call.params.items() if name not in dropped}
    body |= call.options.get("body", {})
    size = body.get("size")
    if isinstance(size, Mapping):
        body["size"] = f"{size['width']}x{size['height']}"
    return body


async def _form(call: Call, body: Mapping[str, Any]) -> aiohttp.FormData:
    """The body of an edit: text fields, the pictures in order, the mask (transparent where to change)."""
    forms = call.options["inputs"]
    pictures = [given for given in call.inputs if forms[given.role]["list"]]
    others = [given for given in call.inputs if not forms[given.role]["list"]]
    if not pictures:
        raise Rejected("A mask says where to change a picture, and there is no picture.")
    form = aiohttp.FormData()
    for name, value in body.items():
        form.add_field(name, str(value).lower() if isinstance(value, bool) else str(value))
    for given in pictures:
        # A single picture is `image` everywhere; several are `image[]`, as OpenAI's own clients send them.
        wire = forms[given.role]["wire"]
        _add_file(form, wire if len(pictures) == 1 else f"{wire}[]", given, await given.read())
    for given in others:
        _add_file(form, forms[given.role]["wire"], given, await asyncio.to_thread(as_transparency, await given.read()))
    return form


def _add_file(form: aiohttp.FormData, name: str, given: InputFile, content: bytes) -> None:
    form.add_field(name, content, filename=given.filename, content_type=given.content_type)


async def _result(answer: Answer, call: Call) -> Done:
    """The pictures of an answer, in order. Raises `Ambiguous` for one that cannot be understood."""
    body = await pictures_answer.read(answer)
    items = body.get("data")
    if not isinstance(items, list):
        if body.get("error") is not None:
            raise openai_errors.failed_within(body)
        raise Ambiguous("The provider's answer is not the expected one.", vendor_message=answer.text(200))
    resolved = {name: body[name] for name in _RESOLVED if isinstance(body.get(name), str)}
    content_type = _PICTURE_TYPES.get(str(resolved.get("output_format", call.params.get("output_format"))))
    found = [await pictures_answer.picture_in(item, content_type) for item in items]
    outputs = tuple(output for output in found if output is not None)
    if not items:
        raise Broke("The provider finished without making anything.", again=False)
    if not outputs:
        raise Ambiguous("The provider's answer holds no picture that can be read.", vendor_message=answer.text(200))
    facts: dict[str, Any] = dict(resolved)
    usage = body.get("usage")
    if isinstance(usage, dict):
        facts["usage"] = {name: value for name, value in usage.items() if isinstance(value, int)}
    revised = [item["revised_prompt"] for item in items if isinstance(item, dict) and item.get("revised_prompt")]
    if revised:
        facts["revised_prompt"] = str(revised[0])[:4000]
    return Done(outputs, facts)
