"""The settings a command works with: the environment's, and in their place what its options say."""

from typing import Any

from vermilion.settings import Settings


def read_settings(**given: Any) -> Settings:
    """The environment's settings, with what the command line gave in their place."""
    return Settings(**{name: value for name, value in given.items() if value is not None})
