"""Events to records: what is gathered for a partition while its last records are under way.

A partition with fewer than `SLOTS` unacknowledged records sends in the same turn of the event loop,
else it gathers. So a lone event waits for one round trip, requests that were read together travel
together, records grow with the load, and there is no timer to tune
(ARCHITECTURE, "Record = batch of events"). All of it runs on the event loop; the producer calls
back from its own thread through `RecordSink`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, field
from typing import Final, Protocol

from schemas.errors import HmaraError
from streams.collector.avro_writer import write_batch

SLOTS: Final = 2
MAX_RECORD_EVENTS: Final = 500
MAX_RECORD_BYTES: Final = 256 * 1024
_DRAIN_STEP_S: Final = 0.01

Acknowledge = Callable[[Exception | None], None]


class NotDurableError(HmaraError):
    """Kafka did not acknowledge in time, or too much is waiting already: the client may retry."""


class RecordSink(Protocol):
    """Where finished records go."""

    def send(self, partition: int, value: bytes, acknowledge: Acknowledge) -> None:
        """Send a record; `acknowledge` is called once, on the event loop, with None when durable.

        Raises:
            NotDurableError: the record was not taken, and `acknowledge` will not be called.
        """


@dataclass(slots=True)
class _Share:
    """The events of one request, waiting for the record they travel in."""

    count: int
    events: bytes
    deadline: float
    done: asyncio.Future[None]


@dataclass(slots=True)
class _Lane:
    """One partition: what waits, and how many records are under way."""

    waiting: deque[_Share] = field(default_factory=deque)
    under_way: int = 0


class Gatherer:
    """Packs events into records, per partition.

    Args:
        sink: takes the records.
        partitions: number of partitions of the topic.
        schema_id, collector: what the records say of themselves.
        max_waiting_bytes: most bytes that are held before a request is turned away.
        ack_timeout_s: longest that a request waits.
    """

    def __init__(  # noqa: PLR0913 - all but the sink are settings
        self,
        sink: RecordSink,
        *,
        partitions: int,
        schema_id: int,
        collector: str,
        max_waiting_bytes: int,
        ack_timeout_s: float,
    ) -> None:
        self.partitions: Final = partitions
        self._sink = sink
        self._schema_id = schema_id
        self._collector = collector
        self._max_held_bytes = max_waiting_bytes
        self._ack_timeout_s = ack_timeout_s
        self._lanes = tuple(_Lane() for _ in range(partitions))
        self._touched: set[int] = set()
        self.held_bytes = 0

    def put(self, partition: int, count: int, events: bytes) -> asyncio.Future[None]:
        """Take the `count` encoded events of one request, one after another.

        Returns a future that is done when they are durable; it raises `NotDurableError` if they
        may not be, and what the sink raised if that was unforeseen. They may have been stored all
        the same: a retry with the same ids is harmless.

        Raises:
            NotDurableError: too much is held already; nothing was taken.
        """
        size_bytes = len(events)
        self._check_room(size_bytes)
        loop = asyncio.get_running_loop()
        share = _Share(count, events, loop.time() + self._ack_timeout_s, loop.create_future())
        self.held_bytes += size_bytes
        self._lanes[partition].waiting.append(share)
        if not self._touched:
            loop.call_soon(self._send_touched)
        self._touched.add(partition)
        return share.done

    def put_all(self, loads: Iterable[tuple[int, int, bytes]]) -> list[asyncio.Future[None]]:
        """Take what one request has for several partitions, all of it or nothing; see `put`.

        Raises:
            NotDurableError: too much is held already; nothing was taken.
        """
        loads = list(loads)
        self._check_room(sum(len(events) for _, _, events in loads))
        return [self.put(*load) for load in loads]

    def expire(self) -> int:
        """Fail the requests that have waited too long for a record; return how many."""
        now = asyncio.get_running_loop().time()
        expired = 0
        for lane in self._lanes:
            while lane.waiting and lane.waiting[0].deadline <= now:
                self._settle((lane.waiting.popleft(),), _too_late())
                expired += 1
        return expired

    async def drain(self) -> None:
        """Wait until every request has its answer, at most the ack timeout."""
        while self.held_bytes:  # noqa: ASYNC110 - once per process, when it ends
            await asyncio.sleep(_DRAIN_STEP_S)

    def _check_room(self, size_bytes: int) -> None:
        if self.held_bytes + size_bytes > self._max_held_bytes:
            message = "gathering events: too many are waiting for Kafka"
            raise NotDurableError(message)

    def _send_touched(self) -> None:
        """Send what came in this turn of the loop: requests read together travel together."""
        touched, self._touched = self._touched, set()
        for partition in touched:
            self._send_waiting(partition)

    def _send_waiting(self, partition: int) -> None:
        """Send records while there is a slot; a loop, for the sink may refuse one after another."""
        lane = self._lanes[partition]
        while lane.waiting and lane.under_way < SLOTS:
            self._send(partition, lane, _take(lane.waiting))

    def _send(self, partition: int, lane: _Lane, shares: tuple[_Share, ...]) -> None:
        count = sum([share.count for share in shares])
        events = [share.events for share in shares]
        value = write_batch(self._schema_id, self._collector, count, events)

        def acknowledge(error: Exception | None) -> None:
            lane.under_way -= 1
            self._settle(shares, error)
            self._send_waiting(partition)

        lane.under_way += 1
        try:
            self._sink.send(partition, value, acknowledge)
        except Exception as error:  # noqa: BLE001 - each request that met it raises it again
            lane.under_way -= 1
            self._settle(shares, error)

    def _settle(self, shares: tuple[_Share, ...], error: Exception | None) -> None:
        for share in shares:
            self.held_bytes -= len(share.events)
            if share.done.done():  # the client has gone, and its request with it
                continue
            if error is None:
                share.done.set_result(None)
            else:  # one of its own: each waiter adds its traceback to what it raises
                share.done.set_exception(copy(error))


def _take(waiting: deque[_Share]) -> tuple[_Share, ...]:
    """Take whole requests up to the size of a record, at least one."""
    taken = [waiting.popleft()]
    count, size_bytes = taken[0].count, len(taken[0].events)
    while waiting:
        count += waiting[0].count
        size_bytes += len(waiting[0].events)
        if count > MAX_RECORD_EVENTS or size_bytes > MAX_RECORD_BYTES:
            break
        taken.append(waiting.popleft())
    return tuple(taken)


def _too_late() -> NotDurableError:
    message = "gathering events: Kafka did not acknowledge in time"
    return NotDurableError(message)
