"""The page at `/`."""

from __future__ import annotations

from .config import SandboxConfig


def page(config: SandboxConfig, origin: str) -> str:
    return "<!doctype html><title>Sandbox</title>"
