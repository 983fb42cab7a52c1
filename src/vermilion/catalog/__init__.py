"""The catalog: which models there are, what each may be asked and costs, and the credentials to reach them.

`generation`, `dialects`, `wiring` and `app` come in. Models are declared in `entries/*.toml`; what admins change
or make, and credentials, are rows. The house gives what `CatalogHouse` lists, as `app.state.house`.
"""

from vermilion.catalog.api import CatalogHouse, admin_router, ask_provider, router
from vermilion.catalog.credentials import (
    CREDENTIALS_TOPIC,
    FIELDS_MAX,
    CredentialDraft,
    CredentialPatch,
    FieldValue,
    add_credential,
    change_credential,
    credential_view,
    delete_credential,
    disable_sandbox_credentials,
    ensure_sandbox_credential,
    mark_health,
)
from vermilion.catalog.declared import Refused, unacceptable
from vermilion.catalog.drawing import model_view
from vermilion.catalog.entry import Accepted, Entry
from vermilion.catalog.given import GivenInput
from vermilion.catalog.overrides import override_model
from vermilion.catalog.own_api import own_models_router
from vermilion.catalog.own_models import add_model, delete_model, replace_model
from vermilion.catalog.params import Param
from vermilion.catalog.price import Quote
from vermilion.catalog.provider_views import CredentialView
from vermilion.catalog.queries import (
    OpenCredential,
    ProviderState,
    all_credentials,
    effective,
    effective_entries,
    is_enabled,
    logins,
    open_credential,
    provider_states,
    require_credential,
    usable_entry,
    visible_entry,
)
from vermilion.catalog.shelf import CatalogBroken, Shelf, load_shelf
from vermilion.catalog.snapshot import Snapshot
from vermilion.catalog.views import ModelView, OverridePatch, TextView

__all__ = [
    "CREDENTIALS_TOPIC",
    "FIELDS_MAX",
    "Accepted",
    "CatalogBroken",
    "CatalogHouse",
    "CredentialDraft",
    "CredentialPatch",
    "CredentialView",
    "Entry",
    "FieldValue",
    "GivenInput",
    "ModelView",
    "OpenCredential",
    "OverridePatch",
    "Param",
    "ProviderState",
    "Quote",
    "Refused",
    "Shelf",
    "Snapshot",
    "TextView",
    "add_credential",
    "add_model",
    "admin_router",
    "all_credentials",
    "ask_provider",
    "change_credential",
    "credential_view",
    "delete_credential",
    "delete_model",
    "disable_sandbox_credentials",
    "effective",
    "effective_entries",
    "ensure_sandbox_credential",
    "is_enabled",
    "load_shelf",
    "logins",
    "mark_health",
    "model_view",
    "open_credential",
    "override_model",
    "own_models_router",
    "provider_states",
    "replace_model",
    "require_credential",
    "router",
    "unacceptable",
    "usable_entry",
    "visible_entry",
]
