"""Statements built once: their spelling belongs to a dialect though their meaning does not.

Building a statement costs many times what running it does, and even running a built one costs SQLAlchemy more than
the database (measured here on SQLite: an upsert takes 900 µs when it is built for each call, 40 µs when only its
parameters change, 16 µs as the driver's own text, 6 µs on the driver's own cursor). So what runs for every step of
a generation is spelled once, with a parameter for each value, and handed to the driver.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import Connection, Dialect, Executable, FromClause, Select, Table, bindparam, inspect, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from vermilion.db.types import Base
from vermilion.db.unit_of_work import Tx

R = TypeVar("R", bound=Base)

Turn = Callable[[Any], Any]
"""Turns a value into what a driver takes, or what it gave into a value."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement gave: its rows with their columns as attributes, and how many rows it touched."""

    rows: Sequence[Any]
    rowcount: int

    def one_or_none(self) -> Any:
        """The only row, or None; raises `ValueError` when there are more."""
        if len(self.rows) > 1:
            raise ValueError(f"one row at most was expected, there are {len(self.rows)}")
        return self.rows[0] if self.rows else None

    def scalar_one(self) -> Any:
        """The first value of the only row."""
        (row,) = self.rows
        return row[0]


def insert_into(tx: Tx, row: type[Base]) -> Any:
    """An INSERT that has `on_conflict_do_nothing` and `on_conflict_do_update` on either database.

    Typed `Any`: the two dialects' statements share these methods but no base class that declares them.
    """
    return _insert_of(tx.connection().dialect.name)(row)


class PerDialect:
    """A statement in each dialect, spelled when first needed: `build(insert)` gets the dialect's own `insert`.

    What a SELECT finds has its columns' types; what others return comes as the driver gives it: fit for numbers and
    text.
    """

    def __init__(self, build: Callable[[Callable[[Any], Any]], Executable]) -> None:
        self._build = build
        self._spelled: dict[tuple[str, frozenset[str]], _Spelled] = {}

    def run(self, tx: Tx, parameters: Mapping[str, Any]) -> Answer:
        """Run it; the answer's `rowcount` tells whether a conflict kept an INSERT from adding its row."""
        connection = tx.connection()
        return self._spelled_for(connection.dialect, parameters).run(connection, parameters)

    def run_each(self, tx: Tx, several: Sequence[Mapping[str, Any]]) -> None:
        """Run it once for each of these, which all have the same names, in one visit to the database."""
        connection = tx.connection()
        self._spelled_for(connection.dialect, several[0]).run_each(connection, several)

    def _spelled_for(self, dialect: Dialect, parameters: Mapping[str, Any]) -> "_Spelled":
        key = dialect.name, frozenset(parameters)
        spelled = self._spelled.get(key)
        if spelled is None:
            spelled = self._spelled[key] = _spell(self._build(_insert_of(dialect.name)), dialect, parameters)
        return spelled


