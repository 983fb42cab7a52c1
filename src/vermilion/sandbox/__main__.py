"""`python -m vermilion.sandbox`: a sandbox as a process of its own."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from . import SandboxConfig, serve
from .vendor import vendors


def main() -> None:
    defaults = SandboxConfig()
    parser = argparse.ArgumentParser(prog="python -m vermilion.sandbox", description=__doc__)
    parser.add_argument("--host", default=defaults.host)
    parser.add_argument("--port", type=int, default=defaults.port)
    parser.add_argument("--data", type=Path, help="folder that keeps jobs and uploads over restarts")
    parser.add_argument("--speed", type=float, default=float(os.environ.get("VERMILION_SANDBOX_SPEED", defaults.speed)))
    parser.add_argument("--fast", action="store_true", help="no durations, one plain picture per size")
    parser.add_argument("--fast-picture-bytes", type=int, default=0, help="pad plain pictures to this size")
    parser.add_argument(
        "--login", action="append", default=[], type=_login, metavar="VENDOR:FIELD=VALUE,…", help="a login it accepts"
    )
    parser.add_argument("--max-concurrent", type=int, default=defaults.max_concurrent)
    parser.add_argument("--max-jobs", type=int, default=defaults.max_jobs)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--public-url", help="base of the addresses in answers, if not the request's own")
    parser.add_argument("--callback-host", action="append", default=[], help="another host webhooks may go to")
    asked = parser.parse_args()
    secrets: dict[str, list[dict[str, str]]] = {}
    for vendor, fields in asked.login:
        secrets.setdefault(vendor, []).append(fields)
    serve(
        SandboxConfig(
            host=asked.host,
            port=asked.port,
            data_dir=asked.data,
            speed=asked.speed,
            fast=asked.fast,
            fast_picture_bytes=asked.fast_picture_bytes,
            secrets=secrets,
            max_concurrent=asked.max_concurrent,
            max_jobs=asked.max_jobs,
            seed=asked.seed,
            public_url=asked.public_url,
            callback_hosts=tuple(asked.callback_host),
        )
    )


def _login(text: str) -> tuple[str, dict[str, str]]:
    vendor, _, fields = text.partition(":")
    known = vendors().get(vendor)
    if known is None:
        raise argparse.ArgumentTypeError(f"the vendors are {', '.join(vendors())}")
    given = dict(pair.split("=", 1) for pair in fields.split(",") if "=" in pair)
    if not given or not given.keys() <= known.default_secrets.keys():
        raise argparse.ArgumentTypeError(f"{vendor} asks for {', '.join(known.default_secrets)}")
    return vendor, given


if __name__ == "__main__":
    main()
