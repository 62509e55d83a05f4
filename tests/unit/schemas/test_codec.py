"""The hot path (pyruhvro, Arrow) says what the reference (fastavro) says."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import CodecError, decode_reference, encode_reference
from schemas.framing import frame
from tests.support.events import (
    CATALOGUE,
    CODEC,
    SCHEMA,
    Datum,
    any_events,
    batches,
    decode_plain,
    encode_plain,
    make_event,
    payload_of,
    to_columns,
    to_data,
    whole_batches,
)


@given(st.lists(st.one_of(batches, whole_batches), min_size=1, max_size=4))
def test_columns_equal_the_reference(data: list[Datum]) -> None:
    """Columns of several records hold exactly the events that fastavro reads, in their order."""
    values = [encode_reference(SCHEMA, datum) for datum in data]
    columns, parents = CODEC.to_columns(SCHEMA.schema_id, list(map(payload_of, values)))
    assert columns.schema.equals(CODEC.schema)
    expected = [decode_plain(payload_of(value)) for value in values]
    assert to_data(columns) == [event for events in expected for event in events]
    assert parents.to_pylist() == [
        position for position, events in enumerate(expected) for _ in events
    ]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.lists(any_events, max_size=5))
def test_written_columns_equal_the_reference(collector: str, events: list[Datum]) -> None:
    """What `to_value` writes is what fastavro reads, in every field of each event."""
    value = CODEC.to_value(collector, to_columns(events))
    assert decode_plain(payload_of(value)) == events
    assert decode_reference(CATALOGUE, CODEC.to_value(collector, to_columns([])))["collector"] == (
        collector
    )
    columns, _ = CODEC.to_columns(SCHEMA.schema_id, [payload_of(value)])
    assert to_data(columns) == events


def test_reference_reads_times_as_aware_utc() -> None:
    """The reference gives times as aware UTC and the day as a date, and leaves hashes signed."""
    event = make_event(personal={"data_subject_id": "00ff"}, hit_key=-1)
    value = CODEC.to_value("c", to_columns([event]))
    datum = decode_reference(CATALOGUE, value)
    (read,) = datum["events"]
    assert datum["collector"] == "c"
    assert read["received_at"] == datetime(2026, 7, 1, 9, tzinfo=UTC)
    assert read["site_day"] == date(2026, 7, 1)
    assert read["hit_key"] == -1
    assert read["personal"] == {"data_subject_id": "00ff"}


@pytest.mark.parametrize("signed", [0, 1, -1, 2**63 - 1, -(2**63)])
def test_hashes_are_unsigned_in_columns(signed: int) -> None:
    """The 64 bits of a hash stand in the columns unsigned, none of them lost."""
    columns = to_columns([make_event(hit_key=signed, visitor_hash=signed)])
    assert columns.column("hit_key").type == pa.uint64()
    assert columns.column("hit_key").to_pylist() == [signed % 2**64]
    assert columns.column("visitor_hash").to_pylist() == [signed % 2**64]


@pytest.mark.parametrize("bad", [b"\xff\xfe", b"\xc3(", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"])
def test_invalid_utf8_is_refused_by_both(bad: bytes) -> None:
    """A string that is no UTF-8 (a surrogate's bytes too) is refused by both codecs."""
    marker = "!" * len(bad)
    payload = encode_plain([make_event(path=marker)]).replace(marker.encode(), bad)
    with pytest.raises(CodecError):
        CODEC.to_columns(SCHEMA.schema_id, [payload])
    with pytest.raises(CodecError):
        decode_reference(CATALOGUE, frame(SCHEMA.schema_id, payload))


@given(batches, st.data())
def test_cut_data_is_refused_by_both(datum: Datum, data: st.DataObject) -> None:
    """A datum that ends early is refused by both codecs, wherever it is cut."""
    payload = payload_of(encode_reference(SCHEMA, datum))
    cut = payload[: data.draw(st.integers(0, len(payload) - 1))]
    with pytest.raises(CodecError):
        CODEC.to_columns(SCHEMA.schema_id, [cut])
    with pytest.raises(CodecError):
        decode_reference(CATALOGUE, frame(SCHEMA.schema_id, cut))


@pytest.mark.parametrize("count", [b"\x80" * 5 + b"\x01", b"\xfe" + b"\xff" * 8 + b"\x01"])
def test_a_lie_about_the_number_of_events_costs_no_memory(count: bytes) -> None:
    """An array that claims billions of events and holds one is refused, not made room for."""
    payload = encode_plain([make_event()])
    before = pa.total_allocated_bytes()
    with pytest.raises(CodecError):
        CODEC.to_columns(SCHEMA.schema_id, [payload[:5] + count + payload[6:]])
    assert pa.total_allocated_bytes() - before < 1 << 20


def test_array_blocks_with_sizes_are_read() -> None:
    """Avro's other way to write an array, blocks that name their size in bytes, gives one event."""
    payload = encode_plain([make_event(path="/blocks")])
    event = payload[6:-1]
    length = len(event)
    size = bytes((length << 1 & 0x7F | 0x80, length >> 6))
    sized = payload[:5] + b"\x01" + size + event + b"\x01" + size + event + b"\0"
    columns, _ = CODEC.to_columns(SCHEMA.schema_id, [sized])
    assert columns.column("path").to_pylist() == ["/blocks", "/blocks"]
    assert to_data(columns) == decode_plain(sized)


@pytest.mark.parametrize(
    "datum",
    [
        {},
        {"collector": "c"},
        {"collector": 1, "events": []},
        {"collector": "c", "events": [{}]},
        {"collector": "c", "events": [make_event(hit_key=2**63)]},
        {"collector": "c", "events": [make_event(event_time="yesterday")]},
        {"collector": "c", "events": [make_event(path="\ud800")]},
        {"collector": "c", "events": [make_event(custom_properties=7)]},
    ],
)
def test_a_datum_that_does_not_fit_is_not_written(datum: Datum) -> None:
    """The reference refuses a datum that is none of the schema, and does not quote it."""
    with pytest.raises(CodecError) as caught:
        encode_reference(SCHEMA, datum)
    assert "yesterday" not in str(caught.value)


def test_another_topics_schema_is_refused() -> None:
    """A record that names the schema of another topic is no batch of events."""
    other = CATALOGUE.newest("dead.letter.v1")
    with pytest.raises(CodecError, match=r"belongs to dead\.letter\.v1"):
        CODEC.to_columns(other.schema_id, [b""])
