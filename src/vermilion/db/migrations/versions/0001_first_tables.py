"""Every table of the first version."""

from vermilion.db.migrations.first import accounts, catalog, events, generations, library, people

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    people.create()
    accounts.create()
    catalog.create()
    library.create()
    generations.create()
    events.create()
