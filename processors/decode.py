"""Records to columns of events, with the records set aside that are none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from processors.columns import EventColumns
from processors.reasons import DeadLetterReason
from schemas.catalogue import CatalogueError
from schemas.codec import CodecError, EventCodec
from schemas.framing import HEADER_BYTES, FramingError, parse_frame


@dataclass(frozen=True, slots=True)
class DeadRecord:
    """A record that is no batch of events; `position` is its place in the chunk."""

    position: int
    schema_id: int
    reason: DeadLetterReason


@dataclass(frozen=True, slots=True)
class Decoded:
    """The columns of every readable record, and the others."""

    columns: EventColumns
    dead: tuple[DeadRecord, ...]


def decode_records(codec: EventCodec, values: Sequence[bytes | None]) -> Decoded:
    """Decode the values of a chunk's records.

    All records of one schema are decoded in one call; where that fails the call is halved until
    the records at fault stand alone, so one bad record costs O(log n) further calls.

    Args:
        codec: the codec whose newest schema the columns get.
        values: framed values, in the order of the chunk.

    Returns:
        Columns in the order of the records within each schema id, and the dead records by position.
    """
    dead: list[DeadRecord] = []
    by_schema: dict[int, list[int]] = defaultdict(list)
    for position, value in enumerate(values):
        try:
            by_schema[parse_frame(value)].append(position)
        except FramingError:
            dead.append(DeadRecord(position, -1, DeadLetterReason.NO_FRAME))
    parts: list[EventColumns] = []
    for schema_id, positions in by_schema.items():
        payloads = [(position, (values[position] or b"")[HEADER_BYTES:]) for position in positions]
        _decode_into(codec, schema_id, payloads, (parts, dead))
    return Decoded(_concat(codec, parts), tuple(sorted(dead, key=lambda item: item.position)))


def _decode_into(
    codec: EventCodec,
    schema_id: int,
    payloads: Sequence[tuple[int, bytes]],
    into: tuple[list[EventColumns], list[DeadRecord]],
) -> None:
    parts, dead = into
    try:
        events, parents = codec.to_columns(schema_id, [payload for _, payload in payloads])
    except CatalogueError:
        dead.extend(
            DeadRecord(position, schema_id, DeadLetterReason.UNKNOWN_SCHEMA)
            for position, _ in payloads
        )
    except CodecError:
        if len(payloads) == 1:
            dead.append(DeadRecord(payloads[0][0], schema_id, DeadLetterReason.UNDECODABLE))
            return
        middle = len(payloads) // 2
        _decode_into(codec, schema_id, payloads[:middle], into)
        _decode_into(codec, schema_id, payloads[middle:], into)
    else:
        positions = pa.array([position for position, _ in payloads], pa.int64())
        parts.append(EventColumns(events, positions.take(parents)))


def _concat(codec: EventCodec, parts: list[EventColumns]) -> EventColumns:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return EventColumns(_empty(codec), pa.array([], pa.int64()))
    table = pa.Table.from_batches([part.events for part in parts]).combine_chunks()
    record = pa.concat_arrays([part.record for part in parts])
    batches = table.to_batches()
    return EventColumns(batches[0] if batches else _empty(codec), record)


def _empty(codec: EventCodec) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array([], field.type) for field in codec.schema], schema=codec.schema
    )
