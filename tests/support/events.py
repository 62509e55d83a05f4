"""Generated web events: any datum of a schema, and events that every check lets pass."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

import fastavro
import pyarrow as pa
from hypothesis import strategies as st

from processors.check import EVENT_TYPES, MAX_AGE_US
from schemas.catalogue import Catalogue, Definition, FrozenSchema
from schemas.codec import EVENT_TOPIC, UNSIGNED_FIELDS, EventCodec
from schemas.framing import HEADER_BYTES

Datum = dict[str, Any]

CATALOGUE: Final = Catalogue.load()
SCHEMA: Final = CATALOGUE.newest(EVENT_TOPIC)
CODEC: Final = EventCodec(CATALOGUE)
DAY_US: Final = 86_400_000_000

texts: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ints: Final = st.integers(-(2**31), 2**31 - 1)
longs: Final = st.integers(-(2**63), 2**63 - 1)


def data_of(avro_type: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - a piece of Avro's JSON
    """Return any datum of an Avro type; times and dates are the integers that Avro stores."""
    if isinstance(avro_type, list):
        return st.one_of(*map(data_of, avro_type))
    kind = avro_type["type"] if isinstance(avro_type, dict) else avro_type
    if kind == "record":
        return st.fixed_dictionaries(
            {field["name"]: data_of(field["type"]) for field in avro_type["fields"]}
        )
    if kind == "array":
        return st.lists(data_of(avro_type["items"]), max_size=4)
    if kind == "map":
        return st.dictionaries(texts, data_of(avro_type["values"]), max_size=3)
    primitives = {"null": st.none(), "string": texts, "int": ints, "long": longs}
    return primitives[kind]


def event_fields(definition: Definition) -> list[Definition]:
    """Return the fields of one event in the definition of its batch; change them in place."""
    events = next(field for field in definition["fields"] if field["name"] == "events")
    fields: list[Definition] = events["type"]["items"]["fields"]
    return fields


whole_batches: Final[st.SearchStrategy[Datum]] = data_of(SCHEMA.definition)
"""Any datum of the newest schema, every field drawn: thorough and slow."""


@st.composite
def some_events(draw: st.DrawFn) -> Datum:
    """Return any event of the newest schema, however absurd; most of its fields are plain."""
    fields = draw(st.lists(st.sampled_from(_FIELDS), max_size=12, unique_by=_name_of))
    return make_event(**{field["name"]: draw(_DATA[field["name"]]) for field in fields})


any_events: Final[st.SearchStrategy[Datum]] = some_events()
batches: Final[st.SearchStrategy[Datum]] = st.fixed_dictionaries(
    {"collector": texts, "events": st.lists(any_events, max_size=4)}
)


def _name_of(field: Definition) -> str:
    name: str = field["name"]
    return name


_FIELDS: Final = event_fields(SCHEMA.definition)
_DATA: Final = {_name_of(field): data_of(field["type"]) for field in _FIELDS}


@st.composite
def good_events(draw: st.DrawFn) -> Datum:
    """Return an event that every check lets pass."""
    event: Datum = draw(any_events)
    received_at = draw(st.integers(DAY_US, 60_000 * DAY_US))
    permille = st.integers(-1, 1000)
    return event | {
        "type": draw(st.sampled_from(EVENT_TYPES)),
        "site": draw(st.sampled_from(["demo", "shop"])),
        "received_at": received_at,
        "event_time": received_at - draw(st.integers(0, MAX_AGE_US)),
        "site_day": received_at // DAY_US,
        "site_hour": draw(st.integers(0, 23)),
        "seq": draw(st.integers(0, 2**31 - 1)),
        "engaged_ms": draw(st.integers(0, 2**31 - 1)),
        "x_permille": draw(permille),
        "y_permille": draw(permille),
        "scroll_permille": draw(permille),
    }


def make_event(**fields: object) -> Datum:
    """Return a plain good event with some fields changed."""
    event: Datum = {
        field["name"]: field.get("default", _PLAIN.get(field["name"]))
        for field in event_fields(SCHEMA.definition)
    }
    return event | fields


_PLAIN: Final[Datum] = {
    "hit_key": 1,
    "page_load_hash": 2,
    "seq": 0,
    "type": "page_view",
    "event_time": 1_782_896_399_000_000,
    "path": "/",
    "site": "demo",
    "source": "tag",
    "received_at": 1_782_896_400_000_000,
    "site_day": 20_635,
    "site_hour": 12,
    "visitor_hash": 3,
    "salt_segment": 4,
}


def encode_plain(events: Sequence[Datum], schema: FrozenSchema = SCHEMA) -> bytes:
    """Write a batch with fastavro, unframed."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema.parsed, {"collector": "test", "events": list(events)})
    return buffer.getvalue()


def decode_plain(payload: bytes, writer: FrozenSchema = SCHEMA) -> list[Datum]:
    """Read a batch with fastavro; times and dates stay integers, so none is out of range."""
    datum = fastavro.schemaless_reader(
        io.BytesIO(payload),
        fastavro.parse_schema(_without_logic(writer.definition)),
        fastavro.parse_schema(_without_logic(SCHEMA.definition)),
    )
    events: list[Datum] = datum["events"]
    return events


def payload_of(value: bytes) -> bytes:
    """Return a framed value without its frame."""
    return value[HEADER_BYTES:]


def to_columns(events: Sequence[Datum]) -> pa.RecordBatch:
    """Return events as columns."""
    columns, _ = CODEC.to_columns(SCHEMA.schema_id, [encode_plain(events)])
    return columns


def to_data(columns: pa.RecordBatch) -> list[Datum]:
    """Return columns as data, as `decode_plain` gives them."""
    plain = {
        name: _to_plain(name, column)
        for name, column in zip(columns.schema.names, columns.columns, strict=True)
    }
    return [
        {name: values[row] for name, values in plain.items()} for row in range(columns.num_rows)
    ]


def _to_plain(name: str, column: pa.Array) -> list[Any]:
    if name in UNSIGNED_FIELDS:
        column = column.view(pa.int64())
    elif pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    elif pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    values: list[Any] = column.to_pylist()
    return [dict(value) for value in values] if pa.types.is_map(column.type) else values


def _without_logic(node: Any) -> Any:  # noqa: ANN401 - any piece of Avro's JSON
    if isinstance(node, list):
        return [_without_logic(item) for item in node]
    if isinstance(node, dict):
        return {key: _without_logic(value) for key, value in node.items() if key != "logicalType"}
    return node
