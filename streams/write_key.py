"""The keys with which a site's servers send events: drawn here, kept as a digest only."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Final

PREFIX: Final = "hmw_"
"""Lets a scanner of leaked secrets know one when it sees one."""
_KEY_BYTES: Final = 32


def draw_write_key() -> str:
    """Draw a key: the prefix and 32 random bytes as base64url without padding."""
    drawn = base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES))
    return PREFIX + drawn.decode().rstrip("=")


def digest_write_key(key: str) -> str:
    """Return what a sites file keeps of a key: the SHA-256 of its text, prefix and all, in hex.

    256 random bits need neither salt nor a slow hash: there is nothing to guess.
    """
    return hashlib.sha256(key.encode()).hexdigest()
