"""The catalogue's folder: names, ids, freezing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas import catalogue as module
from schemas.catalogue import Catalogue, CatalogueError, FrozenSchema, current_definition, freeze
from schemas.topics import WEB_EVENT
from tests.support.events import SCHEMA


def write_schema(folder: Path, name: str) -> None:
    """Put a copy of the event schema into a folder."""
    (folder / name).write_text(SCHEMA.text, "utf-8")


@pytest.mark.parametrize("name", ["web.event.v1.avsc", "x-web.event.v1.avsc", "0001.avsc"])
def test_a_misnamed_file_is_refused(tmp_path: Path, name: str) -> None:
    """A file that is not named <id>-<topic>.avsc is named in the error."""
    write_schema(tmp_path, name)
    with pytest.raises(CatalogueError, match=name):
        Catalogue.load(tmp_path)


def test_two_files_with_one_id_are_refused(tmp_path: Path) -> None:
    """An id means one schema for ever, so a second file with it is an error."""
    write_schema(tmp_path, "0001-web.event.v1.avsc")
    write_schema(tmp_path, "1-dead.letter.v1.avsc")
    with pytest.raises(CatalogueError, match="share one id"):
        Catalogue.load(tmp_path)


def test_versions_run_by_id_not_by_name(tmp_path: Path) -> None:
    """The newest schema of a topic is the one with the highest id, 10 after 9."""
    write_schema(tmp_path, "9-web.event.v1.avsc")
    write_schema(tmp_path, "10-web.event.v1.avsc")
    found = Catalogue.load(tmp_path)
    assert [schema.schema_id for schema in found.versions("web.event.v1")] == [9, 10]
    assert found.newest("web.event.v1").schema_id == 10
    assert found.next_id() == 11


def test_what_is_not_there_is_an_error() -> None:
    """An unknown id or topic is an error that names it."""
    empty = Catalogue(())
    assert empty.next_id() == 1
    with pytest.raises(CatalogueError, match="no id 7"):
        empty.get(7)
    with pytest.raises(CatalogueError, match=r"none for topic web\.event\.v1"):
        empty.newest("web.event.v1")


def test_freezing_writes_a_changed_schema_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A changed schema gets the next id; freezing an unchanged one again writes nothing."""
    avro, frozen = tmp_path / "avro", tmp_path / "catalogue"
    avro.mkdir()
    frozen.mkdir()
    definition = current_definition(WEB_EVENT.name)
    monkeypatch.setattr(module, "AVRO_DIR", avro)
    (avro / "web.event.v1.avsc").write_text(json.dumps(definition), "utf-8")

    first = freeze(WEB_EVENT.name, Catalogue(()), frozen)
    assert first == frozen / "0001-web.event.v1.avsc"
    assert freeze(WEB_EVENT.name, Catalogue.load(frozen), frozen) is None

    (avro / "web.event.v1.avsc").write_text(json.dumps(definition | {"doc": "other"}), "utf-8")
    second = freeze(WEB_EVENT.name, Catalogue.load(frozen), frozen)
    assert second == frozen / "0002-web.event.v1.avsc"
    assert Catalogue.load(frozen).get(1).definition == definition


def test_the_text_of_a_schema_is_its_definition() -> None:
    """The compact text that the hot path gets is the same JSON."""
    schema = FrozenSchema(1, "t", {"type": "record", "name": "ім'я", "fields": []})
    assert json.loads(schema.text) == schema.definition
