"""The book of offsets: only the acked head of what was delivered is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import faust
import pytest
from faust.transport.drivers.aiokafka import Consumer as StockConsumer
from faust.types import TP, Message
from faust.types.tuples import ConsumerMessage
from hypothesis import given
from hypothesis import strategies as st

from streams.transport import (
    BATCHED,
    Consumer,
    RecordList,
    RecordListSchema,
    Transport,
    _Delivered,
)

EVENTS: Final = TP("web.event.v1", 0)
OTHER: Final = TP("web.event.v1", 1)


async def ignore(*_: object, **__: object) -> None:
    """Take a call and do nothing."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> faust.App:
    """Return an app that is never started; nothing of it connects to anything."""
    return faust.App(
        "offsets",
        broker="hmara://kafka.example.org",
        datadir=str(tmp_path_factory.mktemp("faust")),
        store="memory://",
        web_enabled=False,
    )


Make = Callable[[], Consumer]


async def test_subscribing_waits_for_the_consumers_thread(
    make_consumer: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that is slow to start does not end the worker: nothing is asked of it before."""
    asked: list[object] = []

    async def subscribe(_: object, topics: object) -> None:
        asked.append(topics)

    monkeypatch.setattr(StockConsumer, "subscribe", subscribe)
    consumer = make_consumer()
    subscribing = asyncio.ensure_future(consumer.subscribe(["web.event.v1"]))
    for _ in range(5):
        await asyncio.sleep(0)
    assert asked == []
    consumer._thread._consumer = object()  # noqa: SLF001 - what the thread makes
    await asyncio.wait_for(subscribing, 5)
    assert asked == [["web.event.v1"]]


@pytest.fixture(scope="module")
def make_consumer(app: faust.App) -> Make:
    """Return a maker of consumers as the app makes its own."""

    def make() -> Consumer:
        consumer: Consumer = app.transport.create_consumer(
            ignore, on_partitions_revoked=ignore, on_partitions_assigned=ignore
        )
        return consumer

    return make


@pytest.fixture
def consumer(make_consumer: Make) -> Consumer:
    """Return a consumer to which nothing was delivered yet."""
    return make_consumer()


def make_message(offset: int, tp: TP = EVENTS) -> Message:
    """Return a message that ends at an offset."""
    return ConsumerMessage(tp.topic, tp.partition, offset, 0.0, 0, [], None, None, None, tp=tp)


def deliver(consumer: Consumer, first: int, last: int, tp: TP = EVENTS) -> Message:
    """Deliver a list of records, from its first to its last offset."""
    message = make_message(last, tp)
    consumer._deliver(tp, _Delivered(first, message))  # noqa: SLF001 - the book itself is tested
    return message


def commit(consumer: Consumer, tp: TP = EVENTS) -> int | None:
    """Return the offset that the next commit would carry, as Faust asks for it."""
    offset: int | None = consumer._filter_committable_offsets({tp}).get(tp)  # noqa: SLF001
    if offset is not None:
        consumer._committed_offset[tp] = offset  # noqa: SLF001
    return offset


def test_the_scheme_picks_this_transport(app: faust.App, consumer: Consumer) -> None:
    """A broker URL with the scheme hmara:// gives our consumer."""
    assert isinstance(app.transport, Transport)
    assert isinstance(consumer, Consumer)
    assert {"web.event.v1"} == BATCHED


def test_only_the_acked_head_is_committed(consumer: Consumer) -> None:
    """Acks out of order wait for the ones before them."""
    first, second, third = (deliver(consumer, n * 10, n * 10 + 9) for n in range(3))
    assert commit(consumer) is None
    consumer.ack(second)
    consumer.ack(third)
    assert commit(consumer) is None
    consumer.ack(first)
    assert commit(consumer) == 30
    assert commit(consumer) is None


def test_nothing_is_committed_before_the_first_message_is_done(consumer: Consumer) -> None:
    """Fault of Faust: before a group's first commit it commits past a missing head."""
    deliver(consumer, 0, 0)
    done = deliver(consumer, 1, 1)
    consumer.ack(done)
    assert commit(consumer) is None


def test_one_missing_message_at_the_head_holds_the_commit(consumer: Consumer) -> None:
    """Fault of Faust: one message missing right after the committed offset is stepped over."""
    consumer._committed_offset[EVENTS] = 31  # noqa: SLF001 - as after a commit
    deliver(consumer, 31, 31)
    done = deliver(consumer, 32, 32)
    consumer.ack(done)
    assert commit(consumer) is None


async def test_a_gap_does_not_count_as_done(consumer: Consumer) -> None:
    """Fault of Faust: the message after a gap in the offsets is counted as part of the gap."""
    done = deliver(consumer, 5, 5)
    hanging = deliver(consumer, 9, 9)
    await consumer._add_gap(EVENTS, 6, 9)  # noqa: SLF001
    consumer.ack(done)
    assert commit(consumer) == 6
    assert commit(consumer) is None
    consumer.ack(hanging)
    assert commit(consumer) == 10


def make_stock(make_consumer: Make) -> StockConsumer:
    """Return Faust's own book of offsets on a consumer of ours."""
    consumer = make_consumer()
    consumer.__class__ = StockConsumer
    return consumer


async def test_the_faults_are_still_in_faust(make_consumer: Make) -> None:
    """Stock Faust commits past messages that were never acked; the day it does not, drop ours."""
    before_first, missing, gap = (make_stock(make_consumer) for _ in range(3))
    before_first._acked[EVENTS] = [1]  # noqa: SLF001 - 0 is under way
    assert before_first._new_offset(EVENTS) == 2  # noqa: SLF001
    missing._committed_offset[EVENTS] = 31  # noqa: SLF001 - 31 is under way
    missing._acked[EVENTS] = [32]  # noqa: SLF001
    assert missing._new_offset(EVENTS) == 33  # noqa: SLF001
    await gap._add_gap(EVENTS, 6, 9)  # noqa: SLF001 - 9 is under way, 6..8 do not exist
    gap._acked[EVENTS] = [5, 10]  # noqa: SLF001
    assert gap._new_offset(EVENTS) == 11  # noqa: SLF001


def test_what_is_read_again_replaces_what_was_under_way(consumer: Consumer) -> None:
    """After a seek back the old messages' acks commit nothing; those of the new ones do."""
    old = [deliver(consumer, n * 10, n * 10 + 9) for n in range(3)]
    again = deliver(consumer, 0, 4)
    for message in old:
        consumer.ack(message)
    assert commit(consumer) is None
    rest = deliver(consumer, 5, 29)
    consumer.ack(rest)
    assert commit(consumer) is None
    consumer.ack(again)
    assert commit(consumer) == 30


def test_a_seek_into_the_middle_keeps_what_stands_before(consumer: Consumer) -> None:
    """Only messages at or after the offset that is read again are replaced."""
    before = deliver(consumer, 0, 9)
    replaced = deliver(consumer, 10, 19)
    again = deliver(consumer, 10, 14)
    consumer.ack(replaced)
    consumer.ack(again)
    assert commit(consumer) is None
    consumer.ack(before)
    assert commit(consumer) == 15


async def test_a_revoked_partition_is_forgotten(consumer: Consumer) -> None:
    """An ack that comes after a partition was taken away commits nothing on it or on others."""
    late, kept = deliver(consumer, 0, 9), deliver(consumer, 0, 7, OTHER)
    revoke: Callable[[set[TP]], Awaitable[None]] = consumer.on_partitions_revoked
    await revoke({EVENTS})
    consumer.ack(late)
    assert commit(consumer) is None
    consumer.ack(kept)
    assert commit(consumer, OTHER) == 8


def test_an_ack_counts_once(consumer: Consumer) -> None:
    """A second ack of one message changes nothing and says so."""
    message = deliver(consumer, 0, 3)
    assert consumer.ack(message)
    assert not consumer.ack(message)
    assert commit(consumer) == 4


def test_only_partitions_asked_for_are_looked_at(consumer: Consumer) -> None:
    """A commit of some topics or partitions leaves the others alone."""
    deliver(consumer, 0, 1)
    deliver(consumer, 0, 1, OTHER)
    pending = consumer._filter_tps_with_pending_acks  # noqa: SLF001
    assert set(pending()) == {EVENTS, OTHER}
    assert set(pending({OTHER})) == {OTHER}
    assert set(pending({"web.event.v1"})) == {EVENTS, OTHER}
    assert set(pending({"else"})) == set()


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=12),
    st.data(),
)
def test_a_commit_never_passes_what_is_not_done(
    make_consumer: Make, sizes: list[int], data: st.DataObject
) -> None:
    """For any order of acks and any seeks back, all offsets below the commit have been acked."""
    consumer, done, position, committed = make_consumer(), set[int](), 0, 0
    open_lists: list[tuple[range, Message]] = []
    for size in sizes:
        if data.draw(st.booleans()) and data.draw(st.booleans()):
            position = committed  # Faust seeks back to what is committed, and reads again
        message = deliver(consumer, position, position + size - 1)
        open_lists.append((range(position, position + size), message))
        position += size
        for offsets, acked in data.draw(
            st.lists(st.sampled_from(open_lists), max_size=3, unique_by=id)
        ):
            consumer.ack(acked)
            done.update(offsets)
        offset = commit(consumer)
        if offset is not None:
            assert committed < offset <= position
            committed = offset
        assert set(range(committed)) <= done


