"""The topic of web events as tests need it: its end, and a group that starts there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaException, TopicPartition

from processors.decode import decode_records
from schemas.catalogue import Catalogue
from schemas.codec import EventCodec
from schemas.topics import WEB_EVENT
from tests.support.services import Stack
from tests.support.waiting import wait_until

_TIMEOUT_S = 10.0


def read_ends(stack: Stack) -> tuple[int, ...]:
    """Return the end offset of each partition."""
    consumer = _open(stack, "test-ends")
    try:
        return tuple(place.offset for place in _find_ends(consumer))
    finally:
        consumer.close()


@contextmanager
def hold_ends(stack: Stack) -> Iterator[None]:
    """Hold that nothing is stored inside the block."""
    before = read_ends(stack)
    yield
    assert read_ends(stack) == before


def skip_to_end(stack: Stack) -> None:
    """Let this test's workers begin at the end: what other tests have written is not theirs."""
    consumer = _open(stack, stack.group)

    def is_committed() -> bool:
        try:
            consumer.commit(offsets=_find_ends(consumer), asynchronous=False)
        except KafkaException:  # a broker that has just started reads its groups first
            return False
        return True

    try:
        wait_until(is_committed, "Kafka takes a commit")
    finally:
        consumer.close()


def read_committed(stack: Stack) -> tuple[int, ...]:
    """Return the committed offset of each partition."""
    consumer = _open(stack, stack.group)
    try:
        return tuple(place.offset for place in consumer.committed(_places(), timeout=_TIMEOUT_S))
    finally:
        consumer.close()


def count_stored(stack: Stack, begin: tuple[int, ...], end: tuple[int, ...]) -> int:
    """Count the events of this test's site between two ends of the partitions."""
    consumer = _open(stack, "test-count")
    codec, values = EventCodec(Catalogue.load()), []
    try:
        for number, (first, last) in enumerate(zip(begin, end, strict=True)):
            consumer.assign([TopicPartition(WEB_EVENT.name, number, first)])
            taken = first
            while taken < last:
                record = consumer.poll(_TIMEOUT_S)
                assert record is not None, "Kafka gives the records that it has"
                assert record.error() is None
                taken = record.offset() + 1
                values.append(record.value())
    finally:
        consumer.close()
    if not values:
        return 0
    decoded = decode_records(codec, values)
    assert not decoded.dead
    sites: list[str] = decoded.columns.events.column("site").to_pylist()
    return sites.count(stack.site)


def _open(stack: Stack, group: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": stack.services.kafka_bootstrap_servers,
            "group.id": group,
            "enable.auto.commit": False,
            "log_level": 3,
        }
    )


def _places() -> list[TopicPartition]:
    return [TopicPartition(WEB_EVENT.name, number) for number in range(WEB_EVENT.partitions)]


def _find_ends(consumer: Consumer) -> list[TopicPartition]:
    ends = []
    for place in _places():
        _, end = consumer.get_watermark_offsets(place, timeout=_TIMEOUT_S)
        ends.append(TopicPartition(place.topic, place.partition, end))
    return ends
