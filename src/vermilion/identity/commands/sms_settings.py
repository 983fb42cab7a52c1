"""How codes are sent: one of the operator's choices, kept under a key of its own because it holds a secret."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from vermilion.db import Tx
from vermilion.identity.actors import Actor
from vermilion.identity.commands.audit import audit
from vermilion.identity.commands.choices import store_choice
from vermilion.identity.phone_views import SmsChoice, SmsDraft
from vermilion.identity.tables import ChoiceRow, UserRow
from vermilion.kit import Conflict, Invalid, is_masked, mask
from vermilion.kit.addresses import web_address_refusal
from vermilion.kit.sealed import SealBroken, Sealer
from vermilion.sms import Sender, Smsbao, SmsWire

KEY: Final = "sms"
_BOUND_TO: Final = "choice:sms"
SANDBOX: Final = "sandbox"


def read_sms_choice(tx: Tx) -> SmsChoice:
    """What the operator chose, or that nothing is sent."""
    return _choice(tx.scalar(select(ChoiceRow.value).where(ChoiceRow.key == KEY)))


def lock_sms_choice(tx: Tx) -> SmsChoice:
    """The same, held until commit: whoever counts messages counts alone."""
    return _choice(tx.scalar(select(ChoiceRow.value).where(ChoiceRow.key == KEY).with_for_update()))


def sender_of(wire: SmsWire, sealer: Sealer, choice: SmsChoice) -> Sender:
    """Whoever sends by this choice; raises `SealBroken` where the key file does not open the secret."""
    return Smsbao(
        wire=wire,
        account=choice.account,
        secret=sealer.open(choice.secret_sealed, bound_to=_BOUND_TO) if choice.secret_sealed else "",
        is_api_key=choice.login_by == "api_key",
        signature=choice.signature,
        base_url=choice.base_url,
    )


def masked_secret(sealer: Sealer, choice: SmsChoice) -> str:
    """The secret as an admin sees it; nothing where it cannot be opened, so that it is entered again."""
    return mask(_secret(sealer, choice))


def change_sms_choice(tx: Tx, sealer: Sealer, actor: Actor | None, draft: SmsDraft, now: datetime) -> SmsChoice:
    """Choose anew, audited; effective with the next code on every node.

    Raises 422 `sms.invalid_field`, and `sms.secret_required` when the address changes without the secret; 409
    `auth.last_admin` where every admin signs in by a phone that codes would no longer reach.
    """
    before = lock_sms_choice(tx)
    known = _secret(sealer, before)
    base_url = draft.base_url.strip().rstrip("/")
    refusal = web_address_refusal(base_url, allow_private=draft.allow_private_hosts)
    if refusal is not None:
        raise _invalid("base_url", refusal)
    typed = draft.secret.strip()
    secret = typed
    if not typed or is_masked(typed):
        if typed and typed != mask(known):
            raise _invalid("secret", "is a mask, but not the one of the secret that is stored")
        if known and base_url != before.base_url:
            raise Invalid(
                "sms.secret_required",
                "The address changes, so the secret must be entered again: it is not sent to another host unasked.",
                field="secret",
            )
        secret = known
    if draft.enabled:
        for name, value in (("account", draft.account), ("secret", secret), ("signature", draft.signature)):
            if not value.strip():
                raise _invalid(name, "must not be empty")
    after = SmsChoice(
        **draft.model_dump(exclude={"secret", "base_url", "account", "signature"}),
        account=draft.account.strip(),
        signature=draft.signature.strip(),
        base_url=base_url,
        secret_sealed=(before.secret_sealed if secret == known else sealer.seal(secret, bound_to=_BOUND_TO))
        if secret
        else "",
    )
    _require_an_admin(tx, after)
    _store(tx, actor, before, after, _told(sealer, before), _told(sealer, after), now)
    return after


def ensure_sandbox_sms(tx: Tx, sealer: Sealer, fields: Mapping[str, str], now: datetime) -> None:
    """Send codes to the house's own sandbox, unless an operator chose anything about it."""
    before = lock_sms_choice(tx)
    if before.managed_by != SANDBOX and before != SmsChoice():
        return
    sealed = before.secret_sealed
    if _secret(sealer, before) != fields["secret"]:
        sealed = sealer.seal(fields["secret"], bound_to=_BOUND_TO)
    after = SmsChoice(
        enabled=True,
        account=fields["account"],
        secret_sealed=sealed,
        signature=fields["signature"],
        base_url=fields["base_url"],
        allow_private_hosts=True,
        countries="all",
        managed_by=SANDBOX,
    )
    if after != before:
        _store(tx, None, before, after, _told(sealer, before), _told(sealer, after), now)


def disable_sandbox_sms(tx: Tx, now: datetime) -> None:
    """Send nothing while the sandbox that would take it does not run."""
    before = lock_sms_choice(tx)
    if before.managed_by == SANDBOX and before.enabled:
        store_choice(tx, KEY, before.model_copy(update={"enabled": False}).model_dump(mode="json"), now)


def sandbox_outbox(tx: Tx, sandbox_url: str) -> str | None:
    """Where the codes can be read that go to the house's own sandbox; None where they go to phones, or nowhere.

    The address tells, whoever chose it: an operator may have come back to the sandbox by hand.
    """
    choice = read_sms_choice(tx)
    return f"{choice.base_url}/outbox" if choice.base_url.startswith(f"{sandbox_url}/") and choice.is_ready else None


def _require_an_admin(tx: Tx, after: SmsChoice) -> None:
    admins = tx.execute(
        select(UserRow.email, UserRow.phone).where(UserRow.role == "admin", UserRow.disabled_at.is_(None))
    ).all()
    if admins and not any(email or (phone and after.reaches(phone)) for email, phone in admins):
        raise Conflict("auth.last_admin", "No admin could sign in any more. Give one of you an e-mail address first.")


def _choice(stored: Any) -> SmsChoice:
    return SmsChoice() if stored is None else SmsChoice.model_validate(stored)


def _secret(sealer: Sealer, choice: SmsChoice) -> str:
    try:
        return sealer.open(choice.secret_sealed, bound_to=_BOUND_TO) if choice.secret_sealed else ""
    except SealBroken:
        return ""


def _told(sealer: Sealer, choice: SmsChoice) -> dict[str, Any]:
    return {**choice.model_dump(mode="json", exclude={"secret_sealed"}), "secret": masked_secret(sealer, choice)}


def _store(
    tx: Tx,
    actor: Actor | None,
    before: SmsChoice,
    after: SmsChoice,
    told_before: dict[str, Any],
    told_after: dict[str, Any],
    now: datetime,
) -> None:
    store_choice(tx, KEY, after.model_dump(mode="json"), now)
    changed = [name for name in told_after if told_before[name] != told_after[name]]
    # Two secrets may look alike behind their masks.
    if before.secret_sealed != after.secret_sealed and "secret" not in changed:
        changed.append("secret")
    audit(
        tx,
        actor,
        "sms.change",
        "choices:sms",
        {name: told_before[name] for name in changed},
        {name: told_after[name] for name in changed},
        now,
    )


def _invalid(name: str, why: str) -> Invalid:
    return Invalid("sms.invalid_field", f"{name} {why}.", field=name)
