"""The runner: every event is stored, dropped or a dead letter, whatever the sinks say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from processors.columns import Context, Dropped, EventColumns, Outcome
from processors.reasons import DropReason
from schemas.codec import encode_reference
from schemas.framing import frame
from schemas.topics import DEAD_LETTER
from sinks.base import Sink, SinkBackpressure
from streams import runner as module
from streams.dead_letter_limit import DeadLetterLimit, DeadLetterLimitError
from streams.runner import Runner, Sinks
from streams.topology import WEB_EVENTS
from streams.transport import RecordList
from tests.support.events import (
    CATALOGUE,
    CODEC,
    SCHEMA,
    Datum,
    decode_plain,
    encode_plain,
    good_events,
    make_event,
    payload_of,
)
from tests.support.sinks import LetterSink, RowSink

TOPIC: Final = WEB_EVENTS.topic.name
CTX: Final = Context(policy_version="0")
NOW: Final = datetime(2026, 7, 1, 9, tzinfo=UTC)


def drop_bots(batch: EventColumns, ctx: Context) -> Outcome:
    """Drop what calls itself a bot: a step that drops, which the spine has none of yet."""
    del ctx
    is_bot = pc.equal(batch.events.column("source"), "bot")
    dropped = Dropped(DropReason.BOT, pc.sum(is_bot).as_py() or 0)
    return Outcome(batch.filter(pc.invert(is_bot)), dropped=(dropped,))


PIPELINE: Final = replace(WEB_EVENTS, steps=(*WEB_EVENTS.steps, drop_bots))


def make_runner(rows: RowSink, letters: LetterSink, limit: DeadLetterLimit | None = None) -> Runner:
    """Return a runner over sinks in memory."""
    sinks = Sinks((rows,), letters)
    return Runner(PIPELINE, CODEC, sinks, limit or DeadLetterLimit(1.0, 1), lambda: NOW)


def pack(events: Sequence[Datum]) -> bytes:
    """Return events as one record."""
    return frame(SCHEMA.schema_id, encode_plain(events))


def to_list(values: Sequence[bytes | None], partition: int = 0, start: int = 100) -> RecordList:
    """Return records as they come from a partition."""
    return RecordList(TOPIC, partition, tuple(range(start, start + len(values))), tuple(values))


def number_events(count: int) -> list[Datum]:
    """Return good events with row keys from 0."""
    return [make_event(hit_key=number) for number in range(count)]


def count(metric: str, **labels: str) -> float:
    """Return a counter's value."""
    return REGISTRY.get_sample_value(f"hmara_worker_{metric}_total", labels) or 0.0


