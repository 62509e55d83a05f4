"""Reading dead letters back: where each came from and why. What is in it stays on the topic."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.catalogue import Catalogue
from schemas.codec import decode_reference
from schemas.dead_letter import DeadLetter
from schemas.errors import HmaraError
from schemas.topics import DEAD_LETTER

_TIMEOUT_S: Final = 10.0
_POLL_S: Final = 1.0


class DeadLetterError(HmaraError):
    """The dead letters can not be read."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A dead letter without its bytes, which may hold anything."""

    source_topic: str
    source_partition: int
    source_offset: int
    schema_id: int
    step: str
    reason: str
    code_version: str
    refused_at: datetime
    raw_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON takes them."""
        return asdict(self) | {"refused_at": self.refused_at.isoformat()}


def read_dead_letters(bootstrap_servers: str, catalogue: Catalogue) -> Iterator[DeadLetter]:
    """Yield every dead letter that is on the topic now, oldest first within a partition.

    Raises:
        DeadLetterError: Kafka does not answer, or the topic does not exist.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "hmara-dead-letters",
            "enable.auto.commit": False,
            "log_level": 2,  # what fails is raised, and said once
        }
    )
    try:
        ends = _find_ends(consumer)
        starts = [TopicPartition(DEAD_LETTER.name, number, start) for number, start, _ in ends]
        consumer.assign(starts)
        left = sum(end - start for _, start, end in ends)
        deadline = time.monotonic() + _TIMEOUT_S
        while left:
            record = consumer.poll(_POLL_S)
            if record is None or record.error():
                _check_time(deadline, left)
                continue
            left -= 1
            deadline = time.monotonic() + _TIMEOUT_S
            yield DeadLetter.from_datum(decode_reference(catalogue, record.value()))
    except KafkaException as error:
        message = f"reading dead letters: Kafka at {bootstrap_servers}: {error.args[0].str()}"
        raise DeadLetterError(message) from None
    finally:
        consumer.close()


def list_dead_letters(bootstrap_servers: str, catalogue: Catalogue, limit: int) -> Iterator[Listed]:
    """Yield the newest letters, without their bytes."""
    for letter in deque(read_dead_letters(bootstrap_servers, catalogue), maxlen=limit):
        yield Listed(
            letter.source_topic,
            letter.source_partition,
            letter.source_offset,
            letter.schema_id,
            letter.step,
            letter.reason,
            letter.code_version,
            letter.refused_at,
            len(letter.raw),
        )


def _check_time(deadline: float, left: int) -> None:
    """Give up when nothing has come for a while: Kafka is away, or what was left is expired."""
    if time.monotonic() > deadline:
        message = f"reading dead letters: {left} did not come within {_TIMEOUT_S:g} s"
        raise DeadLetterError(message)


def _find_ends(consumer: Consumer) -> list[tuple[int, int, int]]:
    """Return (partition, first offset, end offset) of each partition that holds something."""
    found = consumer.list_topics(DEAD_LETTER.name, timeout=_TIMEOUT_S).topics[DEAD_LETTER.name]
    if found.error is not None:
        message = f"reading dead letters: {found.error.name()}; run `hmara topics apply`"
        raise DeadLetterError(message)
    ends = []
    for number in found.partitions:
        partition = TopicPartition(DEAD_LETTER.name, number)
        start, end = consumer.get_watermark_offsets(partition, timeout=_TIMEOUT_S)
        if end > start:
            ends.append((number, start, end))
    return ends
