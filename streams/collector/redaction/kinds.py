"""What is replaced: the kinds, and one finding of a kind."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RedactionKind(StrEnum):
    """A kind of identifier; where two findings overlap, the kind listed first names both."""

    EMAIL = "email"
    IBAN = "iban"
    CARD = "card"
    PHONE = "phone"
    IP = "ip"
    TOKEN = "token"  # noqa: S105 - a kind's name, no secret


@dataclass(frozen=True, slots=True)
class Finding:
    """An identifier at `text[start:end]`."""

    start: int
    end: int
    kind: RedactionKind
