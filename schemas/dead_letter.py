"""A dead letter: what could not be processed, and everything needed to repair and replay it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """The value of a record on `dead.letter.v1`; the fields are those of its schema.

    At-least-once: reprocessing a chunk writes its dead letters again, equal but for `refused_at`.
    """

    source_topic: str
    source_partition: int
    source_offset: int
    schema_id: int
    step: str
    reason: str
    detail: str
    code_version: str
    refused_at: datetime
    raw: bytes

    def to_datum(self) -> dict[str, Any]:
        """Return the fields as Avro takes them."""
        return asdict(self)

    @classmethod
    def from_datum(cls, datum: dict[str, Any]) -> Self:
        """Read the fields as Avro gives them."""
        return cls(**datum)
