"""Every Kafka topic of hmara, declared once: name, shape, plane and how it is erased."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS


class Plane(StrEnum):
    """Who a place's data may be about, strictest last (ARCHITECTURE, "Four planes")."""

    ANONYMOUS = "A"
    STAGING = "S"
    CONTROL = "C"
    PERSONAL = "P"


class Cleanup(StrEnum):
    """How Kafka forgets the records of a topic."""

    DELETE = "delete"
    COMPACT = "compact"


class Erasure(StrEnum):
    """How a person's records leave a topic."""

    AGE = "age"
    TOMBSTONE = "tombstone"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    Attributes:
        name: `<domain>.<event>.v<n>`, also the name of its Avro schema.
        key: what the record's key is, in words; records without a key are placed by the producer.
        partitions: fixed for the topic's life, because it decides where a retry lands.
        retention_ms: age at which a segment may go; counted from the broker's clock.
        segment_ms: age at which a segment is closed; only closed segments are removed.
        max_record_bytes: largest record the broker takes.
        batched: the worker reads it as lists of records (streams/transport.py).
    """

    name: str
    key: str
    partitions: int
    cleanup: Cleanup
    retention_ms: int
    segment_ms: int
    max_record_bytes: int
    plane: Plane
    erasure: Erasure
    batched: bool = False

    def settings(self) -> dict[str, str]:
        """Return the topic's settings under the broker's names."""
        return {
            "cleanup.policy": self.cleanup.value,
            "retention.ms": str(self.retention_ms),
            "segment.ms": str(self.segment_ms),
            "max.message.bytes": str(self.max_record_bytes),
            # A client's clock must never pin a segment (or let it go early).
            "message.timestamp.type": "LogAppendTime",
        }


WEB_EVENT: Final = Topic(
    name="web.event.v1",
    key="none; partition by page load, so that a retry meets its original",
    partitions=4,
    cleanup=Cleanup.DELETE,
    retention_ms=24 * _HOUR_MS,
    segment_ms=_HOUR_MS,
    max_record_bytes=1 << 20,
    plane=Plane.PERSONAL,
    erasure=Erasure.AGE,
    batched=True,
)

DEAD_LETTER: Final = Topic(
    name="dead.letter.v1",
    key="source topic",
    partitions=1,
    cleanup=Cleanup.DELETE,
    retention_ms=24 * _HOUR_MS,
    segment_ms=_HOUR_MS,
    # A dead letter carries a whole record of the source topic and a few words more.
    max_record_bytes=(1 << 20) + 65_536,
    plane=Plane.PERSONAL,
    erasure=Erasure.AGE,
)

TOPICS: Final = (WEB_EVENT, DEAD_LETTER)
