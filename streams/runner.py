"""Runs a pipeline on chunks: times its steps, counts reasons, routes outcomes, repeats writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final, TypeVar

import pyarrow as pa
import structlog
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_when_event_set,
    wait_exponential_jitter,
)

from processors.columns import Context, DeadEvents, EventColumns
from processors.decode import DeadRecord, decode_records
from processors.reasons import DeadLetterReason
from schemas.codec import EventCodec
from schemas.dead_letter import DeadLetter
from sinks.base import Sink, SinkBackpressure, SinkRejected
from streams import metrics
from streams.dead_letter_limit import DeadLetterLimit
from streams.topology import Outlet, Pipeline
from streams.transport import RecordList
from streams.version import VERSION

Batch = TypeVar("Batch")
_BACKOFF: Final = wait_exponential_jitter(multiplier=0.5, max=15.0)
_DECODE: Final = "decode"
_STORE: Final = "store"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sinks:
    """Where a pipeline's rows go, one sink per outlet in its order, and its dead letters."""

    rows: tuple[Sink[pa.RecordBatch], ...]
    dead_letters: Sink[Sequence[DeadLetter]]


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the records of a chunk came from, by their position in it."""

    topic: str
    partitions: tuple[int, ...]
    offsets: tuple[int, ...]
    values: tuple[bytes | None, ...]


class Runner:
    """One pipeline with its sinks. `run` blocks, and one thread at a time may call it."""

    def __init__(
        self,
        pipeline: Pipeline,
        codec: EventCodec,
        sinks: Sinks,
        limit: DeadLetterLimit,
        read_clock: Callable[[], datetime],
    ) -> None:
        self._pipeline = pipeline
        self._codec = codec
        self._sinks = sinks
        self._limit = limit
        self._read_clock = read_clock
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End a wait for a sink; the chunk it waited with is read again by the next worker."""
        self._stopped.set()

    def run(self, lists: Sequence[RecordList], ctx: Context) -> int:
        """Process a chunk until every event of it is stored, dropped or a dead letter.

        Returns the number of events decoded.

        Raises:
            DeadLetterLimitError: too many dead letters; none of this chunk's was written, nor any
                row unless it was the store that refused too many.
            SinkBackpressure: `stop` was called while a sink asked to wait.
        """
        source = _join(lists)
        metrics.WORKER_RECORDS_READ.inc(len(source.values))
        with metrics.WORKER_STEP_SECONDS.labels(_DECODE).time():
            decoded = decode_records(self._codec, source.values)
        read = len(decoded.columns)
        metrics.WORKER_EVENTS_READ.inc(read)
        metrics.WORKER_CHUNK_EVENTS.observe(read)
        letters = [self._bury_record(source, dead) for dead in decoded.dead]
        kept, buried = self._take_steps(source, decoded.columns, ctx)
        letters.extend(buried)
        self._limit.check(len(letters), read + len(decoded.dead))
        for outlet, sink in zip(self._pipeline.outlets, self._sinks.rows, strict=True):
            letters.extend(self._store(source, kept, (outlet, sink), ctx))
        dead_letters = self._sinks.dead_letters
        for start in range(0, len(letters), dead_letters.max_batch):
            self._write(dead_letters, letters[start : start + dead_letters.max_batch])
        return read

    def _take_steps(
        self, source: _Source, columns: EventColumns, ctx: Context
    ) -> tuple[EventColumns, list[DeadLetter]]:
        letters: list[DeadLetter] = []
        for step in self._pipeline.steps:
            name = step.__name__
            with metrics.WORKER_STEP_SECONDS.labels(name).time():
                outcome = step(columns, ctx)
            for dropped in outcome.dropped:
                metrics.WORKER_DROPPED.labels(name, dropped.reason).inc(dropped.count)
            for dead in outcome.dead:
                letters.extend(self._bury_events(source, dead, name))
            columns = outcome.kept
        return columns, letters

    def _store(
        self,
        source: _Source,
        columns: EventColumns,
        way: tuple[Outlet, Sink[pa.RecordBatch]],
        ctx: Context,
    ) -> Iterable[DeadLetter]:
        outlet, sink = way
        letters: list[DeadLetter] = []
        for start in range(0, len(columns), sink.max_batch):
            part = EventColumns(
                columns.events.slice(start, sink.max_batch),
                columns.record.slice(start, sink.max_batch),
            )
            with metrics.WORKER_STEP_SECONDS.labels(outlet.cut.__name__).time():
                rows = outlet.cut(part, ctx)
            with metrics.WORKER_STEP_SECONDS.labels(f"{_STORE} {sink.name}").time():
                letters.extend(self._store_rows(source, part, rows, sink))
        return letters

    def _store_rows(
        self, source: _Source, part: EventColumns, rows: pa.RecordBatch, sink: Sink[pa.RecordBatch]
    ) -> Iterable[DeadLetter]:
        """Write rows; if the store refuses them, halve until the ones at fault stand alone."""
        try:
            self._write(sink, rows)
        except SinkRejected:
            if rows.num_rows == 1:
                self._limit.check(1, 0)  # the event itself was counted with its chunk
                dead = DeadEvents(DeadLetterReason.REFUSED_BY_STORE, part)
                return self._bury_events(source, dead, sink.name)
            middle = rows.num_rows // 2
            halves = ((0, middle), (middle, rows.num_rows - middle))
            return list(
                chain.from_iterable(
                    self._store_rows(
                        source,
                        EventColumns(part.events.slice(*half), part.record.slice(*half)),
                        rows.slice(*half),
                        sink,
                    )
                    for half in halves
                )
            )
        metrics.WORKER_ROWS_STORED.labels(sink.name).inc(rows.num_rows)
        return ()

    def _write(self, sink: Sink[Batch], batch: Batch) -> None:
        """Write, and come again as long as the sink asks for time."""

        def count(state: RetryCallState) -> None:
            metrics.WORKER_BACKPRESSURE.labels(sink.name).inc()
            if state.outcome is not None:
                log.warning("sink_waits", sink=sink.name, cause=str(state.outcome.exception()))

        for attempt in Retrying(
            retry=retry_if_exception_type(SinkBackpressure),
            wait=_wait_s,
            stop=stop_when_event_set(self._stopped),
            sleep=sleep_using_event(self._stopped),
            before_sleep=count,
            reraise=True,
        ):
            with attempt:
                sink.write(batch)

    def _bury_record(self, source: _Source, dead: DeadRecord) -> DeadLetter:
        metrics.WORKER_DEAD.labels(_DECODE, dead.reason).inc()
        return self._make_letter(
            source,
            dead.position,
            (dead.schema_id, _DECODE, dead.reason),
            source.values[dead.position] or b"",
        )

    def _bury_events(self, source: _Source, dead: DeadEvents, step: str) -> list[DeadLetter]:
        metrics.WORKER_DEAD.labels(step, dead.reason).inc(len(dead.columns))
        return [
            self._make_letter(
                source,
                dead.columns.record[row].as_py(),
                (self._codec.schema_id, step, dead.reason),
                self._codec.to_value(f"hmara-worker/{VERSION}", dead.columns.events.slice(row, 1)),
            )
            for row in range(len(dead.columns))
        ]

    def _make_letter(
        self,
        source: _Source,
        position: int,
        cause: tuple[int, str, DeadLetterReason],
        raw: bytes,
    ) -> DeadLetter:
        schema_id, step, reason = cause
        # A compressed record may be longer than its topic takes; a letter must fit its own topic.
        longest = self._pipeline.topic.max_record_bytes
        return DeadLetter(
            source_topic=source.topic,
            source_partition=source.partitions[position],
            source_offset=source.offsets[position],
            schema_id=schema_id,
            step=step,
            reason=reason.value,
            detail="" if len(raw) <= longest else f"cut from {len(raw)} bytes",
            code_version=VERSION,
            refused_at=self._read_clock(),
            raw=raw[:longest],
        )


def _wait_s(state: RetryCallState) -> float:
    """Wait longer each time, and never shorter than the sink asked for."""
    error = state.outcome.exception() if state.outcome is not None else None
    asked_s = error.retry_after_s if isinstance(error, SinkBackpressure) else 0.0
    return max(asked_s, _BACKOFF(state))


def _join(lists: Sequence[RecordList]) -> _Source:
    return _Source(
        lists[0].topic,
        tuple(chain.from_iterable([part.partition] * len(part.offsets) for part in lists)),
        tuple(chain.from_iterable(part.offsets for part in lists)),
        tuple(chain.from_iterable(part.values for part in lists)),
    )
