"""Records to columns: what is poison is set aside, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.decode import Decoded, decode_records
from processors.reasons import DeadLetterReason
from schemas.codec import EventCodec
from schemas.framing import frame
from tests.support.events import (
    CATALOGUE,
    CODEC,
    SCHEMA,
    Datum,
    any_events,
    decode_plain,
    encode_plain,
    event_fields,
    make_event,
    payload_of,
    to_data,
)

Record = tuple[bytes | None, DeadLetterReason | None]
NO_FRAME, UNKNOWN_SCHEMA, UNDECODABLE = (
    DeadLetterReason.NO_FRAME,
    DeadLetterReason.UNKNOWN_SCHEMA,
    DeadLetterReason.UNDECODABLE,
)
ONE: Final = encode_plain([make_event(path="/!!")])
INTS: Final = [
    field["name"]
    for field in event_fields(SCHEMA.definition)
    if field["type"] == "int"
    or (isinstance(field["type"], dict) and field["type"]["type"] == "int")
]
OTHER_ID: Final = CATALOGUE.newest("dead.letter.v1").schema_id
POISON: Final[tuple[Record, ...]] = (
    (None, NO_FRAME),
    (b"", NO_FRAME),
    (b"\0\0\0", NO_FRAME),
    (b"\1" + frame(SCHEMA.schema_id, ONE)[1:], NO_FRAME),
    (frame(77, ONE), UNKNOWN_SCHEMA),
    (b"\0\xff\xff\xff\xff" + ONE, UNKNOWN_SCHEMA),
    (frame(SCHEMA.schema_id, b""), UNDECODABLE),
    (frame(SCHEMA.schema_id, ONE[:-3]), UNDECODABLE),
    (frame(SCHEMA.schema_id, ONE.replace(b"/!!", b"/\xff!")), UNDECODABLE),
    (frame(OTHER_ID, ONE), UNDECODABLE),
)
good_records: Final = st.lists(any_events, max_size=3).map(
    lambda events: (frame(SCHEMA.schema_id, encode_plain(events)), None)
)
records: Final[st.SearchStrategy[Record]] = st.one_of(good_records, st.sampled_from(POISON))


def check_kept(values: Sequence[bytes | None], decoded: Decoded) -> None:
    """Compare the columns of every record that is not dead with what fastavro reads of it."""
    dead = {record.position for record in decoded.dead}
    positions = decoded.columns.record.to_pylist()
    events = to_data(decoded.columns.events)
    assert len(positions) == len(events)
    for position, value in enumerate(values):
        of_record = [event for event, at in zip(events, positions, strict=True) if at == position]
        expected = [] if position in dead else decode_plain(payload_of(value or b""))
        assert of_record == list(map(fold_ints, expected))


def fold_ints(event: Datum) -> Datum:
    """Fold ints into 32 bits, as pyruhvro does; fastavro lets through what is no Avro int.

    No writer of ours makes one: each bounds its numbers, and the checks bound what is read.
    """
    return event | {name: (event[name] + 2**31) % 2**32 - 2**31 for name in INTS}


@given(st.lists(records, max_size=12))
def test_exactly_the_poison_is_dead(chunk: list[Record]) -> None:
    """Of a mixed chunk the dead are exactly the poison, each with its place and reason."""
    values = [value for value, _ in chunk]
    decoded = decode_records(CODEC, values)
    assert [(record.position, record.reason) for record in decoded.dead] == [
        (position, reason) for position, (_, reason) in enumerate(chunk) if reason is not None
    ]
    check_kept(values, decoded)


@st.composite
def mutated_records(draw: st.DrawFn) -> bytes:
    """Return a record with some bytes changed, cut out or put in."""
    events = draw(st.lists(any_events, max_size=2))
    value = bytearray(frame(SCHEMA.schema_id, encode_plain(events)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(value)))
        end = draw(st.integers(start, min(start + 3, len(value))))
        value[start:end] = draw(st.binary(max_size=10))
    return bytes(value)


@given(st.lists(st.one_of(mutated_records(), st.binary(max_size=60)), max_size=6))
def test_no_bytes_can_raise(values: list[bytes]) -> None:
    """Any bytes land among the dead or the kept, and the kept are what fastavro reads of them."""
    decoded = decode_records(CODEC, list(values))
    check_kept(values, decoded)
    positions = [record.position for record in decoded.dead]
    assert positions == sorted(set(positions))


def test_columns_stay_in_the_order_of_their_records() -> None:
    """Events keep the order of their records and of their place in the record."""
    values = [
        frame(SCHEMA.schema_id, encode_plain([make_event(seq=2 * n), make_event(seq=2 * n + 1)]))
        for n in range(5)
    ]
    decoded = decode_records(CODEC, values)
    assert decoded.columns.events.column("seq").to_pylist() == list(range(10))
    assert decoded.columns.record.to_pylist() == [n // 2 for n in range(10)]


@pytest.mark.parametrize("values", [[], [None], [frame(SCHEMA.schema_id, encode_plain([]))]])
def test_a_chunk_without_events_has_columns_all_the_same(values: list[bytes | None]) -> None:
    """No records, only dead ones or only empty batches give zero rows of the newest schema."""
    columns = decode_records(CODEC, values).columns
    assert len(columns) == 0
    assert columns.events.schema.equals(CODEC.schema)
    assert columns.record.type == pa.int64()


class CountingCodec(EventCodec):
    """The codec, counting its calls."""

    calls = 0

    def to_columns(
        self, schema_id: int, payloads: Sequence[bytes]
    ) -> tuple[pa.RecordBatch, pa.Array]:
        """Count and decode."""
        self.calls += 1
        return super().to_columns(schema_id, payloads)


@pytest.mark.parametrize("place", [0, 511, 1023])
def test_one_bad_record_costs_few_calls(place: int) -> None:
    """Among 1,024 records one bad one is found with about twice ten further calls, not 1,024."""
    value = frame(SCHEMA.schema_id, ONE)
    values: list[bytes | None] = [value] * 1024
    values[place] = value[:-1]
    codec = CountingCodec(CATALOGUE)
    decoded = decode_records(codec, values)
    assert [record.position for record in decoded.dead] == [place]
    assert len(decoded.columns) == 1023
    assert codec.calls <= 1 + 2 * 10
