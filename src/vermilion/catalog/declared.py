"""What everything declared in the catalog is made of: frozen tables, words in two languages, refusals."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from vermilion.kit import Invalid
from vermilion.providers import LocalText

PROBLEMS_SAID_MAX = 5
"""How many problems the sentence of a refusal tells; all of them are among its `errors`."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


def _words(value: Any) -> Any:
    if isinstance(value, LocalText):
        return value
    if not isinstance(value, Mapping) or set(value) != {"en", "zh"}:
        raise ValueError("must be { en = …, zh = … }, both languages and nothing else")
    if not all(isinstance(text, str) and text.strip() and len(text) <= 400 for text in value.values()):
        raise ValueError("must say something in both languages, in at most 400 characters")
    return LocalText(en=value["en"], zh=value["zh"])


Words = Annotated[LocalText, BeforeValidator(_words)]
"""The same words in English and Chinese; neither may be missing."""

UNNAMED = LocalText("", "")
"""Where a snapshot left the words out: they are for drawing forms, which snapshots never do."""


class Refused(ValueError):
    """A value that is not acceptable: a stable code, one sentence, and the limit that was passed, if any."""

    def __init__(self, code: str, message: str, limit: float | int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.limit = limit


Problems = list[tuple[str, Refused]]
"""What is wrong with a request: the field, and why."""


def unacceptable(problems: Problems) -> Invalid:
    """The refusal (`generation.invalid_params`) that names every problem in `errors`, and the first of them."""
    errors = [
        {"field": field, "code": refused.code, "message": refused.message}
        | ({} if refused.limit is None else {"limit": refused.limit})
        for field, refused in problems
    ]
    detail = "; ".join(f"{error['field']} {error['message']}" for error in errors[:PROBLEMS_SAID_MAX])
    return Invalid("generation.invalid_params", f"{detail}.", field=problems[0][0], extras={"errors": errors})


class Declared(BaseModel):
    """Base of everything that is declared in TOML: frozen, and unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def storable(text: str) -> str:
    """`text`, unless it holds what a database or JSON cannot carry; raises `Refused`."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Refused("bad_text", "must not contain null characters or halves of characters")
    return text
