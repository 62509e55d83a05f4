"""What flows between the steps: columns of events, and what a step refuses of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from processors.reasons import DeadLetterReason, DropReason


@dataclass(frozen=True, slots=True)
class EventColumns:
    """Events as columns.

    Attributes:
        events: events x fields of the newest `web.event.v1` schema (`EventCodec.schema`).
        record: per event, the position of its record in the chunk (int64).
    """

    events: pa.RecordBatch
    record: pa.Array

    def __len__(self) -> int:
        return int(self.events.num_rows)

    def filter(self, mask: pa.Array) -> Self:
        """Return the events for which the mask (bool, no nulls) is true."""
        return type(self)(self.events.filter(mask), self.record.filter(mask))


@dataclass(frozen=True, slots=True)
class Dropped:
    """Events that are forgotten on purpose; only their number goes on."""

    reason: DropReason
    count: int


@dataclass(frozen=True, slots=True)
class DeadEvents:
    """Events that could not be processed."""

    reason: DeadLetterReason
    columns: EventColumns


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step keeps, drops and refuses: together exactly what it was given."""

    kept: EventColumns
    dropped: tuple[Dropped, ...] = ()
    dead: tuple[DeadEvents, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What a step may know besides its columns, taken once per chunk by the runner."""

    policy_version: str


def put_aside(batch: EventColumns, bad: pa.Array, reason: DeadLetterReason) -> Outcome:
    """Refuse the events for which `bad` (bool, no nulls) is true."""
    if not pc.any(bad).as_py():
        return Outcome(batch)
    return Outcome(
        batch.filter(pc.invert(bad)),
        dead=(DeadEvents(reason, batch.filter(bad)),),
    )
