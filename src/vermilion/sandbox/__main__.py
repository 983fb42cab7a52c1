"""`python -m vermilion.sandbox`: a sandbox as a process of its own."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from . import SandboxConfig, serve


def main() -> None:
    defaults = SandboxConfig()
    parser = argparse.ArgumentParser(prog="python -m vermilion.sandbox", description=__doc__)
    parser.add_argument("--host", default=defaults.host)
    parser.add_argument("--port", type=int, default=defaults.port)
    parser.add_argument("--data", type=Path, help="folder that keeps jobs and uploads over restarts")
    parser.add_argument("--speed", type=float, default=float(os.environ.get("VERMILION_SANDBOX_SPEED", defaults.speed)))
    parser.add_argument("--fast", action="store_true", help="no durations, one plain picture per size")
    parser.add_argument("--fast-picture-bytes", type=int, default=0, help="pad plain pictures to this size")
    parser.add_argument("--fal-key", default=defaults.fal_key)
    parser.add_argument("--max-concurrent", type=int, default=defaults.max_concurrent)
    parser.add_argument("--max-jobs", type=int, default=defaults.max_jobs)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--public-url", help="base of the addresses in answers, if not the request's own")
    parser.add_argument("--callback-host", action="append", default=[], help="another host webhooks may go to")
    asked = parser.parse_args()
    serve(
        SandboxConfig(
            host=asked.host,
            port=asked.port,
            data_dir=asked.data,
            speed=asked.speed,
            fast=asked.fast,
            fast_picture_bytes=asked.fast_picture_bytes,
            fal_key=asked.fal_key,
            max_concurrent=asked.max_concurrent,
            max_jobs=asked.max_jobs,
            seed=asked.seed,
            public_url=asked.public_url,
            callback_hosts=tuple(asked.callback_host),
        )
    )


if __name__ == "__main__":
    main()
