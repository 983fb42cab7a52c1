"""Driving rows to their end: the port of five words, and the engine of one process.

`wiring` opens an engine; `generation` hands it ids. It knows nothing of either.
"""

from vermilion.engine.local import LocalEngine
from vermilion.engine.port import Bell, Drive, Engine

__all__ = ["Bell", "Drive", "Engine", "LocalEngine"]
