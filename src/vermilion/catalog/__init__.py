"""The catalog: which models there are, what each may be asked and costs, and the credentials to reach them.

`generation`, `dialects`, `wiring` and `app` come in. Entries are declared in `entries/*.toml`.
"""

from vermilion.catalog.entry import Accepted, Entry, GivenInput
from vermilion.catalog.price import Quote
from vermilion.catalog.shelf import CatalogBroken, Shelf, load_shelf

__all__ = ["Accepted", "CatalogBroken", "Entry", "GivenInput", "Quote", "Shelf", "load_shelf"]
