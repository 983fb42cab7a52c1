"""What the pipeline hands to an adapter: a call, by way of the catalog, and the files in it."""

from collections.abc import Mapping
from typing import Any

from vermilion.catalog import Entry, GivenInput, load_shelf
from vermilion.providers import Call, InputFile

SHELF = load_shelf()


def entries_of(provider: str) -> list[Entry]:
    """What the catalog has of one provider."""
    return [entry for entry in SHELF.entries() if entry.provider == provider]


def given(
    role: str, content: bytes, content_type: str = "image/png", filename: str | None = None, **more: Any
) -> InputFile:
    """A file as the pipeline hands it over."""

    async def read() -> bytes:
        return content

    name = filename or f"{role}.{content_type.rpartition('/')[2]}"
    return InputFile(role, content_type, name, len(content), read, **more)


def called(
    model: str | Entry,
    prompt: str,
    *inputs: InputFile,
    reference: str = "attempt",
    callback_url: str | None = None,
    parent: Mapping[str, Any] | None = None,
    **params: Any,
) -> Call:
    """The call that the pipeline would make of a request for this model."""
    entry = SHELF.entry(model) if isinstance(model, str) else model
    seen = [GivenInput(item.role, item.content_type, item.size_bytes) for item in inputs]
    accepted = entry.accept(prompt, params, seen)
    return Call(
        reference,
        entry.endpoint,
        entry.makes,
        accepted.prompt,
        entry.wire_params(accepted.params),
        inputs,
        entry.wire_options(),
        callback_url,
        parent,
    )
