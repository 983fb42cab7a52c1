"""The shape of a schema as plain text, so that two can be compared: columns, keys, checks, indexes, triggers."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, inspect, text

from vermilion.db.standing import VERSION_TABLE


@dataclass(frozen=True, slots=True)
class Part:
    """One thing of a schema; two are the same when their definitions are.

    `create` and `drop` are the statements that would make or remove it, for parts that hold no data themselves.
    """

    kind: str
    name: str
    definition: str
    create: str | None = field(default=None, compare=False)
    drop: str | None = field(default=None, compare=False)


Shape = dict[tuple[str, str], Part]


def shape_of(connection: Connection) -> Shape:
    """Everything in the connection's current schema, but Alembic's own table."""
    native = _sqlite_parts if connection.dialect.name == "sqlite" else _postgresql_parts
    return {(part.kind, part.name): part for parts in (_table_parts(connection), native(connection)) for part in parts}


def _table_parts(connection: Connection) -> Iterator[Part]:
    inspector = inspect(connection)
    for table in sorted(inspector.get_table_names()):
        if table == VERSION_TABLE:
            continue
        yield Part("table", table, "")
        for column in inspector.get_columns(table):
            kind = column["type"].compile(dialect=connection.dialect)
            null = "" if column["nullable"] else " not null"
            default = f" default {column['default']}" if column["default"] is not None else ""
            counted = " counted up" if column.get("autoincrement") is True else ""
            yield Part("column", f"{table}.{column['name']}", f"{kind}{null}{default}{counted}")
        primary = inspector.get_pk_constraint(table)
        yield Part("primary key", table, _list(primary["constrained_columns"]))
        for key in inspector.get_foreign_keys(table):
            target = f"{key['referred_table']} {_list(key['referred_columns'])} {key.get('options') or ''}"
            yield Part("foreign key", f"{table}.{key['name']}", f"{_list(key['constrained_columns'])} to {target}")
        for unique in inspector.get_unique_constraints(table):
            yield Part("unique", f"{table}.{unique['name']}", _list(unique["column_names"]))
        for check in inspector.get_check_constraints(table):
            yield Part("check", f"{table}.{check['name']}", _settled(_one_line(check["sqltext"])))


def _sqlite_parts(connection: Connection) -> Iterator[Part]:
    rows = connection.execute(
        text("select type, name, sql from sqlite_master where type in ('index', 'trigger') and sql is not null")
    )
    for kind, name, sql in rows:
        yield Part(kind, name, _one_line(sql), create=sql, drop=f'drop {kind} if exists "{name}"')


_INDEXES = """
    select i.relname as name, pg_get_indexdef(i.oid) as sql
    from pg_index x join pg_class i on i.oid = x.indexrelid
    where i.relnamespace = current_schema()::regnamespace
      and not exists (select 1 from pg_constraint c where c.conindid = i.oid and c.contype in ('p', 'u', 'x'))"""

_FUNCTIONS = """
    select p.proname as name, pg_get_functiondef(p.oid) as sql
    from pg_proc p where p.pronamespace = current_schema()::regnamespace and p.prokind = 'f'"""

_TRIGGERS = """
    select t.tgname as name, c.relname as on_table, pg_get_triggerdef(t.oid) as sql, t.tgenabled as enabled
    from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where c.relnamespace = current_schema()::regnamespace and not t.tgisinternal"""


def _postgresql_parts(connection: Connection) -> Iterator[Part]:
    schema = connection.execute(text("select current_schema()")).scalar_one()

    def here(sql: str) -> str:
        return re.sub(rf'(?<![\w."])"?{re.escape(schema)}"?\.', "", sql)

    # Functions first: a trigger is made after what it calls.
    for row in connection.execute(text(_FUNCTIONS)):
        sql = here(row.sql)
        yield Part("function", row.name, _one_line(sql), create=sql)
    for row in connection.execute(text(_INDEXES)):
        sql = here(row.sql)
        drop = f'drop index if exists "{row.name}"'
        yield Part("index", row.name, _settled(_one_line(sql)), create=sql, drop=drop)
    for row in connection.execute(text(_TRIGGERS)):
        sql = here(row.sql)
        switched_off = "" if row.enabled == "O" else f" enabled {row.enabled}"
        drop = f'drop trigger if exists "{row.name}" on "{row.on_table}"'
        yield Part("trigger", row.name, _one_line(sql) + switched_off, create=sql, drop=drop)


_CAST = re.compile(r"::(?:character varying|text|bpchar)(?:\(\d+\))?(?:\[\])?")
_NEEDLESS_BRACKETS = re.compile(r"(?<!\w)\((\w+|'[^']*'|ARRAY\[[^\]]*\])\)")


def _settled(expression: str) -> str:
    """The expression without the casts between text types that PostgreSQL adds, and moves when it reads its own
    spelling again, as it does for every restored dump."""
    expression = _CAST.sub("", expression)
    while (simpler := _NEEDLESS_BRACKETS.sub(r"\1", expression)) != expression:
        expression = simpler
    return expression


def _list(columns: Iterable[str | None]) -> str:
    return f"({', '.join(str(column) for column in columns)})"


def _one_line(sql: str) -> str:
    return " ".join(sql.split())
