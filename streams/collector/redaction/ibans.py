"""IBANs (ISO 13616): the length and structure of the country, and a right remainder mod 97."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from stdnum import iban
from stdnum.iso7064 import mod_97_10

from streams.collector.redaction.kinds import Finding, RedactionKind

_HEAD: Final = re.compile(r"(?:(?<![A-Za-z0-9])|(?<=iban))[a-z]{2} ?[0-9]{2}", re.IGNORECASE)
_SIGNS: Final = re.compile(r"[A-Za-z0-9]+")
_BODY: Final = re.compile(r"[A-Za-z0-9]+(?:[ .\-]{1,2}[A-Za-z0-9]+)*")
_MIN_CHARS: Final = 15
_MAX_CHARS: Final = 34
_MAX_SPAN_CHARS: Final = 3 * _MAX_CHARS


def find_ibans(text: str) -> Iterator[Finding]:
    """Yield IBANs in either case, with and without separators."""
    done = 0
    for match in _HEAD.finditer(text):
        if match.start() < done:
            continue
        end = _find_end(text, match.start())
        if end is not None:
            done = end
            yield Finding(match.start(), end, RedactionKind.IBAN)


def _find_end(text: str, start: int) -> int | None:
    """Return where an IBAN that begins at `start` ends: where a group ends and it is valid."""
    body = _BODY.match(text, start, start + _MAX_SPAN_CHARS)
    if body is None:
        return None
    number = ""
    for group in _SIGNS.finditer(text, start, body.end()):
        number += group[0]
        if len(number) > _MAX_CHARS:
            return None
        if len(number) >= _MIN_CHARS and _is_iban(number):
            return group.end()
    return None


def _is_iban(number: str) -> bool:
    if not mod_97_10.is_valid(number[4:] + number[:4]):
        return False
    return number[2:4].isdecimal() and iban.is_valid(number, check_country=False)
