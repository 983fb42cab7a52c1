"""The library: what people made or uploaded. Files are inspected and kept here, and assets point to them.

`generation` comes in to keep results and to read inputs, `billing` never, wiring to open the `Keeper`.
"""

from vermilion.library.inspection.media import Kind, Unreadable
from vermilion.library.keeper import Keeper, KeptFile

__all__ = ["Keeper", "KeptFile", "Kind", "Unreadable"]
