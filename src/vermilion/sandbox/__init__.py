"""Every vendor's wire protocol on localhost, so that the house runs before anybody owns a key.

Stands alone: it imports nothing else of vermilion, is written from the vendors' facts, and is
never looked at by the adapters it rehearses. Whoever starts a sandbox (the command line, tests,
benchmarks) comes in here: `create_app` for an application inside the caller's loop, `serve` for a
process of its own.
"""

from .config import SandboxConfig
from .server import create_app, run, serve

__all__ = ["SandboxConfig", "create_app", "run", "serve"]