@pytest.fixture
def waited_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note how long the runner would have waited, and wait no time."""
    waits: list[float] = []

    def sleep_with(_: object) -> Callable[[float], None]:
        return waits.append

    monkeypatch.setattr(module, "sleep_using_event", sleep_with)
    return waits


def test_the_sinks_of_these_tests_are_sinks() -> None:
    """The sinks in memory fulfil the protocol that the runner asks for."""
    assert isinstance(RowSink(), Sink)
    assert isinstance(LetterSink(), Sink)


poison: Final = st.sampled_from([None, b"", b"\0\0\0\0\7abc", frame(SCHEMA.schema_id, b"\x02")])
chunks: Final = st.lists(
    st.one_of(
        st.lists(
            st.one_of(
                good_events(),
                st.builds(lambda event: event | {"source": "bot"}, good_events()),
                st.builds(lambda event: event | {"site": ""}, good_events()),
                st.builds(lambda event: event | {"type": "?", "site_hour": 99}, good_events()),
            ),
            max_size=4,
        ),
        poison,
    ),
    min_size=1,
    max_size=6,
)


@given(chunks, st.integers(1, 5), st.data())
def test_every_event_ends_in_one_place(
    chunk: list[list[Datum] | bytes | None], max_batch: int, data: st.DataObject
) -> None:
    """Read = stored + dead + dropped, event by event and in the metrics, whatever is refused."""
    events = [event for record in chunk if isinstance(record, list) for event in record]
    for key, event in enumerate(events):
        event["hit_key"] = key
    refused = data.draw(st.sets(st.integers(0, len(events)))) if events else set()
    rows = RowSink("memory.conservation", max_batch=max_batch, refused=sorted(refused))
    letters = LetterSink()
    values = [pack(record) if isinstance(record, list) else record for record in chunk]
    names = ("events_read", "records_read")
    before = [count(name) for name in names]
    stored_before = count("rows_stored", sink=rows.name)

    read = make_runner(rows, letters).run([to_list(values)], CTX)

    good = {e["hit_key"] for e in events if e["site"] and e["type"] != "?"}
    bots = {key for key in good if events[key]["source"] == "bot"}
    dead_records = [value for record, value in zip(chunk, values, strict=True) if record is value]
    assert read == len(events)
    assert set(rows.rows) == good - bots - refused
    assert [count(name) - was for name, was in zip(names, before, strict=True)] == [
        len(events),
        len(values),
    ]
    assert count("rows_stored", sink=rows.name) - stored_before == len(rows.rows)
    assert len(letters.letters) == (
        len(dead_records) + len(events) - len(good) + len((good - bots) & refused)
    )
    dropped = len(bots)
    assert read + len(dead_records) == len(rows.rows) + len(letters.letters) + dropped


@given(st.sets(st.integers(0, 40)), st.integers(1, 41), st.integers(3, 50))
def test_refused_rows_end_alone_among_the_dead(
    refused: set[int], size: int, max_batch: int
) -> None:
    """Rows that the store refuses are halved down to single ones, each a letter of its event."""
    events = number_events(size)
    rows, letters = RowSink(max_batch=max_batch, refused=sorted(refused)), LetterSink()
    values = [pack(events[at : at + 7]) for at in range(0, size, 7)]
    make_runner(rows, letters).run([to_list(values[:2], 1), to_list(values[2:], 3, 500)], CTX)
    bad = sorted(refused & set(range(size)))
    assert sorted(rows.rows) == [key for key in range(size) if key not in refused]
    assert [decode_plain(payload_of(letter.raw)) for letter in letters.letters] == [
        [events[key]] for key in bad
    ]
    for key, letter in zip(bad, letters.letters, strict=True):
        record = key // 7
        place = (1, 100 + record) if record < 2 else (3, 500 + record - 2)
        assert (letter.source_partition, letter.source_offset) == place
        assert (letter.step, letter.reason) == (rows.name, "refused_by_store")
        assert (letter.source_topic, letter.schema_id) == (TOPIC, SCHEMA.schema_id)


def test_one_refused_row_costs_few_writes() -> None:
    """Among 1,024 rows one refused row is found with about twice ten further writes."""
    rows, letters = RowSink(refused=[700]), LetterSink()
    make_runner(rows, letters).run([to_list([pack(number_events(1024))])], CTX)
    assert len(rows.rows) == 1023
    assert len(letters.letters) == 1
    assert len(rows.writes) <= 1 + 2 * 10


def test_dead_records_keep_their_bytes_and_place() -> None:
    """A record that can not be read is a letter with its bytes, place, id, step and reason."""
    values = [pack(number_events(1)), None, b"\0\0\0\0\7abc", b"\5hello", pack([])[:-1]]
    letters = LetterSink()
    make_runner(RowSink(), letters).run([to_list(values, partition=2, start=40)], CTX)
    found = [(x.source_offset, x.schema_id, x.reason, x.raw) for x in letters.letters]
    assert found == [
        (41, -1, "no_frame", b""),
        (42, 7, "unknown_schema", b"\0\0\0\0\7abc"),
        (43, -1, "no_frame", b"\5hello"),
        (44, SCHEMA.schema_id, "undecodable", values[4]),
    ]
    for letter in letters.letters:
        assert (letter.source_partition, letter.step) == (2, "decode")
        assert letter.refused_at == NOW
        assert letter.code_version


def test_a_letter_fits_its_topic() -> None:
    """Of a record longer than its topic should take the beginning is kept, and its length said."""
    longest = WEB_EVENTS.topic.max_record_bytes
    letters = LetterSink()
    values = [b"x" * longest, b"x" * (longest + 1)]
    make_runner(RowSink(), letters).run([to_list(values)], CTX)
    whole, cut = letters.letters
    assert (whole.raw, whole.detail) == (values[0], "")
    assert (cut.raw, cut.detail) == (values[0], f"cut from {longest + 1} bytes")
    for letter in (whole, cut):
        encoded = encode_reference(CATALOGUE.newest(DEAD_LETTER.name), letter.to_datum())
        assert len(encoded) <= DEAD_LETTER.max_record_bytes


@given(chunks)
def test_a_chunk_read_again_changes_nothing(chunk: list[list[Datum] | bytes | None]) -> None:
    """A second run of a chunk leaves the same rows and the same letters once more."""
    values = [pack(record) if isinstance(record, list) else record for record in chunk]
    rows, letters = RowSink(), LetterSink()
    runner = make_runner(rows, letters)
    runner.run([to_list(values)], CTX)
    first_rows, first_letters = dict(rows.rows), list(letters.letters)
    runner.run([to_list(values)], CTX)
    assert rows.rows == first_rows
    assert letters.letters == first_letters * 2


def test_backpressure_is_waited_out(waited_s: list[float]) -> None:
    """A sink that asks for time is asked again, not before its time, and each wait is counted."""
    rows, letters = RowSink("memory.slow"), LetterSink()
    rows.waits.extend(SinkBackpressure("not now", retry_after_s=after) for after in (0.0, 40.0, 2))
    letters.waits.append(SinkBackpressure("not now", retry_after_s=1.0))
    before = count("backpressure", sink=rows.name), count("backpressure", sink=letters.name)
    make_runner(rows, letters).run([to_list([pack(number_events(5)), b""])], CTX)
    assert sorted(rows.rows) == list(range(5))
    assert len(letters.letters) == 1
    assert count("backpressure", sink=rows.name) - before[0] == 3
    assert count("backpressure", sink=letters.name) - before[1] == 1
    assert len(waited_s) == 4
    assert waited_s[1] >= 40.0
    assert min(waited_s) > 0.0
    assert max(waited_s[0], waited_s[2], waited_s[3]) <= 16.0


def test_a_stopped_runner_waits_no_longer() -> None:
    """`stop` ends a wait with the sink's own error, and the chunk is not reported as done."""
    rows = RowSink()
    rows.waits.append(SinkBackpressure("not now", retry_after_s=1_000.0))
    runner = make_runner(rows, LetterSink())
    runner.stop()
    with pytest.raises(SinkBackpressure, match="not now"):
        runner.run([to_list([pack(number_events(5))])], CTX)
    assert rows.writes == [5]


