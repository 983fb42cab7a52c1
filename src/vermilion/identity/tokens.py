"""Secrets that people and programs carry: 256 random bits, known to us only by their hash.

They are random through and through, so one round of SHA-256 is enough and the hash can be looked up by an index.
"""

import hashlib
import secrets

API_KEY_MARK = "vk_"
"""What an API key begins with, so that people and secret scanners recognise one."""

_TOKEN_BYTES = 32
_SHOWN_CHARS = 6


def new_token() -> str:
    """256 random bits as base64url text (43 characters)."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def new_api_key() -> str:
    """A new API key, `vk_` and 256 random bits."""
    return API_KEY_MARK + new_token()


def shown_prefix(api_key: str) -> str:
    """The part of a key that lists may show, enough to tell one's own keys apart."""
    return api_key[: len(API_KEY_MARK) + _SHOWN_CHARS]


def hash_token(token: str) -> str:
    """SHA-256 of the token, hexadecimal; any text a client may send has one."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
