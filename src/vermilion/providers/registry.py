"""Which adapters there are: every module of this room that has an `Adapter`.

Adding a vendor is adding `providers/<vendor>.py` with a class `Adapter` whose `name` is `<vendor>`; no list is kept.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from vermilion.providers.contract import Ambiguity, PowerName, Provider


@cache
def adapters() -> Mapping[str, type[Provider]]:
    """Every adapter by the provider's name. Raises `TypeError` for a module whose adapter has another name."""
    room = import_module("vermilion.providers")
    found: dict[str, type[Provider]] = {}
    for module in iter_modules(room.__path__, f"{room.__name__}."):
        adapter = getattr(import_module(module.name), "Adapter", None)
        if adapter is None:
            continue
        name = module.name.rpartition(".")[2]
        if adapter.name != name:
            raise TypeError(f"{module.name}.Adapter is named {adapter.name!r}; it must be named after its file")
        found[name] = adapter
    return found


def has_power(provider: str, name: PowerName) -> bool:
    """Whether this provider's adapter has the optional method; False for a provider that is no longer there."""
    return callable(getattr(adapters().get(provider), name, None))


def can_look_up(provider: str) -> bool:
    """Whether the house can find out what became of a lost submit; False for a provider that is no longer there."""
    adapter = adapters().get(provider)
    return adapter is not None and adapter.ambiguity is not Ambiguity.NONE