class GuardedUpdate:
    """`UPDATE … SET <some columns> WHERE <key columns equal>`, one statement per set of columns, spelled once.

    `where` adds conditions that need no parameter.
    """

    def __init__(self, table: FromClause, key: Iterable[str], *where: Any) -> None:
        self._table = cast(Table, table)
        self._key = tuple(key)
        self._where = where
        self._spelled: dict[tuple[str, frozenset[str]], _Spelled] = {}

    def run(self, tx: Tx, key: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
        """Set `changes` where the key columns have these values; whether a row had them."""
        connection = tx.connection()
        parameters = {**changes, **{f"at_{name}": key[name] for name in self._key}}
        known = connection.dialect.name, frozenset(changes)
        spelled = self._spelled.get(known)
        if spelled is None:
            at = [self._table.c[name] == bindparam(f"at_{name}") for name in self._key]
            values: dict[str, Any] = {name: bindparam(name) for name in sorted(changes)}
            built = update(self._table).where(*at, *self._where).values(values)
            spelled = self._spelled[known] = _spell(built, connection.dialect, parameters)
        return spelled.run(connection, parameters).rowcount == 1


class RowByKey(Generic[R]):
    """The row whose key columns have these values; what it finds is a copy that belongs to no transaction."""

    def __init__(self, row: type[R], *key: str) -> None:
        table = cast(Table, row.__table__)
        self._row = row
        self._names = [column.name for column in table.c]
        self._find = PerDialect(lambda _: select(table).where(*(table.c[name] == bindparam(name) for name in key)))

    def get(self, tx: Tx, **key: Any) -> R | None:
        """The row, read now, or None."""
        found = self._find.run(tx, key).one_or_none()
        return None if found is None else _detached(self._row, dict(zip(self._names, found, strict=True)))


def as_read(row: type[R], **values: Any) -> R:
    """A row with these columns and None in all others, as if it had been read; it belongs to no transaction."""
    return _detached(row, {**dict.fromkeys(row.__table__.c.keys()), **values})


def altered(row: R, **changes: Any) -> R:
    """A copy of a row that was read, with these columns changed; it belongs to no transaction."""
    values = {name: getattr(row, name) for name in row.__table__.c.keys()}  # noqa: SIM118 - columns, not a mapping
    return _detached(type(row), {**values, **changes})


@dataclass(slots=True)
class _Spelled:
    """A statement in a dialect's words. `order` is that of its parameters; None where the driver takes names.

    `types` are those of a SELECT's columns. How its rows are read is settled when it first runs: only then does the
    driver tell what it gives.
    """

    text: str
    order: tuple[str, ...] | None
    turns: Mapping[str, Turn]
    fixed: Mapping[str, Any]
    types: Sequence[TypeEngine[Any]]
    row: Callable[[Iterable[Any]], Any] | None = None

    def run(self, connection: Connection, given: Mapping[str, Any]) -> Answer:
        parameters = self._parameters(given)
        with _cursor(connection, self.text, parameters) as cursor:
            cursor.execute(self.text, parameters)
            # Typed as always there; the drivers have none for a statement that gives no rows.
            described: Sequence[Any] | None = cast(Any, cursor.description)
            if described is None:
                return Answer((), cursor.rowcount)
            row = self.row or self._row_of(connection.dialect, described)
            return Answer([row(values) for values in cursor.fetchall()], cursor.rowcount)

    def run_each(self, connection: Connection, several: Sequence[Mapping[str, Any]]) -> None:
        parameters = [self._parameters(given) for given in several]
        with _cursor(connection, self.text, parameters) as cursor:
            cursor.executemany(self.text, parameters)

    def _row_of(self, dialect: Dialect, described: Sequence[Any]) -> Callable[[Iterable[Any]], Any]:
        # Its columns are known when it runs, not when it is read.
        kind: Any = namedtuple("Row", [told[0] for told in described], rename=True)  # type: ignore[misc]
        turns: list[Turn | None] = [
            given.dialect_impl(dialect).result_processor(dialect, told[1])
            for given, told in zip(self.types, described, strict=False)
        ]

        def turned(values: Iterable[Any]) -> Any:
            return kind(*[value if turn is None else turn(value) for turn, value in zip(turns, values, strict=True)])

        self.row = row = turned if any(turns) else kind._make
        return cast(Callable[[Iterable[Any]], Any], row)

    def _parameters(self, given: Mapping[str, Any]) -> Any:
        turns = self.turns
        values = {
            **self.fixed,
            **{name: turns[name](value) if name in turns else value for name, value in given.items()},
        }
        return values if self.order is None else tuple([values[name] for name in self.order])


@contextmanager
def _cursor(connection: Connection, text: str, parameters: Any) -> Iterator[DBAPICursor]:
    """The driver's own cursor in the connection's transaction; what it raises is told in SQLAlchemy's words."""
    dialect = connection.dialect
    errors = dialect.loaded_dbapi.Error
    proxied = connection.connection
    cursor = proxied.cursor()
    try:
        yield cursor
    except errors as error:
        lost = dialect.is_disconnect(error, proxied, cursor)
        told = DBAPIError.instance(text, parameters, error, errors, connection_invalidated=lost, dialect=dialect)
        if lost:
            connection.invalidate(error)
        raise told from error
    finally:
        cursor.close()


def _spell(statement: Executable, dialect: Dialect, names: Iterable[str]) -> _Spelled:
    compiled = cast(Any, statement).compile(dialect=dialect, column_keys=sorted(names))
    if not isinstance(compiled, SQLCompiler) or compiled.post_compile_params or compiled.insert_prefetch:
        raise ValueError(f"this statement cannot be spelled once: {statement}")
    turns, fixed = {}, {}
    for name, parameter in compiled.binds.items():
        turn = parameter.type.dialect_impl(dialect).bind_processor(dialect)
        if not parameter.required:
            fixed[name] = parameter.value if turn is None else turn(parameter.value)
        if turn is not None:
            turns[name] = turn
    order = tuple(compiled.positiontup) if compiled.positiontup is not None else None
    types = [column.type for column in statement.selected_columns] if isinstance(statement, Select) else []
    return _Spelled(str(compiled), order, turns, fixed, types)


def _detached(row: type[R], values: Mapping[str, Any]) -> R:
    """An instance with these columns as if they had been read: the constructor would note each as a change."""
    instance = cast(R, inspect(row).class_manager.new_instance())
    vars(instance).update(values)
    return instance


def _insert_of(dialect: str) -> Callable[[Any], Any]:
    return sqlite.insert if dialect == "sqlite" else postgresql.insert
