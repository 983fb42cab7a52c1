"""The HTTP face: every room's routes under one rim, the event stream, the studio's files.

`create_app(house)` makes it; `vermilion serve` runs it.
"""

from vermilion.app.assembly import create_app

__all__ = ["create_app"]
