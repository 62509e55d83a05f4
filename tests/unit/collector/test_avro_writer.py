"""The collector's own encoder writes what fastavro writes, byte for byte."""

from __future__ import annotations

import copy
import io
from typing import Any

import fastavro
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.catalogue import Definition, FrozenSchema
from schemas.codec import encode_reference
from streams.collector.avro_writer import (
    FIELD_ORDER,
    NO_DETAILS,
    EventKey,
    PagePart,
    RequestPart,
    SchemaOrderError,
    Traits,
    check_field_order,
    write_batch,
    write_click,
    write_custom,
    write_event,
    write_form,
    write_link,
    write_long,
    write_measures,
    write_page,
    write_request_part,
    write_string,
    write_target,
    write_time,
)
from streams.collector.pages import UTM_FIELDS
from tests.support.events import CODEC, SCHEMA, event_fields, ints, longs, payload_of, to_data

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
long_texts = st.one_of(texts, texts.map(lambda text: (text or "x") * 20))
requests = st.builds(
    RequestPart,
    site=texts,
    source=texts,
    received_at_us=longs,
    site_day=ints,
    site_hour=ints,
    visitor_hash=longs,
    salt_segment=longs,
    traits=st.builds(Traits, *[texts] * len(Traits._fields)),
)
pages = st.builds(
    PagePart,
    path=long_texts,
    query=texts,
    title=long_texts,
    referrer_host=long_texts,
    channel=texts,
    utm=st.one_of(st.just(()), st.tuples(*[texts] * 5)),
)
keys = st.builds(
    EventKey, hit_key=longs, page_load_hash=longs, seq=ints, type=texts, event_time_us=longs
)
Details = tuple[bytes, dict[str, Any]]


@st.composite
def details(draw: st.DrawFn) -> Details:
    """Return the details of an event of any kind: their bytes, and what they say."""
    kind = draw(st.sampled_from(["none", "click", "measures", "link", "form", "custom"]))
    if kind == "click":
        role, label, x, y = draw(st.tuples(long_texts, long_texts, ints, ints))
        found = {"target_role": role, "target_label": label, "x_permille": x, "y_permille": y}
        return write_click(write_target(role, label), x, y), found
    if kind == "measures":
        scroll, engaged = draw(ints), draw(ints)
        found = {"scroll_permille": scroll, "engaged_ms": engaged}
        return write_measures(scroll, engaged), found
    if kind == "link":
        host, path = draw(long_texts), draw(long_texts)
        return write_link(host, path), {"link_host": host, "link_path": path}
    if kind == "form":
        name = draw(long_texts)
        return write_form(name), {"form_name": name}
    if kind == "custom":
        name, properties = draw(texts), draw(st.dictionaries(texts, long_texts, max_size=4))
        found = {"custom_name": name, "custom_properties": properties}
        return write_custom(name, properties), found
    return NO_DETAILS, {}


def to_datum(key: EventKey, page: PagePart, said: Details, request: RequestPart) -> dict[str, Any]:
    """Return an event as Avro's fields, the ones without a value at the schema's default."""
    datum = {field["name"]: field.get("default") for field in event_fields(SCHEMA.definition)}
    for part in (key, page, request):
        own = {name: getattr(part, name) for name in part.__struct_fields__}
        datum |= {name: value for name, value in own.items() if name in datum}
    datum |= request.traits._asdict()
    datum |= dict(zip(UTM_FIELDS, page.utm or ("",) * 5, strict=True))
    times = {"received_at": request.received_at_us, "event_time": key.event_time_us}
    return datum | times | said[1]