def make_record(tp: TP, offset: int) -> Any:  # noqa: ANN401 - as aiokafka's record
    """Return a record as the driver has it."""
    return _Record(tp.topic, tp.partition, offset, b"key", b"value %d" % offset)


class _Record:
    timestamp, timestamp_type, headers, checksum = 0, 0, (), None
    serialized_key_size = serialized_value_size = 0

    def __init__(self, topic: str, partition: int, offset: int, key: bytes, value: bytes) -> None:
        self.topic, self.partition, self.offset = topic, partition, offset
        self.key, self.value = key, value


def read_lists(consumer: Consumer, records: dict[TP, list[Any]]) -> Iterator[tuple[TP, Any, int]]:
    """Return the messages that the consumer makes of fetched records."""
    return iter(consumer._to_messages(records))  # noqa: SLF001


def test_a_batched_topic_comes_as_one_list_per_partition(consumer: Consumer) -> None:
    """All records of a partition's fetch are one message, with their offsets, gaps and all."""
    offsets = [3, 4, 9]
    ((tp, message, first),) = read_lists(
        consumer, {EVENTS: [make_record(EVENTS, offset) for offset in offsets], OTHER: []}
    )
    assert (tp, first, message.offset, message.key) == (EVENTS, 3, 9, None)
    assert message.value == RecordList(
        "web.event.v1", 0, (3, 4, 9), (b"value 3", b"value 4", b"value 9")
    )
    assert RecordListSchema().loads_value(None, message) is message.value


def test_another_topic_comes_record_by_record(consumer: Consumer) -> None:
    """A changelog's records, tombstones among them, arrive one by one, each its own commit."""
    changelog = TP("hmara-table-changelog", 0)
    records = [make_record(changelog, offset) for offset in (0, 1, 5)]
    records[1].value = None
    found = list(read_lists(consumer, {changelog: records}))
    assert [(message.offset, first) for _, message, first in found] == [(0, 0), (1, 1), (5, 5)]
    assert [message.value for _, message, _ in found] == [b"value 0", None, b"value 5"]
    with pytest.raises(TypeError, match="not declared batched"):
        RecordListSchema().loads_value(None, found[0][1])


def test_a_list_does_not_show_its_values() -> None:
    """A list of records in a traceback or a log shows offsets and no bytes of a record."""
    assert "secret" not in repr(RecordList("t", 0, (1,), (b"secret",)))
