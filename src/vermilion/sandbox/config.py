"""How one sandbox is set up: where it listens, how fast its clocks run, what it keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """Everything a sandbox needs to know before it starts.

    `speed` divides every rehearsed duration (2.0 is twice as quick); from 20 on, pictures have less detail.
    `fast` makes durations zero and answers with one prepared picture per size, for load tests;
    `fast_picture_bytes` pads it.
    With `data_dir` jobs and uploads survive a restart; without it they live in memory.
    `secrets` are the logins each vendor accepts, by its name; what is left out is the vendor's own fake.
    The sandbox itself only ever connects to loopback addresses and to `callback_hosts`.
    """

    host: str = "127.0.0.1"
    port: int = 8081
    data_dir: Path | None = None
    speed: float = 1.0
    fast: bool = False
    fast_picture_bytes: int = 0
    secrets: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    max_concurrent: int = 10
    seed: int = 0
    public_url: str | None = None
    callback_hosts: tuple[str, ...] = ()
    max_jobs: int = 20_000
    max_body_bytes: int = 32 * 1024 * 1024
    max_upload_bytes: int = 256 * 1024 * 1024
    max_prompt_chars: int = 20_000
    webhook_retry_seconds: float = 5.0

    def __post_init__(self) -> None:
        if not 0.001 <= self.speed <= 10_000:
            raise ValueError("speed must be between 0.001 and 10000")
        if self.max_concurrent < 1:
            raise ValueError("max_concurrent must be at least 1")
        if not all(self.secrets.values()):
            raise ValueError("a vendor whose secrets are given needs at least one login")