@given(texts, requests, st.lists(st.tuples(keys, pages, details()), max_size=4))
def test_the_bytes_are_those_of_the_reference(
    collector: str, request: RequestPart, parts: list[tuple[EventKey, PagePart, Details]]
) -> None:
    """A record of the collector is byte for byte what fastavro writes of the same values."""
    shared = write_request_part(request)
    events = [write_event(key, write_page(page), said[0], shared) for key, page, said in parts]
    value = write_batch(SCHEMA.schema_id, collector, len(events), events)
    data = [to_datum(key, page, said, request) for key, page, said in parts]
    assert value == encode_reference(SCHEMA, {"collector": collector, "events": data})
    columns, _ = CODEC.to_columns(SCHEMA.schema_id, [payload_of(value)])
    assert to_data(columns) == data


def test_an_event_with_nothing_but_the_needed_has_the_defaults() -> None:
    """The defaults of the parts are those of the schema."""
    request = write_request_part(RequestPart("s", "t", 1, 2, 3, 4, 5))
    page = write_page(PagePart("/"))
    event = write_event(EventKey(1, 2, 3, "click", 4), page, NO_DETAILS, request)
    value = write_batch(1, "c", 1, [event])
    needed = {"hit_key": 1, "page_load_hash": 2, "seq": 3, "type": "click", "event_time": 4}
    needed |= {"path": "/", "site": "s", "source": "t", "received_at": 1, "site_day": 2}
    needed |= {"site_hour": 3, "visitor_hash": 4, "salt_segment": 5}
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, SCHEMA.parsed, {"collector": "c", "events": [needed]})
    assert payload_of(value) == buffer.getvalue()


def reference(avro_type: str, value: object) -> bytes:
    """Return what fastavro writes of one value."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(avro_type), value)
    return buffer.getvalue()


EDGES = sorted(
    {sign * (2**bits) + off for bits in range(64) for sign in (1, -1) for off in (-1, 0)}
)


@pytest.mark.parametrize("number", [n for n in EDGES if -(2**63) <= n < 2**63])
def test_every_length_of_a_number_is_right(number: int) -> None:
    """On both sides of every power of two a number has the reference's bytes."""
    assert write_long(number) == reference("long", number)


@given(longs)
@example(2**63 - 1)
@example(-(2**63))
def test_any_number_is_written_like_the_reference(number: int) -> None:
    """Zigzag and seven bits per byte, for all 64 bits."""
    assert write_long(number) == reference("long", number)


@given(longs)
@example(0)
@example(2**27 - 1)
@example(2**27)
@example(-(2**27))
def test_any_time_is_written_like_the_reference(us: int) -> None:
    """The short way of writing a time gives the bytes of any number."""
    assert write_time(us) == reference("long", us)


@given(long_texts)
def test_any_text_is_written_like_the_reference(text: str) -> None:
    """The length counts bytes of UTF-8, not characters."""
    assert write_string(text) == reference("string", text)


def test_half_a_surrogate_pair_is_no_text() -> None:
    """What can not be UTF-8 is an error before any byte of it is written."""
    with pytest.raises(UnicodeEncodeError):
        write_string("\ud800")


def test_the_fields_are_those_of_the_schema() -> None:
    """The order that the writer was written for is the committed schema's."""
    check_field_order(SCHEMA)
    assert [field["name"] for field in event_fields(SCHEMA.definition)] == list(FIELD_ORDER)


def change(definition: Definition, how: str) -> str:
    """Change the order of a schema's fields; return what the error must say."""
    fields = event_fields(definition)
    if how == "swapped":
        fields[3], fields[4] = fields[4], fields[3]
        return "field 3 is not type"
    if how == "removed":
        del fields[7]
        return "field 7 is not title"
    if how == "cut":
        del fields[-1]
        return f"field {len(fields)} is not personal"
    fields.append({"name": "later", "type": "string", "default": ""})
    return "1 more"


@pytest.mark.parametrize("how", ["swapped", "removed", "cut", "added"])
def test_a_schema_of_another_order_is_refused(how: str) -> None:
    """Fields swapped, removed or added stop the collector at its start, not its readers later."""
    definition = copy.deepcopy(SCHEMA.definition)
    message = change(definition, how)
    with pytest.raises(SchemaOrderError, match=message):
        check_field_order(FrozenSchema(9, SCHEMA.topic, definition))
