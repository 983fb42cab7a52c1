"""Passwords: which are accepted, and argon2id in a small pool, so that signing in cannot exhaust the machine."""

import asyncio
import secrets
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from vermilion.kit import AppError, Invalid

PASSWORD_CHARS_MIN = 8
PASSWORD_CHARS_MAX = 128

_THREADS = 2
_BUSY_RETRY_SECONDS = 3
_HASH_BYTES = 32
_SALT_BYTES = 16


class PasswordHashing:
    """Hashes and checks passwords with argon2id.

    The defaults are RFC 9106's for servers without much memory (3 passes over 64 MiB, 4 lanes; about 160 ms).
    At most `waiting_max` calls are accepted at a time, two of them run; the next one gets 429 `rate.limited`
    at once, so a flood of sign-ins costs at most two cores and 128 MiB.
    """

    def __init__(self, *, passes: int = 3, memory_kib: int = 65_536, lanes: int = 4, waiting_max: int = 32) -> None:
        self._hash = PasswordHash(
            (Argon2Hasher(passes, memory_kib, lanes, hash_len=_HASH_BYTES, salt_len=_SALT_BYTES),)
        )
        self._nobody = _hash_of_nobody(passes, memory_kib, lanes)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="vermilion-passwords")
        self._waiting = 0
        self._waiting_max = waiting_max

    async def hash(self, password: str) -> str:
        """The encoded argon2id hash of `password`."""
        with _Place(self):
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._hash.hash, password)

    async def verify(self, password: str, password_hash: str | None) -> tuple[bool, str | None]:
        """Whether it is the password, and a new hash when the stored one has other parameters than ours.

        None stands for a person we do not know: it takes as long and is never right.
        """
        with _Place(self):
            right, renewed = await asyncio.get_running_loop().run_in_executor(
                self._pool, self._hash.verify_and_update, password, password_hash or self._nobody
            )
        return (right, renewed) if password_hash is not None else (False, None)

    def hash_now(self, password: str) -> str:
        """`hash` for the terminal, which has no event loop."""
        return self._hash.hash(password)

    def close(self) -> None:
        """Wait for what runs and end the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class _Place:
    """A place in the queue, given back when the work is done."""

    def __init__(self, hashing: PasswordHashing) -> None:
        self._hashing = hashing

    def __enter__(self) -> None:
        if self._hashing._waiting >= self._hashing._waiting_max:
            raise AppError(
                "rate.limited",
                "Too many people are signing in at this moment. Try again in a few seconds.",
                status=429,
                extras={"retry_after_seconds": _BUSY_RETRY_SECONDS},
                headers={"Retry-After": str(_BUSY_RETRY_SECONDS)},
            )
        self._hashing._waiting += 1

    def __exit__(self, *_: object) -> None:
        self._hashing._waiting -= 1


def refuse_weak_password(password: str, *, email: str | None = None, phone: str | None = None, field: str) -> None:
    """Raise `Invalid` when the password is too short, too long, widely known, or the person's own address or number."""
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise Invalid(
            "auth.password_length",
            f"A password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters.",
            field=field,
            extras={"minimum_chars": PASSWORD_CHARS_MIN, "maximum_chars": PASSWORD_CHARS_MAX},
        )
    folded = password.casefold()
    known = {*_told_by(email, "@"), *_told_by(phone, "+86")}
    if folded in known or folded in common_passwords() or len(set(folded)) == 1:
        raise Invalid(
            "auth.password_too_common",
            "This password is among the first anybody would try. Choose another.",
            field=field,
        )


def _told_by(name: str | None, mark: str) -> set[str]:
    """What a person is known by, whole and without its mark."""
    return set() if name is None else {name, *name.split(mark)}


@cache
def common_passwords() -> frozenset[str]:
    """The passwords everybody tries first, case-folded (`common_passwords.txt`)."""
    text = files("vermilion.identity").joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def _hash_of_nobody(passes: int, memory_kib: int, lanes: int) -> str:
    """A well-formed hash that no password has: checking against it costs what any check costs."""
    salt, digest = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (_SALT_BYTES, _HASH_BYTES))
    return f"$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${digest}"
