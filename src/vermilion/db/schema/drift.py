"""What differs: between a database and what its migrations make, and between the newest migration and the tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from vermilion.db.schema.revisions import migrate, revision_of, tables
from vermilion.db.schema.scratch import engine_for, scratch_beside
from vermilion.db.schema.shape import Part, Shape, shape_of


@dataclass(frozen=True, slots=True)
class Drift:
    """One part that is missing, different, or more than there should be."""

    how: Literal["missing", "different", "extra"]
    expected: Part | None
    found: Part | None

    def __str__(self) -> str:
        part = self.expected or self.found
        if part is None:
            raise AssertionError("unreachable: one of the two is there")
        told = f"{part.kind} {part.name} is {self.how}"
        if self.how == "different" and self.expected and self.found:
            told += f": expected {self.expected.definition!r}, found {self.found.definition!r}"
        return told


def drift_of_database(url: str) -> Sequence[Drift]:
    """What somebody changed in this database beside its migrations; an empty database has not drifted."""
    with engine_for(url) as engine, engine.connect() as connection:
        revision = revision_of(connection)
        if revision is None:
            return []
        return compare(shape_at(connection, revision), shape_of(connection))


def drift_of_migrations(url: str) -> Sequence[Drift]:
    """What the newest migration makes otherwise than the tables say, on this kind of database; a fault of ours."""
    with engine_for(url) as engine, engine.connect() as connection:
        with scratch_beside(connection) as scratch:
            tables().create_all(scratch)
            declared = shape_of(scratch)
        return compare(declared, shape_at(connection, "head"))


def shape_at(connection: Connection, revision: str) -> Shape:
    """What the migrations up to `revision` make on this kind of database."""
    with scratch_beside(connection) as scratch:
        migrate(scratch, revision)
        return shape_of(scratch)


def compare(expected: Shape, found: Shape) -> Sequence[Drift]:
    """Every difference, in the order of the expected shape."""
    told = {part for kind, part in expected if kind == "table"} - {part for kind, part in found if kind == "table"}
    drifts: list[Drift] = []
    for key, part in expected.items():
        there = found.get(key)
        if there is None and not (part.kind != "table" and part.name.split(".")[0] in told):
            drifts.append(Drift("missing", part, None))
        elif there is not None and there != part:
            drifts.append(Drift("different", part, there))
    drifts += [Drift("extra", None, part) for key, part in found.items() if key not in expected]
    return drifts
