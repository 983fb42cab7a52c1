"""The terms a generation goes by: what the provider is sent for it, what it costs, how it is shown meanwhile.

An `Entry` declares more than these, for judging requests and drawing forms; a `Snapshot` keeps these alone.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from vermilion.catalog.declared import Declared, Name, Words
from vermilion.catalog.price import PRICE_MAX_CREDITS, PRICE_MIN_CREDITS, Price, Quote
from vermilion.providers import Makes

Continues = Literal["nothing", "maybe", "always"]


class SentPrompt(Declared):
    """What the provider calls the words."""

    wire: Annotated[str, Field(min_length=1)] = "prompt"


class SentInput(Declared):
    """What the provider calls the files of one role; `list` says that it wants an array even for one."""

    role: Name
    wire: Annotated[str, Field(min_length=1)]
    list: bool = False


class SentParam(Declared):
    """What the provider is sent for one parameter."""

    name: Name
    wire: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    """What the provider calls it, where that is not `name`."""

    @property
    def wire_name(self) -> str:
        """What the provider calls it."""
        return self.wire or self.name

    def wire_value(self, value: Any) -> Any:
        """An accepted value in the provider's words."""
        return value

    def aspect(self, value: Any) -> float | None:
        """Width divided by height, where an accepted value decides it."""
        return None


class Terms(Declared):
    """One model's terms. `id` is ours and never changes; `endpoint` is what the provider calls it."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
    provider: Name
    endpoint: Annotated[str, Field(min_length=1, max_length=200)]
    makes: Makes
    name: Words
    prompt: SentPrompt | None = None
    params: tuple[SentParam, ...] = ()
    inputs: tuple[SentInput, ...] = ()
    price: Price
    outputs_param: Name | None = None
    outputs: Annotated[int, Field(ge=1, le=100)] = 1
    """How many results one request gives where no parameter says it."""
    deadline_seconds: Annotated[int, Field(ge=10, le=86_400)]
    typical_seconds: Annotated[int, Field(ge=1, le=86_400)]
    continues: Continues = "nothing"
    """Whether a request goes on from what another generation made at the same provider, and with its credential."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """What else the adapter must know; it gets these as they are."""

    def quote(self, params: Mapping[str, Any]) -> Quote:
        """What a request with these accepted parameters costs."""
        outputs = self.outputs if self.outputs_param is None else int(params[self.outputs_param])
        # An override was checked against the entry as it then was; the bounds hold for later entries too.
        price = min(max(self.price.of(params, outputs), PRICE_MIN_CREDITS), PRICE_MAX_CREDITS)
        return Quote(price, outputs)

    def settle_price(self, quote_price: int, expected_outputs: int, kept: int) -> int:
        """Credits for `kept` of the expected outputs: their share, rounded in the person's favour.

        Nothing for nothing; at least one credit for anything; never above the quote, even when more came.
        """
        if kept <= 0:
            return 0
        return max(PRICE_MIN_CREDITS, quote_price * min(kept, expected_outputs) // expected_outputs)

    def aspect(self, params: Mapping[str, Any]) -> float | None:
        """Width divided by height of what accepted parameters will give, where they decide it."""
        decided = [param.aspect(params.get(param.name)) for param in self.params]
        return next((aspect for aspect in reversed(decided) if aspect is not None), None)

    def wire_params(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Accepted parameters in the provider's names and values, for `Call.params`.

        Nulls are left out: the provider chooses. Where two parameters speak of one thing, the later one counts.
        """
        sent: dict[str, Any] = {}
        for param in self.params:
            value = param.wire_value(params.get(param.name))
            if value is not None:
                sent[param.wire_name] = value
        return sent

    def wire_options(self) -> dict[str, Any]:
        """`Call.options`: the entry's own, `prompt` (its wire name, absent where none is taken) and `inputs`

        (role → `{wire, list}`).
        """
        wires = {given.role: {"wire": given.wire, "list": given.list} for given in self.inputs}
        return {**self.options, **({"prompt": self.prompt.wire} if self.prompt else {}), "inputs": wires}
