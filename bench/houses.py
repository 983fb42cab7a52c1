"""A house for a benchmark: a database with rich people, their API keys and one vendor; and the real server on it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from bench.processes import free_port, running, wait_until_answering
from vermilion import ledger
from vermilion.catalog import CredentialDraft, add_credential
from vermilion.db import Tx, open_database
from vermilion.db.schema import upgrade
from vermilion.identity import create_admin, create_api_key
from vermilion.kit.sealed import load_or_create_key
from vermilion.wiring import welcome

FAL_KEY = "sandbox-fal-key:not-secret"
CREDITS = 100_000_000
PEOPLE = 32
"""As many as there are clients at once: each has an account of their own, as people have."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A data folder and database ready to be served."""

    data: Path
    url: str
    user_id: UUID
    api_keys: tuple[str, ...]
    credential_id: UUID


@dataclass(frozen=True, slots=True)
class Served:
    """A server at work."""

    prepared: Prepared
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def api(self) -> str:
        """Where the API begins."""
        return f"http://127.0.0.1:{self.port}/api/v1"

    @property
    def headers(self) -> list[dict[str, str]]:
        """What signs a request in, for each of the people."""
        return [{"Authorization": f"Bearer {key}"} for key in self.prepared.api_keys]


def prepare(data: Path, url: str, vendor: str, *, max_concurrent: int) -> Prepared:
    """Make the tables and the first rows. `vendor` is the origin of something that speaks fal's protocol."""
    data.mkdir(parents=True, exist_ok=True)
    upgrade(url, data)
    sealer = load_or_create_key(data / "secret.key")
    now = datetime.now(UTC)

    def person(tx: Tx, number: int) -> tuple[UUID, str]:
        email = f"person{number}@example.test"
        user = create_admin(tx, email, name="Bench", password_hash="none", now=now, on_user_created=welcome)
        ledger.grant(tx, user.id, CREDITS, reason="bench", actor_id=None, key="bench", now=now)
        _, key = create_api_key(tx, user.id, "bench", ("read", "generate"), expires_in_days=None, now=now)
        return user.id, key

    def furnish(tx: Tx) -> tuple[list[tuple[UUID, str]], UUID]:
        fields = {"key": FAL_KEY, "base_url": f"{vendor}/fal", "rest_url": f"{vendor}/fal/rest"}
        draft = CredentialDraft(name="Bench", fields=fields, max_concurrent=max_concurrent, allow_private_hosts=True)
        credential = add_credential(tx, sealer, None, "fal", draft, now=now)
        return [person(tx, number) for number in range(PEOPLE)], credential.id

    database = open_database(url)
    try:
        people, credential_id = database.write_now(furnish)
    finally:
        database.close()
    return Prepared(data, url, people[0][0], tuple(key for _, key in people), credential_id)


@contextmanager
def serving(prepared: Prepared, *, ready: bool = True) -> Iterator[Served]:
    """`vermilion serve` on the prepared data, as a process of its own; `ready` waits until it is healthy."""
    port = free_port()
    env = {
        "VERMILION_DATABASE_URL": prepared.url,
        "VERMILION_RATE_LIMITS": "false",
        "VERMILION_LOG_LEVEL": "warning",
    }
    arguments = ["-m", "vermilion", "serve", "--data", str(prepared.data), "--port", str(port)]
    log = prepared.data / "server.log"
    with running(arguments, env=env, log=log) as process:
        served = Served(prepared, port, process)
        if ready:
            try:
                wait_until_answering(f"{served.api}/health/ready", process)
            except RuntimeError as error:
                raise RuntimeError(f"{error}:\n{log.read_text()[-2000:]}") from error
        yield served
