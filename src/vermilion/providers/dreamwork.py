"""DreamWork: Seedream and SeedEdit, at Volcengine Ark itself or behind a gateway in OpenAI's style.

The body is the same at both; only the address, the free question that tests a key, and the form of results differ.
One call makes the pictures and answers with them; a lost answer cannot be had again, and asking again is a new picture.
Facts: Ark's API pages, its official client's types.
"""

from typing import Any, ClassVar
from urllib.parse import urlsplit

from vermilion.providers import dreamwork_errors, pictures_answer
from vermilion.providers.contract import Ambiguity, Call, Done, Output, Pending, Probe, Ticket
from vermilion.providers.credential import CredentialField, LocalText, Login, address_field, filled_in
from vermilion.providers.dreamwork_body import body_of
from vermilion.providers.errors import Ambiguous, Broke, Drifted, ProviderError
from vermilion.providers.wire import Answer, Wire

_ARK_PATH = "/api/v3"
_ARK_HOSTS = ("volces.com", "volcengineapi.com", "bytepluses.com")
_GATEWAY_PATH = "/v1"


class Adapter:
    """Seedream and SeedEdit through one credential."""

    name: ClassVar[str] = "dreamwork"
    title: ClassVar[str] = "DreamWork (Seedream)"
    credential_fields: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(
            "key",
            LocalText("API key", "API 密钥"),
            secret=True,
            help=LocalText(
                "From the Ark console at Volcengine, or that of a gateway.", "在火山方舟控制台获取，或填写网关的密钥。"
            ),
        ),
        address_field(
            LocalText(
                "Ark's own ends in /api/v3, a gateway's in /v1.", "方舟官方地址以 /api/v3 结尾，网关地址以 /v1 结尾。"
            ),
            "https://ark.cn-beijing.volces.com/api/v3",
        ),
        CredentialField(
            "model_names",
            LocalText("Names of models", "模型名称对照"),
            required=False,
            help=LocalText(
                "Where models have other names, or are endpoints of your own: ours=ep-…, separated by commas.",
                "该地址对模型另有叫法，或使用自建推理接入点时填写：模型名=ep-…，用逗号分隔。",
            ),
        ),
    )
    ambiguity: ClassVar[Ambiguity] = Ambiguity.NONE
    max_concurrent_default: ClassVar[int] = 5

    def __init__(self, login: Login, wire: Wire) -> None:
        fields = filled_in(self.credential_fields, login.fields)
        self._key = fields["key"]
        self._base = _complete_address(fields["base_url"])
        self._is_ark = self._base.endswith(_ARK_PATH)
        self._model_names = fields["model_names"]
        self._wire = wire

    async def submit(self, call: Call) -> Done:
        """Have the pictures made; the answer is the result."""
        model = pictures_answer.model_named(self._model_names, call.endpoint)
        # Addresses end after a day, so Ark puts pictures into its answer; not every gateway knows how to.
        body = await body_of(call, model, response_format="b64_json" if self._is_ark else "url")
        try:
            answer = await self._ask("POST", f"{self._base}/images/generations", effect=True, body=body)
        except Drifted as error:
            raise Ambiguous("The pictures were made and are too large to be read.") from error
        if not answer.ok:
            raise dreamwork_errors.refused(answer)
        return await _result(answer, call)

    async def check(self, ticket: Ticket) -> Pending | Done:
        """There is nothing to ask about: every call ends with its answer."""
        raise Broke("This provider answers at once and keeps no jobs.", again=False)

    async def probe(self) -> Probe:
        """Ask Ark for a list of video tasks, a gateway for its models or a picture of nothing: all are free."""
        try:
            if self._is_ark:
                query = {"page_num": "1", "page_size": "1"}
                answer = await self._ask("GET", f"{self._base}/contents/generations/tasks", query=query)
            else:
                answer = await self._ask("GET", f"{self._base}/models")
            if answer.ok and isinstance(answer.json(), dict):
                return Probe()
            if answer.status in {404, 405} and not self._is_ark:
                # A gateway without such a list: it cannot make anything of an empty request, and says so to a good key.
                answer = await self._ask("POST", f"{self._base}/images/generations", body={})
                if pictures_answer.key_is_known(answer):
                    return Probe()
            problem: ProviderError = dreamwork_errors.refused(answer)
        except ProviderError as error:
            problem = error
        told = f" ({problem.vendor_message})" if problem.vendor_message else ""
        return Probe(problem=f"{problem.message}{told}")

    async def _ask(self, method: str, url: str, *, effect: bool = False, **content: Any) -> Answer:
        return await self._wire.request(
            method,
            url,
            effect=effect,
            headers={"Authorization": f"Bearer {self._key}", "Accept": "application/json"},
            total_timeout_seconds=pictures_answer.TIMEOUT_SECONDS if effect else 30.0,
            answer_max_bytes=pictures_answer.ANSWER_MAX_BYTES,
            **content,
        )


def _complete_address(given: str) -> str:
    """The address up to its version; one without a path gets the one that is usual there."""
    address = given.rstrip("/")
    parts = urlsplit(address)
    if parts.path:
        return address
    official = (parts.hostname or "").endswith(_ARK_HOSTS)
    return address + (_ARK_PATH if official else _GATEWAY_PATH)


async def _result(answer: Answer, call: Call) -> Done:
    """The pictures of an answer, in order; of a series some may have failed. Raises as the first that did."""
    body = await pictures_answer.read(answer)
    items = body.get("data")
    if not isinstance(items, list):
        if body.get("error") is not None:
            raise dreamwork_errors.failed_within(body)
        raise Ambiguous("The provider's answer is not the expected one.", vendor_message=answer.text(200))
    content_type = f"image/{call.params.get('output_format', 'jpeg')}"
    outputs: list[Output] = []
    errors: list[dict[str, Any]] = []
    for item in items:
        output = await pictures_answer.picture_in(item, content_type)
        if output is not None:
            outputs.append(output)
        elif isinstance(item, dict) and item.get("error") is not None:
            errors.append(item)
    if not outputs:
        if errors or body.get("error") is not None:
            raise dreamwork_errors.failed_within(errors[0] if errors else body)
        if not items:
            raise Broke("The provider finished without making anything.", again=False)
        raise Ambiguous("The provider's answer holds no picture that can be read.", vendor_message=answer.text(200))
    facts: dict[str, Any] = {}
    usage = body.get("usage")
    if isinstance(usage, dict):
        facts["usage"] = {name: value for name, value in usage.items() if isinstance(value, int)}
    sizes = [item["size"] for item in items if isinstance(item, dict) and isinstance(item.get("size"), str)]
    if sizes:
        facts["size"] = sizes[0][:40]
    return Done(tuple(outputs), facts)
