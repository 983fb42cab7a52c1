"""What an upgrade makes of the data that is there."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from vermilion.db.schema import upgrade
from vermilion.db.schema.scratch import engine_for

_GENERATION = """
    insert into generation (
        id, user_id, request_digest, model, provider, kind, prompt, params, inputs, entry_digest, price_credits,
        settled_credits, expected_outputs, hold_id, status, version, priority, attempt, run_started_attempt, failure,
        line_until, deadline_at, created_at, submitted_at, finished_at
    ) values (
        :id, :user_id, '0', 'study', 'atelier', 'image', 'a study', '{}', '[]', '0', 3,
        :settled, 1, :hold_id, :status, 5, 0, 1, 0, :failure,
        :at, :at, :at, :at, :at
    )
"""


def test_what_ended_before_anybody_counted_is_counted(empty_url: str, tmp_path: Path) -> None:
    upgrade(empty_url, tmp_path, to="0001")
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    an_hour_of = hour.isoformat(timespec="microseconds")
    within = (hour + timedelta(minutes=20)).isoformat(timespec="microseconds")
    long_ago = (hour - timedelta(days=40)).isoformat(timespec="microseconds")
    ends = [
        ("succeeded", None, within),
        ("succeeded", None, within),
        ("failed", '{"whose": "user"}', within),
        ("failed", '{"whose": "wait"}', within),
        ("failed", None, within),
        ("canceled", None, within),
        ("succeeded", None, long_ago),
    ]
    with engine_for(empty_url) as engine, engine.begin() as connection:
        connection.execute(text("insert into entry_snapshot (digest, entry) values ('0', '{}')"))
        for status, failure, at in ends:
            ids = {name: uuid4().hex for name in ("id", "user_id", "hold_id")}
            settled = 3 if status == "succeeded" else None
            connection.execute(
                text(_GENERATION.replace(":failure", "cast(:failure as jsonb)"))
                if engine.dialect.name == "postgresql"
                else text(_GENERATION),
                {**ids, "settled": settled, "status": status, "failure": failure, "at": at},
            )
    upgrade(empty_url, tmp_path, snapshot_first=False)
    with engine_for(empty_url) as engine, engine.begin() as connection:
        (counted,) = connection.execute(text("select * from model_hour")).mappings()
    assert counted["hour"] in {an_hour_of, hour}
    names = ("model", "succeeded", "failed", "refused", "canceled", "settled_credits")
    assert tuple(counted[name] for name in names) == ("study", 2, 2, 1, 1, 6)


_PERSON = """
    insert into "user" (id, email, name, password_hash, role, locale, theme, created_at)
    values (:id, :email, 'Ada', 'sandbox-hash-not-secret', :role, 'zh', 'ink', :at)
"""
_SESSION = """
    insert into session (id, user_id, token_hash, created_at, last_used_at, expires_at)
    values (:id, :user_id, :token, :at, :at, :at)
"""


def test_people_and_what_refers_to_them_outlive_the_phones(empty_url: str, tmp_path: Path) -> None:
    """On SQLite their table is written anew under them."""
    upgrade(empty_url, tmp_path, to="0005")
    at = datetime.now(UTC).isoformat(timespec="microseconds")
    people = [(uuid4().hex, "ada@example.test", "user"), (uuid4().hex, "root@example.test", "admin")]
    with engine_for(empty_url) as engine, engine.begin() as connection:
        for user_id, email, role in people:
            connection.execute(text(_PERSON), {"id": user_id, "email": email, "role": role, "at": at})
            session = {"id": uuid4().hex, "user_id": user_id, "token": email, "at": at}
            connection.execute(text(_SESSION), session)
    upgrade(empty_url, tmp_path, snapshot_first=False)
    with engine_for(empty_url) as engine:
        with engine.begin() as connection:
            rows = connection.execute(
                text(
                    'select email, phone, name, role, locale, theme, confirmed_at from "user" '
                    'join session on session.user_id = "user".id order by email'
                )
            ).all()
            assert [tuple(row) for row in rows] == [
                (email, None, "Ada", role, "zh", "ink", None) for _, email, role in people
            ]
            connection.execute(
                text(_PERSON), {"id": uuid4().hex, "email": "new@example.test", "role": "user", "at": at}
            )
        # What refers to people still refers to this table, and not to the one it was written from.
        with pytest.raises(IntegrityError), engine.begin() as connection:
            session = {"id": uuid4().hex, "user_id": uuid4().hex, "token": "nobody's", "at": at}
            connection.execute(text(_SESSION), session)


_ORDER = """
    insert into payment_order (
        id, user_id, package_id, title_en, title_zh, amount_credits, price_minor, currency, gateway, merchant, method,
        status, created_at, expires_at, ask_at, times_asked
    ) values (
        :id, :user_id, :id, 'Studio', '画室', 5000, 5000, 'CNY', 'epay', '1000', 'alipay', 'pending', :at, :at, :at, 0
    )
"""


def test_orders_keep_the_number_the_gateway_knows_them_by(empty_url: str, tmp_path: Path) -> None:
    upgrade(empty_url, tmp_path, to="0009")
    at = datetime.now(UTC).isoformat(timespec="microseconds")
    user_id, orders = uuid4().hex, sorted(uuid4().hex for _ in range(3))
    with engine_for(empty_url) as engine, engine.begin() as connection:
        someone = {"id": user_id, "email": "ada@example.test", "role": "user", "at": at}
        connection.execute(text(_PERSON), someone)
        for order_id in orders:
            connection.execute(text(_ORDER), {"id": order_id, "user_id": user_id, "at": at})
    upgrade(empty_url, tmp_path, snapshot_first=False)
    with engine_for(empty_url) as engine:
        with engine.begin() as connection:
            rows = connection.execute(text("select number, amount_credits, note from payment_order order by number"))
            assert [tuple(row) for row in rows] == [(order_id, 5000, None) for order_id in orders]
        # A number is one order's alone.
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(text(f"update payment_order set number = '{orders[0]}'"))
