"""The examples beside the schemas: each parses, encodes, and passes every processor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from processors.check import EVENT_TYPES
from processors.columns import Context, EventColumns
from processors.decode import decode_records
from processors.reasons import DeadLetterReason
from schemas.codec import decode_reference, encode_reference
from schemas.dead_letter import DeadLetter
from schemas.topics import TOPICS
from streams.topology import WEB_EVENTS
from tests.support.events import CATALOGUE, CODEC, event_fields, to_data

EXAMPLES_DIR = Path(__file__).parents[2] / "schemas" / "examples"
WEB_EVENT_FILES = sorted((EXAMPLES_DIR / "web.event.v1").glob("*.json"))
DEAD_LETTER_FILES = sorted((EXAMPLES_DIR / "dead.letter.v1").glob("*.json"))


def read_example(path: Path) -> dict[str, Any]:
    """Read an example; bytes stand in it as Avro's JSON has them, one character per byte."""
    datum: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if "raw" in datum:
        datum["raw"] = datum["raw"].encode("latin-1")
    return datum


def name_of(path: Path) -> str:
    """Return an example's name for the test's id."""
    return path.stem


def test_every_topic_has_examples() -> None:
    """Each topic has a folder of examples, and each folder is a topic's."""
    assert {path.name for path in EXAMPLES_DIR.iterdir()} == {topic.name for topic in TOPICS}
    assert DEAD_LETTER_FILES


def test_every_event_type_has_an_example() -> None:
    """There is one example per event type, named like it, and one with every field set."""
    assert {path.stem for path in WEB_EVENT_FILES} == {*EVENT_TYPES, "everything"}
    for path in WEB_EVENT_FILES:
        (event,) = read_example(path)["events"]
        assert path.stem in {event["type"], "everything"}


def test_the_example_with_everything_has_everything() -> None:
    """No field of the full example is at its default, so none is forgotten in a test of it."""
    (event,) = read_example(EXAMPLES_DIR / "web.event.v1" / "everything.json")["events"]
    fields = event_fields(CATALOGUE.newest("web.event.v1").definition)
    assert list(event) == [field["name"] for field in fields]
    for field in fields:
        assert event[field["name"]] != field.get("default", object()), field["name"]


@pytest.mark.parametrize("path", WEB_EVENT_FILES, ids=name_of)
def test_an_example_passes_every_processor(path: Path) -> None:
    """An example encodes, decodes to itself, passes every step and is cut for every table."""
    datum = read_example(path)
    value = encode_reference(CATALOGUE.newest("web.event.v1"), datum)
    decoded = decode_records(CODEC, [value])
    assert not decoded.dead
    assert to_data(decoded.columns.events) == datum["events"]
    columns: EventColumns = decoded.columns
    ctx = Context(policy_version="0")
    for step in WEB_EVENTS.steps:
        outcome = step(columns, ctx)
        assert len(outcome.kept) == 1, step.__name__
        columns = outcome.kept
    for outlet in WEB_EVENTS.outlets:
        rows = outlet.cut(columns, ctx)
        rows.validate(full=True)
        assert rows.num_rows == 1


@pytest.mark.parametrize("path", DEAD_LETTER_FILES, ids=name_of)
def test_a_dead_letter_reads_back(path: Path) -> None:
    """An example of a dead letter is read as the letter that was written, its bytes untouched."""
    datum = read_example(path)
    schema = CATALOGUE.newest("dead.letter.v1")
    letter = DeadLetter.from_datum(decode_reference(CATALOGUE, encode_reference(schema, datum)))
    assert letter.raw == datum["raw"]
    assert letter.source_offset == datum["source_offset"]
    assert DeadLetterReason(letter.reason) in DeadLetterReason
    again = decode_reference(CATALOGUE, encode_reference(schema, letter.to_datum()))
    assert DeadLetter.from_datum(again) == letter
