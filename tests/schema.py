"""Making the schema for tests."""

import importlib
import pkgutil

import vermilion
from vermilion.db import Base, open_database


def create_schema(url: str) -> None:
    """Create every table, check and trigger in an empty database."""
    for module in pkgutil.walk_packages(vermilion.__path__, "vermilion."):
        if module.name.endswith(".tables"):
            importlib.import_module(module.name)
    database = open_database(url)
    database.write_now(lambda tx: Base.metadata.create_all(tx.connection()))
    database.close()
