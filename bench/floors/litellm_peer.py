"""LiteLLM's proxy as a peer, where it is installed: a gateway that signs a caller in and passes a request on.

It is not among our dependencies: put it into an environment of its own and name that environment's `litellm` in
`BENCH_LITELLM`. Without it the benchmark says «not installed».
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import end, free_port, wait_until_answering

KEY = "sk-bench-not-secret"

_CONFIG = f"""
model_list:
  - model_name: mock
    litellm_params: {{model: openai/mock, api_key: none, mock_response: "accepted"}}
general_settings: {{master_key: {KEY}}}
litellm_settings: {{telemetry: false}}
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """The running proxy."""

    port: int
    pid: int
    key: str = KEY


@contextmanager
def running_litellm(folder: Path) -> Iterator[Peer | None]:
    """The proxy with one worker and one model that answers without calling anybody; None where it is missing."""
    command = os.environ.get("BENCH_LITELLM") or shutil.which("litellm")
    if command is None:
        yield None
        return
    config, port = folder / "litellm.yaml", free_port()
    config.write_text(_CONFIG)
    env = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}
    env.pop("PYTHONPATH", None)
    with (folder / "litellm.log").open("wb") as log:
        arguments = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
        process = subprocess.Popen([command, *arguments], env=env, stdout=log, stderr=log, cwd=folder)
        try:
            wait_until_answering(f"http://127.0.0.1:{port}/health/liveliness", process, pause_seconds=0.2)
            yield Peer(port, process.pid)
        finally:
            end(process)
