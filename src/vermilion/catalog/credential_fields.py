"""The fields of a credential: completing, checking, masking, and what a change of address costs."""

from collections.abc import Iterable, Mapping

from vermilion.kit import Invalid, is_masked, mask
from vermilion.kit.addresses import web_address_refusal
from vermilion.providers import CredentialField, can_carry_a_key


def complete(
    declared: Iterable[CredentialField], given: Mapping[str, str], known: Mapping[str, str], *, private: bool
) -> dict[str, str]:
    """All fields of a credential: those given, else those known, else the defaults.

    A secret given as its own mask is the known one. `private` allows plain http and addresses of the operator's own
    network. Raises `Invalid` (`credential.invalid_field`).
    """
    declared = tuple(declared)
    if unknown := set(given) - {field.name for field in declared}:
        raise _invalid(min(unknown), "is no field of this provider's credentials")
    fields: dict[str, str] = {}
    for field in declared:
        value = given.get(field.name, known.get(field.name, field.default or "")).strip()
        if field.secret and is_masked(value):
            if value != mask(known.get(field.name, "")):
                raise _invalid(field.name, "is a mask, but not the one of the secret that is stored")
            value = known[field.name]
        if not value and field.required:
            raise _invalid(field.name, "must not be empty")
        if value and field.choices:
            value = _chosen(field, value)
        if value and is_address(field.name):
            value = value.rstrip("/")
            refusal = web_address_refusal(value, allow_private=private)
            if refusal is not None:
                raise _invalid(field.name, refusal)
        if value and field.name.endswith("_header") and not can_carry_a_key(value):
            raise _invalid(field.name, "is no header that a key could be sent in")
        fields[field.name] = value
    return fields


def _chosen(field: CredentialField, value: str) -> str:
    for choice in field.choices:
        if choice.value.casefold() == value.casefold():
            return choice.value
    raise _invalid(field.name, "must be one of " + ", ".join(choice.value for choice in field.choices))


def require_secrets(declared: Iterable[CredentialField], given: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Raise `Invalid` (`credential.secret_required`) unless every known secret was typed again, not its mask."""
    for field in declared:
        if not field.secret or not known.get(field.name):
            continue
        typed = given.get(field.name, "").strip()
        if not typed or is_masked(typed):
            raise Invalid(
                "credential.secret_required",
                "The address changes, so every secret must be entered again: it is not sent to another host unasked.",
                field=f"fields.{field.name}",
            )


def masked(declared: Iterable[CredentialField], fields: Mapping[str, str]) -> dict[str, str]:
    """The fields with every secret masked."""
    return {
        field.name: mask(fields.get(field.name, "")) if field.secret else fields.get(field.name, "")
        for field in declared
    }


def is_address(name: str) -> bool:
    """Whether a field says where calls go."""
    return name.endswith("_url")


def _invalid(name: str, why: str) -> Invalid:
    return Invalid("credential.invalid_field", f"{name} {why}.", field=f"fields.{name[:80]}")
