"""A Faust transport that hands an agent lists of records, and commits only what was acked.

Chosen by the broker URL's scheme `hmara://` (entry point group `faust.transports`). Two things
differ from Faust's own aiokafka transport:

* A topic that `schemas/topics.py` declares `batched` arrives as one message per partition and
  fetch, whose value is a `RecordList`: Faust spends about 90 us per message whatever is in it. All
  other topics, changelogs among them, arrive record by record as usual.
* Offsets. Faust 0.15.3 commits past messages that were never acked when acks come out of order, or
  before a group's first commit (`_new_offset`, `_add_gap`). Here the delivered messages of each
  partition stand in a queue, and only its acked head is committed.

The overridden methods are Faust's internals: faust-streaming is pinned, and
tests/integration/worker holds the behaviour (kill, hang, rebalance).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import faust
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, Message
from faust.types.tuples import ConsumerMessage, ack_lock
from mode.utils.futures import notify

from schemas.topics import TOPICS

_THREAD_POLL_S: Final = 0.05
BATCHED: Final = frozenset(topic.name for topic in TOPICS if topic.batched)


@dataclass(frozen=True, slots=True)
class RecordList:
    """Records of one partition, by offset: `offsets[i]` goes with `values[i]`."""

    topic: str
    partition: int
    offsets: tuple[int, ...]
    values: tuple[bytes | None, ...] = field(repr=False)


@dataclass(slots=True)
class _Delivered:
    """A message under way, and the first offset that it stands for (its last is its own)."""

    first_offset: int
    message: Message


class Consumer(driver.Consumer):
    """Faust's aiokafka consumer with lists of records and its own book of offsets."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Faust's signature
        super().__init__(*args, **kwargs)
        self._delivered: dict[TP, deque[_Delivered]] = defaultdict(deque)

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Subscribe once the consumer's thread has made its client.

        Faust does not wait for it: where the thread is slow to start, the worker would end.
        """
        while self._thread._consumer is None and not self.should_stop:  # noqa: SLF001 - Faust's internals
            await self.sleep(_THREAD_POLL_S)
        await super().subscribe(topics)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109
        """Fetch, and yield one message per batched partition and one per other record."""
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            await self.perform_seek()
            return
        for tp, message, first_offset in self._to_messages(records):
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return  # a rebalance has begun: it seeks back to what is committed
            if active is not None and tp not in active and tp not in self._buffered_partitions:
                continue
            read_offset = self._read_offset[tp]
            if read_offset is not None and message.offset < read_offset:
                continue  # fetched before a seek
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            if self.app.topics.acks_enabled_for(tp.topic):
                self._deliver(tp, _Delivered(first_offset, message))
            yield tp, message

    def _to_messages(self, records: Any) -> Iterator[tuple[TP, Message, int]]:  # noqa: ANN401
        single = {}
        for tp, batch in records.items():
            if tp.topic in BATCHED:
                if batch:
                    yield tp, self._to_list_message(tp, batch), batch[0].offset
            else:
                single[tp] = batch
        for tp, record in self.scheduler.iterate(single):
            message = self._to_message(tp, record)
            yield tp, message, message.offset

    def _to_list_message(self, tp: TP, batch: list[Any]) -> ConsumerMessage:
        message = self._to_message(tp, batch[-1])
        message.key = None
        message.value = RecordList(
            tp.topic,
            tp.partition,
            tuple(record.offset for record in batch),
            tuple(record.value for record in batch),
        )
        return message

    def _deliver(self, tp: TP, delivered: _Delivered) -> None:
        queue = self._delivered[tp]
        # The position went back: what is read again replaces what was under way.
        while queue and queue[-1].message.offset >= delivered.first_offset:
            queue.pop()
        queue.append(delivered)

    def ack(self, message: Message) -> bool:
        """Mark a message as done; its offset is committed once all before it are done too."""
        with ack_lock:
            if message.acked:
                return False
            message.acked = True
            self._unacked_messages.discard(message)
            self._n_acked += 1
            notify(self._waiting_for_ack)
            return True

    def _filter_tps_with_pending_acks(self, topics: Iterable[Any] | None = None) -> Iterator[TP]:
        return (
            tp
            for tp in list(self._delivered)
            if topics is None or tp in topics or tp.topic in topics
        )

    def _new_offset(self, tp: TP) -> int | None:
        queue = self._delivered[tp]
        offset = None
        while queue and queue[0].message.acked:
            offset = queue.popleft().message.offset + 1
        return offset

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing to note: offsets that were never delivered stand in no queue."""

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget what was under way on partitions that another worker takes over."""
        for tp in revoked:
            self._delivered.pop(tp, None)
        await super().on_partitions_revoked(revoked)


class Transport(driver.Transport):
    """The transport behind the scheme `hmara://`."""

    Consumer: ClassVar[type[Consumer]] = Consumer
    driver_version = f"hmara, aiokafka={driver.aiokafka.__version__}"


class RecordListSchema(faust.Schema):
    """Passes a `RecordList` through undecoded."""

    def loads_key(self, app: Any, message: Message, **_: Any) -> None:  # noqa: ANN401
        """Return no key: a list of records has none."""
        del app, message

    def loads_value(self, app: Any, message: Message, **_: Any) -> RecordList:  # noqa: ANN401
        """Return the list as it came."""
        del app
        value = message.value
        if not isinstance(value, RecordList):
            detail = f"reading {message.topic}: it is not declared batched"
            raise TypeError(detail)
        return value
