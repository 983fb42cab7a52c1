"""The HTTP face: every room's routes under one rim, the event stream, the studio's files.

`create_app(house)` makes it; `vermilion serve` runs it. The terminal grants credits as an admin does.
"""

from vermilion.app.admin import grant_by_admin
from vermilion.app.assembly import create_app

__all__ = ["create_app", "grant_by_admin"]
