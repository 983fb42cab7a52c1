"""The shapes of what is sent to us: what is unknown is refused by name."""

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator


class Given(BaseModel):
    """Input: a key that is not known is refused, so that a slip of the pen does not pass for a wish."""

    model_config = ConfigDict(extra="forbid")


class Change(Given):
    """A change in which only the fields that were sent count, and null is no value for any of them."""

    @model_validator(mode="after")
    def _nothing_is_emptied(self) -> Self:
        if any(getattr(self, name) is None for name in self.model_fields_set):
            raise ValueError("leave out what should stay as it is; null is no value here")
        return self
