"""What an admin types in about a cloud: checked, completed with what is known, and never more told than its mask."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field

from vermilion.db import Tx
from vermilion.kit import Given, Invalid, is_masked, mask
from vermilion.kit.addresses import web_address_refusal
from vermilion.kit.sealed import Sealer
from vermilion.storage import KINDS, Address, PlaceRow, StorageFailed, list_places, secrets_of

PlaceKind = Literal["local", "cos", "oss", "obs", "s3"]
Text = Annotated[str, Field(max_length=400, pattern=r"^[^\x00-\x1f\x7f]*$")]

SECRETS: Final = ("access_key", "secret_key")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z0-9-]{0,40}")
_ROOT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")


class StorageDraft(Given):
    """Where new files are to go. For the studio's own folder (`local`) the rest is left out.

    `endpoint_url` replaces the vendor's own address of the region, for internal networks and for MinIO and its like.
    A secret written back as its mask stays, as long as the address does.
    """

    kind: PlaceKind
    bucket: Text = ""
    region: Text = ""
    endpoint_url: Text = ""
    root: Text = ""
    access_key: Text = ""
    secret_key: Text = ""
    allow_private_hosts: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """A cloud that can be opened: its address and login, and the place's id if it is a known one."""

    address: Address
    access_key: str
    secret_key: str
    allow_private_hosts: bool
    place_id: UUID | None


def prepare(tx: Tx, sealer: Sealer, draft: StorageDraft) -> Prepared | None:
    """The draft, completed; None for the studio's own folder.

    Raises `Invalid` (`storage.invalid_field`, `storage.secret_required`) naming the field.
    """
    if draft.kind == "local":
        return None
    given = {name: str(value).strip() for name, value in draft.model_dump(exclude={"kind"}).items()}
    address = Address(
        draft.kind, given["bucket"], given["region"], given["endpoint_url"].rstrip("/"), given["root"].strip("/")
    )
    _check(address, allow_private=draft.allow_private_hosts)
    rows = list_places(tx)
    known = next((row for row in rows if Address(**row.address) == address), None)
    secrets = {name: _secret(name, given[name], _known_secrets(sealer, known, rows), known) for name in SECRETS}
    place_id = None if known is None else known.id
    return Prepared(address, secrets["access_key"], secrets["secret_key"], draft.allow_private_hosts, place_id)


def masked_fields(sealer: Sealer, row: PlaceRow) -> dict[str, str]:
    """What is shown of a place: its address, and the masks of its secrets."""
    fields = {name: str(value) for name, value in asdict(Address(**row.address)).items() if name != "kind"}
    try:
        secrets = secrets_of(sealer, row)
    except StorageFailed:
        secrets = {}
    return fields | {name: mask(secrets.get(name, "")) for name in SECRETS}


def _known_secrets(sealer: Sealer, known: PlaceRow | None, rows: Sequence[PlaceRow]) -> dict[str, str]:
    """The login masks are compared with: of the same place, or of the one that receives."""
    row = known or next((row for row in rows if row.receiving), None)
    try:
        return {} if row is None else secrets_of(sealer, row)
    except StorageFailed:
        return {}


def _secret(name: str, given: str, secrets: dict[str, str], known: PlaceRow | None) -> str:
    if not given:
        raise _invalid(name, "must not be empty")
    if not is_masked(given):
        return given
    if known is None:
        raise Invalid(
            "storage.secret_required",
            "The address changes, so the login must be entered again: it is not sent to another host unasked.",
            field=name,
        )
    if given != mask(secrets.get(name, "")):
        raise _invalid(name, "is a mask, but not the one of the secret that is stored")
    return secrets[name]


def _check(address: Address, *, allow_private: bool) -> None:
    kind = KINDS[address.kind]
    if not _BUCKET.fullmatch(address.bucket):
        raise _invalid("bucket", f"must be a bucket's name, such as {kind.bucket_example}")
    if not _REGION.fullmatch(address.region):
        raise _invalid("region", f"must be a region's name, such as {kind.region_example}")
    if not address.region and not address.endpoint_url and not kind.region_default:
        raise _invalid("region", f"must not be empty without an endpoint: {kind.region_example}, say")
    if address.root and not _ROOT.fullmatch(address.root):
        raise _invalid("root", "may hold letters, digits, - _ . and / between them")
    refusal = web_address_refusal(address.url, allow_private=allow_private)
    if refusal is not None:
        raise _invalid("endpoint_url", refusal)


def _invalid(name: str, why: str) -> Invalid:
    return Invalid("storage.invalid_field", f"{name} {why}.", field=name)
