"""The committed schemas: frozen, compatible, annotated, one for every topic."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from avro.compatibility import (
    ReaderWriterCompatibilityChecker,
    SchemaCompatibilityType,
)
from avro.schema import parse

from schemas.catalogue import Catalogue, Definition, current_definition
from schemas.topics import TOPICS, Erasure, Plane, Topic
from streams.collector.avro_writer import check_field_order
from tests.support.events import event_fields

CATALOGUE = Catalogue.load()
NAMES = [topic.name for topic in TOPICS]
ANNOTATIONS = ("plane", "category", "purpose", "retention_class", "erasure", "doc")


def can_read(reader: Definition, writer: Definition) -> bool:
    """Ask the avro package whether a reader's schema resolves a writer's."""
    result = ReaderWriterCompatibilityChecker().get_compatibility(
        parse(json.dumps(reader)), parse(json.dumps(writer))
    )
    return bool(result.compatibility is SchemaCompatibilityType.compatible)


def walk_fields(avro_type: Any, path: str) -> Iterator[tuple[str, Definition]]:  # noqa: ANN401
    """Yield every field of a type, at every level, with its path."""
    if isinstance(avro_type, list):
        for branch in avro_type:
            yield from walk_fields(branch, path)
    elif isinstance(avro_type, dict):
        for field in avro_type.get("fields", ()):
            inner = f"{path}.{field['name']}"
            yield inner, field
            yield from walk_fields(field["type"], inner)
        for part in ("items", "values"):
            yield from walk_fields(avro_type.get(part), path)


@pytest.mark.parametrize("name", NAMES)
def test_every_topic_has_a_frozen_schema(name: str) -> None:
    """What writers use, `avro/<topic>.avsc`, is the newest frozen schema, byte for byte as JSON."""
    assert CATALOGUE.newest(name).definition == current_definition(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_newest_schema_reads_every_older_one(name: str) -> None:
    """Every record that is still on a topic, whichever version wrote it, can be read."""
    newest = CATALOGUE.newest(name)
    for older in CATALOGUE.versions(name):
        assert can_read(newest.definition, older.definition), older.schema_id


def broken_copies() -> dict[str, Definition]:
    """Return changes of the event schema that no reader survives."""
    copies = {
        name: copy.deepcopy(current_definition("web.event.v1"))
        for name in ("added without default", "retyped", "renamed", "narrowed", "dropped branch")
    }
    event_fields(copies["added without default"]).append({"name": "x", "type": "string"})
    by_name = {
        name: {field["name"]: field for field in event_fields(definition)}
        for name, definition in copies.items()
    }
    by_name["retyped"]["path"]["type"] = "int"
    by_name["renamed"]["path"]["name"] = "page_path"
    by_name["narrowed"]["hit_key"]["type"] = "int"
    by_name["dropped branch"]["personal"]["type"] = "null"
    return copies


@pytest.mark.parametrize("change", broken_copies())
def test_an_incompatible_change_is_seen(change: str) -> None:
    """The check above goes red for a change that would make stored records unreadable."""
    assert not can_read(broken_copies()[change], current_definition("web.event.v1"))


@pytest.mark.parametrize("name", NAMES)
def test_every_field_says_where_it_belongs(name: str) -> None:
    """Every field at every level names plane, category, purpose, retention, erasure and a doc."""
    planes, erasures = {plane.value for plane in Plane}, {erasure.value for erasure in Erasure}
    fields = list(walk_fields(current_definition(name), name))
    assert fields
    for path, field in fields:
        missing = [key for key in ANNOTATIONS if not field.get(key)]
        assert not missing, f"{path} has no {missing}"
        assert field["plane"] in planes, path
        assert field["erasure"] in erasures, path


@pytest.mark.parametrize("topic", TOPICS, ids=NAMES)
def test_a_topic_is_as_strict_as_its_strictest_field(topic: Topic) -> None:
    """No field of a schema belongs to a stricter plane than its topic declares."""
    order = [plane.value for plane in Plane]
    for path, field in walk_fields(current_definition(topic.name), topic.name):
        assert order.index(field["plane"]) <= order.index(topic.plane.value), path


@pytest.mark.parametrize("topic", TOPICS, ids=NAMES)
def test_a_topic_keeps_the_promises_of_its_table(topic: Topic) -> None:
    """Raw topics live 24 hours by the broker's clock, in segments of at most an hour."""
    settings = topic.settings()
    assert settings["message.timestamp.type"] == "LogAppendTime"
    assert int(settings["retention.ms"]) == 24 * 3_600_000
    assert int(settings["segment.ms"]) <= 3_600_000


def test_a_dead_letter_has_room_for_the_largest_record() -> None:
    """The dead letters' topic takes a whole record of any other topic and a few words more."""
    by_name = {topic.name: topic for topic in TOPICS}
    room = by_name["dead.letter.v1"].max_record_bytes
    assert all(
        topic.max_record_bytes + 1_000 < room for topic in TOPICS if topic.name != "dead.letter.v1"
    )


def test_the_collectors_writer_knows_the_newest_schema() -> None:
    """The hand-written encoder of the collector was written for the schema that is in force."""
    check_field_order(CATALOGUE.newest("web.event.v1"))
