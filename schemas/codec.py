"""Avro batches of events to Arrow columns and back.

fastavro is the reference: slow, resolves schemas, says what is wrong. pyruhvro is the hot path:
columns straight from bytes, no Python object per event. Both are proved equal by
tests/unit/schemas/test_codec.py. What pyruhvro lacks is done here: UTF-8 is validated, and a
record written under an older schema is brought to the newest one (Avro 1.12, "Schema Resolution":
fields by name, missing ones take the reader's default, unknown ones are left out). One difference
is left: an int beyond 32 bits, which is no Avro int, passes fastavro and is folded by pyruhvro.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import fastavro
import pyarrow as pa
import pyruhvro

from schemas.catalogue import Catalogue, Definition, FrozenSchema
from schemas.errors import HmaraError
from schemas.framing import HEADER_BYTES, frame, parse_frame

EVENT_TOPIC: Final = "web.event.v1"
UNSIGNED_FIELDS: Final = ("hit_key", "page_load_hash", "visitor_hash", "salt_segment")
"""Fields whose 64 bits stand in an Avro long, which is signed, and are unsigned in columns."""

Datum = Mapping[str, Any]


class CodecError(HmaraError):
    """Bytes that are no datum of the schema they claim, or a datum that is none of its schema."""


def encode_reference(schema: FrozenSchema, datum: Datum) -> bytes:
    """Write one datum with fastavro, framed.

    Raises:
        CodecError: the datum does not fit the schema.
    """
    buffer = io.BytesIO()
    try:
        fastavro.schemaless_writer(buffer, schema.parsed, datum, strict_allow_default=True)
    except (ValueError, TypeError, OverflowError, KeyError) as error:
        message = f"encoding {schema.topic}: {type(error).__name__}"
        raise CodecError(message) from error
    return frame(schema.schema_id, buffer.getvalue())


def decode_reference(catalogue: Catalogue, value: bytes | None) -> dict[str, Any]:
    """Read one framed datum with fastavro, resolved to the newest schema of its topic.

    Raises:
        FramingError, CatalogueError: the frame is none, or names an unknown schema.
        CodecError: the datum is not of that schema.
    """
    writer = catalogue.get(parse_frame(value))
    reader = catalogue.newest(writer.topic)
    payload = io.BytesIO(cast("bytes", value)[HEADER_BYTES:])
    try:
        datum = fastavro.schemaless_reader(payload, writer.parsed, reader.parsed)
    except (ValueError, EOFError, IndexError, OverflowError, TypeError, KeyError) as error:
        # The library's text may quote the bytes, so only its kind is passed on.
        message = f"decoding {writer.topic}: {type(error).__name__}"
        raise CodecError(message) from error
    return cast("dict[str, Any]", datum)


class EventCodec:
    """Batches of events to columns of the newest schema, and back."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._newest = catalogue.newest(EVENT_TOPIC)
        self._schema_text = self._newest.text
        self._definitions = _event_fields(self._newest)
        self.schema: Final = _event_schema(self._newest)

    @property
    def schema_id(self) -> int:
        """Id under which `to_value` writes."""
        return self._newest.schema_id

    def to_columns(
        self, schema_id: int, payloads: Sequence[bytes]
    ) -> tuple[pa.RecordBatch, pa.Array]:
        """Decode data of one schema id to columns.

        Args:
            schema_id: id under which all payloads were written.
            payloads: unframed Avro data, one per record.

        Returns:
            events x fields of the newest schema (`self.schema`), and per event the position of
            its record in `payloads` (int64).

        Raises:
            CatalogueError: unknown schema id.
            CodecError: at least one payload is no datum of the schema, or holds a string that is
                not UTF-8; nothing is returned of the others.
        """
        writer = self._catalogue.get(schema_id)
        if writer.topic != EVENT_TOPIC:
            message = f"decoding {EVENT_TOPIC}: schema {schema_id} belongs to {writer.topic}"
            raise CodecError(message)
        try:
            records = pyruhvro.deserialize_array(list(payloads), writer.text)
            records.validate(full=True)
        except (ValueError, pa.ArrowInvalid) as error:
            message = f"decoding {EVENT_TOPIC}: not a datum of schema {schema_id}"
            raise CodecError(message) from error
        lists = records.column("events")
        struct = lists.flatten()
        names = [field.name for field in struct.type]
        found = dict(zip(names, struct.flatten(), strict=True))
        rows = len(struct)
        columns = [
            _resolve(definition, field, found.get(field.name), rows)
            for definition, field in zip(self._definitions, self.schema, strict=True)
        ]
        parents = pa.compute.list_parent_indices(lists)
        return pa.RecordBatch.from_arrays(columns, schema=self.schema), parents

    def to_value(self, collector: str, events: pa.RecordBatch) -> bytes:
        """Write columns of `self.schema` as one framed `EventBatch`."""
        columns = [
            column.view(pa.int64()) if name in UNSIGNED_FIELDS else column
            for name, column in zip(events.schema.names, events.columns, strict=True)
        ]
        struct = pa.StructArray.from_arrays(columns, names=events.schema.names)
        offsets = pa.array([0, len(struct)], pa.int32())
        batch = pa.RecordBatch.from_arrays(
            [pa.array([collector]), pa.ListArray.from_arrays(offsets, struct)],
            names=["collector", "events"],
        )
        chunks = pyruhvro.serialize_record_batch(batch, self._schema_text, 1)
        return frame(self.schema_id, chunks[0][0].as_py())


def _event_fields(schema: FrozenSchema) -> list[Definition]:
    events = next(field for field in schema.definition["fields"] if field["name"] == "events")
    fields: list[Definition] = events["type"]["items"]["fields"]
    return fields


def _event_schema(schema: FrozenSchema) -> pa.Schema:
    whole = pyruhvro.deserialize_array([], schema.text).schema
    struct = whole.field("events").type.value_type
    return pa.schema(
        [
            pa.field(field.name, pa.uint64() if field.name in UNSIGNED_FIELDS else field.type)
            for field in struct
        ]
    )


def _resolve(
    definition: Definition, field: pa.Field, column: pa.Array | None, rows: int
) -> pa.Array:
    """Bring a column (None: the writer had no such field) to the newest schema's field."""
    if column is None:
        return _constant(definition["default"], field, rows)
    if field.name in UNSIGNED_FIELDS:
        return column.view(pa.uint64())
    if column.type == field.type:
        return column
    if pa.types.is_struct(field.type):
        return _resolve_record(definition, field, column)
    return column.cast(field.type)


def _resolve_record(definition: Definition, field: pa.Field, column: pa.Array) -> pa.Array:
    """Bring a nullable record to the newest schema, field by field."""
    branches = definition["type"] if isinstance(definition["type"], list) else [definition["type"]]
    record = next(branch for branch in branches if isinstance(branch, dict))
    names = [inner.name for inner in column.type]
    found = dict(zip(names, column.flatten(), strict=True))
    columns = [
        _resolve(inner, inner_field, found.get(inner_field.name), len(column))
        for inner, inner_field in zip(record["fields"], field.type, strict=True)
    ]
    return pa.StructArray.from_arrays(columns, fields=list(field.type), mask=column.is_null())


def _constant(default: Any, field: pa.Field, rows: int) -> pa.Array:  # noqa: ANN401 - JSON
    if default is None:
        return pa.nulls(rows, field.type)
    scalar = pa.array([list(default.items()) if isinstance(default, dict) else default], field.type)
    return scalar.take(pa.nulls(rows, pa.int64()).fill_null(0))
