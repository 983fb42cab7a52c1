"""What admins see and send when they make a model of a document of a provider's."""

import json
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError, model_validator

from vermilion.catalog.declared import Name
from vermilion.catalog.entry import Entry
from vermilion.catalog.params import Param
from vermilion.catalog.views import TextView, text_view
from vermilion.providers import Finding, Proposal, Template

Document = Annotated[dict[str, JsonValue], Field(min_length=1)]


def _strictly(value: Any) -> Any:
    """As strict as a catalog file: a number in quotes is a mistake, not something to convert."""
    if not isinstance(value, dict):
        return value  # Nor can what is no JSON be written as such: bytes, where nobody said what they are.
    try:
        return Entry.model_validate_json(json.dumps(value), strict=True)
    except ValidationError:
        try:
            Entry.model_validate(value)
        except ValidationError:
            return value  # The usual reading names every field that is wrong.
        raise


EntryBody = Annotated[Entry, BeforeValidator(_strictly)]
"""A whole entry, as the tables of a catalog file in JSON."""


class TemplateView(BaseModel):
    """A ready-made document to begin with; `makes` and the roles tell what it needs."""

    provider: str
    provider_title: str
    id: str
    title: TextView
    about: TextView


class TemplateList(BaseModel):
    """All templates, and the providers whose documents can be made into models."""

    providers: list[str]
    items: list[TemplateView]


class ProposalBody(BaseModel):
    """What to make a model of: a document, or the id of a template; and the credential to check it with.

    `settings` are values by parameter name, written into the document first.
    """

    model_config = ConfigDict(extra="forbid")

    credential_id: UUID
    document: Document | None = None
    template: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    settings: Annotated[dict[Name, JsonValue], Field(max_length=200)] = {}

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.document is None) == (self.template is None):
            raise ValueError("needs a document or a template, one of the two")
        return self


class FindingView(BaseModel):
    """Something to know or mend; with `blocks`, a request would fail as it is. `setting` names what would mend it."""

    message: TextView
    where: str | None
    setting: str | None
    blocks: bool


class ProposalView(BaseModel):
    """What the document could be: an entry to change and send back, further parameters, and what was found.

    `entry` is null where nothing can be made of it; `checked` says that the provider was asked.
    """

    entry: Entry | None
    spare: list[Param]
    findings: list[FindingView]
    checked: bool


def template_view(provider: str, provider_title: str, template: Template) -> TemplateView:
    """A template, without its document."""
    return TemplateView(
        provider=provider,
        provider_title=provider_title,
        id=template.id,
        title=text_view(template.title),
        about=text_view(template.about),
    )


def finding_view(finding: Finding) -> FindingView:
    """A finding, as JSON."""
    return FindingView(
        message=text_view(finding.message), where=finding.where, setting=finding.setting, blocks=finding.blocks
    )


def proposal_view(proposal: Proposal, entry: Entry | None, spare: list[Any]) -> ProposalView:
    """A proposal whose tables were read as an entry and parameters."""
    return ProposalView(
        entry=entry,
        spare=spare,
        findings=[finding_view(finding) for finding in proposal.findings],
        checked=proposal.checked,
    )
