"""The secret of a salt as a thief would know it again, and where it is looked for."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from tests.integration.salt.key_state import begin
from tests.support.core_image import Sieve
from tests.support.scan import Hit, encodings

SECRET_BYTES: Final = 32
_WORD_BYTES: Final = 8
_DIGEST_SIZES: Final = (8, 64)
"""Of visitors and page loads; of row keys."""


@dataclass(frozen=True, slots=True)
class Secret:
    """The secret bytes of one salt, read from its file."""

    file: Path
    content: bytes

    @property
    def halves(self) -> tuple[bytes, bytes]:
        """The first and the second 16 bytes: who has the whole in any form has both."""
        half = SECRET_BYTES // 2
        return self.content[:half], self.content[half:]

    @property
    def texts(self) -> list[str]:
        """The whole and the halves in hex, for a search that packs them itself."""
        return [part.hex() for part in (self.content, *self.halves)]

    @property
    def needles(self) -> dict[str, frozenset[bytes]]:
        """What is the secret, or a good part of it, or as good as it; in every form."""
        parts = {"whole": self.content, "first half": self.halves[0], "second half": self.halves[1]}
        return {
            **{f"secret, {name}": _forms(part) for name, part in parts.items()},
            **{f"secret, word {place}": frozenset({word}) for place, word in _words(self.content)},
            **{
                f"state of {size}, word {place}": frozenset({word})
                for size in _DIGEST_SIZES
                for place, word in _words(begin(self.content, size))
            },
        }


def read_secrets(folder: Path) -> list[Secret]:
    """Return the secrets of a site's folder of salts, the earliest day first."""
    files = sorted(folder.glob("[0-9]*-*-*"))
    return [Secret(file, file.read_bytes()[:SECRET_BYTES]) for file in files]


def has_secret(secret: Secret, hits: set[Hit]) -> bool:
    """Say whether the whole secret was found, its halves and its words."""
    names = {name for name in secret.needles if name.startswith("secret, ")}
    return names <= {hit.needle for hit in hits}


def scan_tree(folder: Path, needles: Mapping[str, frozenset[bytes]]) -> set[Hit]:
    """Search the bytes of every file below a folder that services still write to."""
    hits: set[Hit] = set()
    sieve = Sieve(needles)
    for path in _files_below(folder):
        with suppress(FileNotFoundError):  # a store puts its files together all the time
            hits.update(sieve.find(path.read_bytes(), f"file {path.relative_to(folder)}"))
    return hits


def _files_below(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (path for name in names if (path := Path(place, name)).is_file())


def _words(content: bytes) -> Iterator[tuple[int, bytes]]:
    for place in range(0, len(content), _WORD_BYTES):
        yield place // _WORD_BYTES, content[place : place + _WORD_BYTES]


def _forms(part: bytes) -> frozenset[bytes]:
    """Return the forms of bytes: plain, reversed, hex, base64 at three alignments, and URL-safe."""
    forms = encodings(part.hex())
    assert {part, part[::-1], part.hex().encode()} <= forms
    cores = (base64.urlsafe_b64encode(b"\0" * pad + part)[4:-4] for pad in range(3))
    return frozenset(chain(forms, cores))
