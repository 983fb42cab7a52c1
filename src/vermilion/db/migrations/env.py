"""What Alembic runs around migrations; the connection, already in a transaction, comes from `vermilion.db.schema`."""

from alembic import context

from vermilion.db.standing import VERSION_TABLE
from vermilion.db.types import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    # SQLite can change little of a table in place; Alembic then rebuilds it.
    render_as_batch=True,
    # True of SQLite too: our engines begin transactions themselves.
    transactional_ddl=True,
    compare_type=True,
    compare_server_default=True,
)
context.run_migrations()
