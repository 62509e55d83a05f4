"""The cut: rows of plane S, made of nothing but the event."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from processors.columns import Context, EventColumns
from processors.split import to_staging_rows
from tests.support.events import Datum, good_events, make_event, to_columns

CTX = Context(policy_version="0")
some_good_events = st.lists(good_events(), min_size=1, max_size=6)


def cut(
    events: list[Datum], records: list[int] | None = None, ctx: Context = CTX
) -> pa.RecordBatch:
    """Cut rows out of events."""
    places = pa.array(records or [0] * len(events), pa.int64())
    return to_staging_rows(EventColumns(to_columns(events), places), ctx)


@given(some_good_events, st.data())
def test_rows_depend_on_the_event_alone(events: list[Datum], data: st.DataObject) -> None:
    """Another order, chunk, record or context makes equal rows: a replay changes nothing."""
    order = data.draw(st.permutations(range(len(events))))
    whole = cut(events)
    shuffled = cut([events[place] for place in order], list(order), Context(policy_version="other"))
    assert shuffled.equals(whole.take(pa.array(order, pa.int64())))
    alone = [cut([event]) for event in events]
    assert pa.Table.from_batches(alone).equals(pa.Table.from_batches([whole]))


@given(some_good_events)
def test_a_slice_is_cut_like_the_whole(events: list[Datum]) -> None:
    """Chunks may be cut anywhere: rows of a slice are the slice of the rows."""
    columns = to_columns(events)
    batch = EventColumns(columns.slice(1), pa.array([0] * (len(events) - 1), pa.int64()))
    assert to_staging_rows(batch, CTX).equals(cut(events).slice(1))


@given(some_good_events)
def test_of_two_deliveries_the_first_wins(events: list[Datum]) -> None:
    """`first_wins` is 2^64 - 1 less the microseconds of received_at: it falls as they grow."""
    rows = cut(events)
    assert rows.column("first_wins").to_pylist() == [
        2**64 - 1 - event["received_at"] for event in events
    ]


def test_the_personal_part_has_no_column() -> None:
    """Nothing of `personal` is in a row, and a row with it equals the row without it."""
    without = make_event()
    with_personal = make_event(personal={"data_subject_id": "5ec0de"})
    rows = cut([with_personal])
    assert "personal" not in rows.schema.names
    assert rows.equals(cut([without]))
    assert "5ec0de" not in str(rows.to_pylist())


@given(some_good_events)
def test_values_are_not_changed(events: list[Datum]) -> None:
    """Narrowed numbers keep their value, hashes their 64 bits, texts their characters."""
    rows = cut(events).to_pylist()
    for event, row in zip(events, rows, strict=True):
        for name in ("seq", "engaged_ms", "x_permille", "y_permille", "scroll_permille"):
            assert row[name] == event[name]
        for name in ("hit_key", "page_load_hash", "visitor_hash", "salt_segment"):
            assert row[name] == event[name] % 2**64
        for name in ("type", "path", "title", "site", "country", "utm_term", "site_hour"):
            assert row[name] == event[name]
        assert dict(row["custom_properties"]) == event["custom_properties"]
