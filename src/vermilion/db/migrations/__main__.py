"""`python -m vermilion.db.migrations "what changes"`: draft a migration from what the tables now say."""

import sys

from vermilion.db.schema import draft_migration

if __name__ == "__main__":
    sys.stdout.write(f"{draft_migration(' '.join(sys.argv[1:]) or 'change')}\n")
