"""What a generation's row keeps of the entry it was requested under.

Its words, parameters and files were judged when it was accepted, and its form is drawn from the entry as it is now:
a snapshot has no limits, defaults, labels or flags. Those that earlier versions stored had, and are read all the same.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator

from vermilion.catalog.choices import SentChoice, sent_value, shape_of
from vermilion.catalog.terms import SentParam, Terms


def _whole(choice: Any) -> Any:
    return {"value": choice} if isinstance(choice, str) else choice


class KeptParam(SentParam):
    """A parameter of any kind; a choice that is sent as it is called is kept as its value alone."""

    choices: tuple[Annotated[SentChoice, BeforeValidator(_whole)], ...] = ()
    any_ratio: bool = False

    def wire_value(self, value: Any) -> Any:
        return sent_value(self.choices, value)

    def aspect(self, value: Any) -> float | None:
        return shape_of(self.choices, value, any_ratio=self.any_ratio)


class Snapshot(Terms):
    """The terms of one model as they were at the time of a request."""

    params: tuple[KeptParam, ...] = ()

    @classmethod
    def of(cls, terms: Terms) -> Self:
        """What a generation that is requested under these terms keeps."""
        return cls.read(terms.model_dump(mode="json"))

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """A stored one, also when a newer or older house wrote it: keys that mean nothing here are let be."""
        return cls.model_validate(stored, extra="ignore")

    def stored(self) -> dict[str, Any]:
        """It as JSON, for `read`."""
        table = self.model_dump(mode="json", exclude_defaults=True)
        for param in table.get("params", ()):
            if "choices" in param:
                param["choices"] = [
                    choice["value"] if choice.keys() == {"value"} else choice for choice in param["choices"]
                ]
        return table
