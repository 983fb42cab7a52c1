"""Secrets at rest: AES-256-GCM, bound to the row that holds them, with keys that can be replaced.

A sealed text reads `v1.<key id>.<nonce and ciphertext, base64url>`. What it is bound to (`credential:<id>`)
is authenticated with it, so a sealed text moved to another row does not open there.

The key file holds one key per line, `<key id> <32 bytes, base64url>`; the last line is the current key.
Rotation: `add_key` appends a key, then everything not `is_current` is opened and sealed again, then the old
line may be deleted.
"""

import base64
import binascii
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = "v1"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_KEY_ID = re.compile(r"[a-z0-9]{1,32}")


class SealBroken(Exception):
    """A sealed text that cannot be opened: damaged, bound to something else, or sealed with a key we lack."""


class KeyFileBroken(Exception):
    """The key file is not what `load_or_create_key` writes; its message names the line."""


class Sealer:
    """Seals with the current key, opens with any it holds.

    `keys` are 32-byte keys by id (lower-case letters and digits), `current` is the id new seals use.
    """

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        if current not in keys:
            raise ValueError("the current key is not among the keys")
        for key_id, key in keys.items():
            if not _KEY_ID.fullmatch(key_id):
                raise ValueError(f"a key id is lower-case letters and digits, not {key_id!r}")
            if len(key) != _KEY_BYTES:
                raise ValueError(f"key {key_id!r} must have {_KEY_BYTES} bytes")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = current

    def seal(self, plain: str, *, bound_to: str) -> str:
        """`plain` as a sealed text that opens only with the same `bound_to`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = self._ciphers[self._current]
        closed = cipher.encrypt(nonce, plain.encode(), _associated(self._current, bound_to))
        return f"{_VERSION}.{self._current}.{_to_text(nonce + closed)}"

    def open(self, sealed: str, *, bound_to: str) -> str:
        """What was sealed; raises `SealBroken` and never says more than which key was wanted."""
        key_id, blob = _parts(sealed)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SealBroken(f"sealed with the key {key_id!r}, which is not in the key file")
        try:
            return cipher.decrypt(blob[:_NONCE_BYTES], blob[_NONCE_BYTES:], _associated(key_id, bound_to)).decode()
        except (InvalidTag, UnicodeDecodeError) as error:
            raise SealBroken("the sealed text is damaged or belongs to something else") from error

    def is_current(self, sealed: str) -> bool:
        """Whether it was sealed with the current key; what was not is due for sealing again."""
        return _parts(sealed)[0] == self._current

    def reseal(self, sealed: str, *, bound_to: str) -> str:
        """The same secret under the current key."""
        return self.seal(self.open(sealed, bound_to=bound_to), bound_to=bound_to)


def load_or_create_key(path: Path) -> Sealer:
    """The sealer of the key file at `path`; a missing file is created with one new key, readable by its owner only.

    Two processes that start together agree on one key. Raises `KeyFileBroken` for a file that is not ours.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, _line(_new_key_id(), secrets.token_bytes(_KEY_BYTES)), replace=False)
    return _read(path)


def add_key(path: Path) -> Sealer:
    """Append a new key to the file and return a sealer that uses it; what older keys sealed still opens."""
    _read(path)
    written = path.read_text(encoding="ascii").rstrip("\n") + "\n"
    _write_whole(path, written + _line(_new_key_id(), secrets.token_bytes(_KEY_BYTES)), replace=True)
    return _read(path)


def _read(path: Path) -> Sealer:
    keys: dict[str, bytes] = {}
    current = ""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except UnicodeDecodeError as error:
        raise KeyFileBroken(f"{path}: not a key file") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split()
        try:
            current, key = words[0], _from_text(words[1])
        except (IndexError, ValueError) as error:
            raise KeyFileBroken(f"{path}: line {number} is not a key") from error
        if len(words) != 2 or len(key) != _KEY_BYTES or not _KEY_ID.fullmatch(current) or current in keys:
            raise KeyFileBroken(f"{path}: line {number} is not a key")
        keys[current] = key
    if not keys:
        raise KeyFileBroken(f"{path}: holds no key")
    return Sealer(keys, current)


def _write_whole(path: Path, text: str, *, replace: bool) -> None:
    """Write the file in one step, so that nobody ever reads half a key; without `replace` the first writer wins."""
    spool = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(spool, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            spool.replace(path)
            return
        try:
            os.link(spool, path)
        except FileExistsError:
            return
    finally:
        spool.unlink(missing_ok=True)


def _line(key_id: str, key: bytes) -> str:
    return f"{key_id} {_to_text(key)}\n"


def _new_key_id() -> str:
    return f"k{secrets.token_hex(4)}"


def _associated(key_id: str, bound_to: str) -> bytes:
    return f"vermilion:{_VERSION}:{key_id}:{bound_to}".encode()


def _parts(sealed: str) -> tuple[str, bytes]:
    match sealed.split("."):
        case [version, key_id, text] if version == _VERSION:
            try:
                blob = _from_text(text)
            except ValueError as error:
                raise SealBroken("not a sealed text") from error
            if len(blob) > _NONCE_BYTES:
                return key_id, blob
    raise SealBroken("not a sealed text")


def _to_text(blob: bytes) -> str:
    return base64.urlsafe_b64encode(blob).decode().rstrip("=")


def _from_text(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
