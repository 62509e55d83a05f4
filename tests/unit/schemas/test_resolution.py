"""A record written under an older schema is read as one of the newest."""

from __future__ import annotations

import copy
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from processors.decode import decode_records
from schemas.catalogue import Catalogue, Definition, FrozenSchema
from schemas.codec import EventCodec, decode_reference, encode_reference
from tests.support.events import SCHEMA, Datum, any_events, event_fields, payload_of, to_data

OLD_ID, NEW_ID = 901, 902
ADDED: list[tuple[str, Any, Any]] = [
    ("added_text", "string", "нове"),
    ("added_number", "long", -(2**63)),
    ("added_flag", "boolean", True),
    ("added_map", {"type": "map", "values": "string"}, {"a": "b", "c": ""}),
    ("added_nullable", ["null", "string"], None),
]


def make_field(name: str, avro_type: Any, default: Any) -> Definition:  # noqa: ANN401 - JSON
    """Return a field that a later schema adds."""
    return {"name": name, "type": avro_type, "default": default}


def make_catalogue() -> Catalogue:
    """Return two versions: the new one adds, removes, reorders and widens fields."""
    old, new = copy.deepcopy(SCHEMA.definition), copy.deepcopy(SCHEMA.definition)
    event_fields(old).append(make_field("removed", "string", ""))
    fields = event_fields(new)
    fields[1:1] = [make_field(*added) for added in ADDED]
    fields.reverse()
    by_name = {field["name"]: field for field in fields}
    by_name["seq"]["type"] = by_name["engaged_ms"]["type"] = "long"
    by_name["personal"]["type"][1]["fields"] += [
        make_field("basis", "string", "consent"),
        make_field("until", ["null", "long"], None),
    ]
    return Catalogue(
        (
            FrozenSchema(OLD_ID, SCHEMA.topic, old),
            FrozenSchema(NEW_ID, SCHEMA.topic, new),
        )
    )


CATALOGUE = make_catalogue()
CODEC = EventCodec(CATALOGUE)
in_calendar = st.integers(-(10**15), 10**15)
old_events = st.builds(
    lambda event, times, day: event | times | {"site_day": day, "removed": "gone"},
    any_events,
    st.fixed_dictionaries({"event_time": in_calendar, "received_at": in_calendar}),
    st.integers(-10_000, 100_000),
)


def read_by_reference(value: bytes) -> list[Datum]:
    """Read a value with fastavro and write its times as integers again."""
    columns = decode_reference(CATALOGUE, value)["events"]
    payload = encode_reference(CATALOGUE.newest(SCHEMA.topic), {"collector": "", "events": columns})
    decoded, _ = CODEC.to_columns(NEW_ID, [payload_of(payload)])
    return to_data(decoded)


@given(st.lists(old_events, max_size=4))
def test_older_records_are_read_equally_by_both(events: list[Datum]) -> None:
    """Defaults, removed fields, int to long and a grown inner record: both codecs agree."""
    old = CATALOGUE.get(OLD_ID)
    value = encode_reference(old, {"collector": "c", "events": events})
    columns, _ = CODEC.to_columns(OLD_ID, [payload_of(value)])
    assert columns.schema.equals(CODEC.schema)
    data = to_data(columns)
    assert data == read_by_reference(value)
    for event, read in zip(events, data, strict=True):
        assert "removed" not in read
        assert {name: read[name] for name, _, _ in ADDED} == {
            name: default for name, _, default in ADDED
        }
        assert read["seq"] == event["seq"]
        if event["personal"] is None:
            assert read["personal"] is None
        else:
            assert read["personal"] == {
                "data_subject_id": event["personal"]["data_subject_id"],
                "basis": "consent",
                "until": None,
            }


def test_widened_numbers_are_longs_in_columns() -> None:
    """A field that grew from int to long is a 64-bit column whichever schema wrote it."""
    assert CODEC.schema.field("seq").type == pa.int64()


@given(st.lists(old_events, min_size=1, max_size=3), st.lists(old_events, min_size=1, max_size=3))
def test_a_chunk_of_both_schemas_is_one_table(old: list[Datum], new: list[Datum]) -> None:
    """Records of two schema ids in one chunk become columns of one schema, no event lost."""
    values: list[bytes | None] = []
    newer = [{name: event[name] for name in event if name != "removed"} for event in new]
    for schema_id, events in ((OLD_ID, old), (NEW_ID, newer), (OLD_ID, old)):
        schema = CATALOGUE.get(schema_id)
        values.append(encode_reference(schema, {"collector": "c", "events": events}))
    decoded = decode_records(CODEC, values)
    assert not decoded.dead
    assert decoded.columns.events.schema.equals(CODEC.schema)
    counts = decoded.columns.record.value_counts().to_pylist()
    assert {entry["values"]: entry["counts"] for entry in counts} == {
        0: len(old),
        1: len(new),
        2: len(old),
    }
