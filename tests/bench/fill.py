"""Fills topics: events packed into records of given sizes, one record per Kafka batch."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from confluent_kafka import KafkaError, Message, Producer

from schemas.topics import WEB_EVENT
from streams.collector.avro_writer import write_batch
from tests.bench.errors import BenchError
from tests.bench.events import SCHEMA_ID
from tests.bench.record_sizes import RecordSizes
from tests.bench.services import Services

_COLLECTOR: Final = "hmara-collector/bench"
_SEED: Final = 4
_FLUSH_S: Final = 120.0
_POLL_S: Final = 0.1


def pack(events: Iterable[bytes], sizes: RecordSizes | None) -> Iterator[bytes]:
    """Put events into records whose sizes are drawn as measured; one event each without sizes."""
    rest = iter(events)
    dice = random.Random(_SEED)
    numbers, weights = zip(*sizes.counts.items(), strict=True) if sizes else ((1,), (1,))
    while True:
        for number in dice.choices(numbers, weights, k=1_000):
            taken = list(islice(rest, number))
            if not taken:
                return
            yield write_batch(SCHEMA_ID, _COLLECTOR, len(taken), taken)


def fill_topic(services: Services, topic: str, values: Iterable[bytes]) -> int:
    """Produce records to partitions in turn and wait until Kafka has them; return how many.

    As in a topic that the collector wrote, each record is a Kafka batch of its own: it sends one
    as soon as it has it, and a partition seldom has two ready at once.

    Raises:
        BenchError: Kafka did not take one.
    """
    failed: list[str] = []

    def report(error: KafkaError | None, message: Message) -> None:
        del message
        if error is not None:
            failed.append(error.name())

    producer = Producer(
        {
            "bootstrap.servers": services.kafka.bootstrap_servers,
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 0,
            "batch.num.messages": 1,
            "compression.type": "lz4",
            "log_level": 3,
        }
    )
    records = 0
    for value in values:
        while True:
            try:
                producer.produce(
                    topic, value, partition=records % WEB_EVENT.partitions, on_delivery=report
                )
                break
            except BufferError:
                producer.poll(_POLL_S)
        producer.poll(0)
        records += 1
    left = producer.flush(_FLUSH_S)
    if left or failed:
        message = f"filling {topic}: {left} records unanswered, {len(failed)} failed {failed[:1]}"
        raise BenchError(message)
    return records
