"""A provider's proposal read as what it is going to be: an entry of this house, still without a name of its own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from vermilion.catalog.entry import Entry
from vermilion.catalog.own_views import ProposalView, proposal_view
from vermilion.catalog.params import Param
from vermilion.catalog.shelf import OWN_PREFIX
from vermilion.providers import Finding, LocalText, Proposal, Template

_PARAMS: TypeAdapter[list[Param]] = TypeAdapter(list[Param])

_UNNAMED_YET: dict[str, Any] = {
    "id": f"{OWN_PREFIX}model",
    "name": {"en": "New model", "zh": "新模型"},
    "about": {"en": "Made in this studio.", "zh": "本工作室自制。"},
    "price": {"per_output_credits": 1},
}


def proposed(provider: str, proposal: Proposal, template: Template | None) -> ProposalView:
    """The proposal, with its tables checked as those of a catalog file are.

    Tables that make no entry (nothing could be asked of it, two parameters of one name) are told as a finding.
    """
    if proposal.entry is None:
        return proposal_view(proposal, None, [])
    table = {**_UNNAMED_YET, "provider": provider, **_named_after(template), **proposal.entry}
    try:
        return proposal_view(proposal, Entry.model_validate(table), _PARAMS.validate_python(list(proposal.spare)))
    except ValidationError as error:
        reason = error.errors()[0]
        path = ".".join(str(part) for part in reason["loc"])
        said = f"{path}: {reason['msg'].removeprefix('Value error, ')}".removeprefix(": ")
        finding = Finding(
            LocalText(f"No model can be made of this: {said}.", f"无法用它制作模型：{said}。"), blocks=True
        )
        return proposal_view(replace(proposal, findings=(*proposal.findings, finding)), None, [])


def _named_after(template: Template | None) -> Mapping[str, Any]:
    if template is None:
        return {}
    return {
        "id": f"{OWN_PREFIX}{template.id}",
        "name": {"en": template.title.en, "zh": template.title.zh},
        "about": {"en": template.about.en, "zh": template.about.zh},
    }
