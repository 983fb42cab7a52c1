"""Making the schema for tests: by the migrations, as everywhere else."""

import tempfile
from pathlib import Path

from vermilion.db.schema import upgrade


def create_schema(url: str) -> None:
    """Create every table, check and trigger in an empty database."""
    with tempfile.TemporaryDirectory() as data_dir:
        upgrade(url, Path(data_dir))
