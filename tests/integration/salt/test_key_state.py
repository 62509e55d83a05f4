"""The needles that stand for a salt are what a thief could use."""

from __future__ import annotations

import base64
import secrets
from hashlib import blake2b
from pathlib import Path

import pytest

from tests.integration.salt.key_state import begin, go_on
from tests.integration.salt.secret import Secret
from tests.support.core_image import Sieve


@pytest.mark.parametrize("digest_size", [8, 64])
def test_the_state_after_the_key_is_as_good_as_the_key(digest_size: int) -> None:
    """From that state alone every hash under the key can be made, so it is hunted as well."""
    key, content = secrets.token_bytes(32), b"demo\0v\x04\xcb\x00\x71\x07Mozilla/5.0"
    expected = blake2b(content, key=key, digest_size=digest_size).digest()
    assert go_on(begin(key, digest_size), content, digest_size) == expected


def test_a_secret_is_known_again_in_every_form() -> None:
    """Plain, reversed, hex, base64 at each alignment, whole or by half, it is found between others.

    Between its halves may stand anything; a word of eight bytes is found alone.
    """
    secret = Secret(Path("salt"), secrets.token_bytes(32))
    first, second = secret.halves
    written = [secret.content, first, second, secret.content[::-1], secret.content[8:16]]
    for pad in range(3):
        around = b"=" * pad + secret.content + b"after"
        written += [base64.b64encode(around), base64.urlsafe_b64encode(around)]
    written += [secret.content.hex().encode(), second.hex().upper().encode()]
    sieve = Sieve(secret.needles)
    for form in written:
        for before in (b"", b"odd", b"even"):
            assert list(sieve.find(before + form, "at the end")), form
            assert list(sieve.find(before + form + bytes(99), "between")), form
    assert not list(sieve.find(secrets.token_bytes(1 << 20), "elsewhere"))
