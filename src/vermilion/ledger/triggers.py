"""What the database refuses beyond checks: changed entries, and entries that contradict their surroundings.

On insert an entry must agree with its account as it is in the same transaction (the counters are moved first),
and the end of a hold must give back exactly what that hold took from the same person. SQLite is told one thing
more: `insert or replace` would remove an older row without any delete trigger being asked.
"""

from collections.abc import Sequence

from sqlalchemy import DDL
from sqlalchemy.schema import ExecutableDDLElement

_ACCOUNT_DISAGREES = """
    not exists (
        select 1 from account
        where account.user_id = new.user_id and account.entry_count = new.number
          and account.available = new.available_after and account.held = new.held_after
    )"""

_END_DISAGREES = """
    new.kind in ('settle', 'release') and not exists (
        select 1 from entry as taken
        where taken.hold_id = new.hold_id and taken.kind = 'hold' and taken.user_id = new.user_id
          and taken.generation_id = new.generation_id and taken.amount_credits = -new.held_delta
    )"""

_WOULD_REPLACE = """
    exists (select 1 from entry where id = new.id)
    or exists (select 1 from entry where user_id = new.user_id and number = new.number)
    or exists (select 1 from entry where user_id = new.user_id and key = new.key)
    or (substr(new.key, 1, 5) = 'once:' and exists (
        select 1 from entry where key = new.key and substr(key, 1, 5) = 'once:'))
    or (new.kind = 'hold' and exists (select 1 from entry where hold_id = new.hold_id and kind = 'hold'))
    or (new.kind in ('settle', 'release') and exists (
        select 1 from entry where hold_id = new.hold_id and kind in ('settle', 'release')))"""

_NEVER_CHANGE = "entries of the ledger never change"

_SQLITE = (
    f"create trigger entry_never_updated before update on entry begin select raise(abort, '{_NEVER_CHANGE}'); end",
    f"create trigger entry_never_deleted before delete on entry begin select raise(abort, '{_NEVER_CHANGE}'); end",
    f"""create trigger entry_fits before insert on entry begin
    select raise(abort, 'an entry must agree with its account') where {_ACCOUNT_DISAGREES};
    select raise(abort, 'an end must give back what its hold took') where {_END_DISAGREES};
    select raise(abort, 'UNIQUE constraint failed: an entry like this one is already there') where {_WOULD_REPLACE};
end""",
)

_POSTGRESQL = (
    f"""create or replace function entry_never_changes() returns trigger language plpgsql as $$
begin
    raise exception '{_NEVER_CHANGE}' using errcode = 'integrity_constraint_violation';
end $$""",
    "create trigger entry_never_changed before update or delete on entry"
    " for each row execute function entry_never_changes()",
    "create trigger entry_never_truncated before truncate on entry"
    " for each statement execute function entry_never_changes()",
    f"""create or replace function entry_fits() returns trigger language plpgsql as $$
begin
    if {_ACCOUNT_DISAGREES} then
        raise exception 'an entry must agree with its account' using errcode = 'integrity_constraint_violation';
    end if;
    if {_END_DISAGREES} then
        raise exception 'an end must give back what its hold took' using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$""",
    "create trigger entry_fits before insert on entry for each row execute function entry_fits()",
)


def trigger_statements() -> Sequence[ExecutableDDLElement]:
    """The statements that follow `create table entry`, each for its own kind of database."""
    return [
        DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
        for dialect, statements in (("sqlite", _SQLITE), ("postgresql", _POSTGRESQL))
        for statement in statements
    ]