def test_a_chunk_of_poison_over_the_limit_writes_nothing() -> None:
    """If too much is dead the worker stops before a row or a letter of the chunk is written."""
    rows, letters = RowSink(), LetterSink()
    runner = make_runner(rows, letters, DeadLetterLimit(max_share=0.5, min_events=20))
    values: list[bytes | None] = [pack(number_events(10)), *[b"poison"] * 20]
    with pytest.raises(DeadLetterLimitError, match="67% of the newest 30"):
        runner.run([to_list(values)], CTX)
    assert not rows.writes
    assert not letters.letters


def test_a_store_that_refuses_all_does_not_drain_the_topic() -> None:
    """Rows refused by the store count for the limit too: a wrong migration stops the worker."""
    rows, letters = RowSink(refused=range(100)), LetterSink()
    runner = make_runner(rows, letters, DeadLetterLimit(max_share=0.5, min_events=20))
    with pytest.raises(DeadLetterLimitError):
        runner.run([to_list([pack(number_events(100))])], CTX)
    assert not letters.letters
    assert not rows.rows


def test_large_chunks_are_written_in_parts() -> None:
    """No write is larger than the sink takes, and the parts are the whole."""
    rows = RowSink(max_batch=7)
    make_runner(rows, LetterSink()).run([to_list([pack(number_events(23))])], CTX)
    assert rows.writes == [7, 7, 7, 2]
    assert sorted(rows.rows) == list(range(23))
    letters = LetterSink(max_batch=5)
    make_runner(RowSink(), letters).run([to_list([b""] * 12)], CTX)
    assert [letter.source_offset for letter in letters.letters] == list(range(100, 112))


def test_a_chunk_without_events_writes_nothing() -> None:
    """An empty batch of events is read, and no sink is troubled."""
    rows, letters = RowSink(), LetterSink()
    assert make_runner(rows, letters).run([to_list([pack([])])], CTX) == 0
    assert not rows.writes
    assert not letters.letters


def test_columns_reach_the_sink_as_columns() -> None:
    """What a sink is given is a record batch of the table's columns."""
    taken: list[pa.RecordBatch] = []

    class Taker(RowSink):
        def write(self, batch: pa.RecordBatch) -> None:
            taken.append(batch)

    make_runner(Taker(), LetterSink()).run([to_list([pack(number_events(3))])], CTX)
    assert [type(batch) for batch in taken] == [pa.RecordBatch]
