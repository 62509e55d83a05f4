"""The committed catalogue: which schema id means which frozen Avro schema.

A file `catalogue/<id>-<topic>.avsc` is never changed once a record may carry its id. The current
schema of a topic, `avro/<topic>.avsc`, must equal the newest frozen one (a test holds it), so a
changed schema needs a new id: `hmara schemas freeze`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

from fastavro import parse_schema
from fastavro.types import Schema

from schemas.errors import HmaraError

AVRO_DIR: Final = Path(__file__).parent / "avro"
CATALOGUE_DIR: Final = Path(__file__).parent / "catalogue"

Definition = dict[str, Any]


class CatalogueError(HmaraError):
    """A schema id or topic that the catalogue does not hold, or a file in it that is wrong."""


@dataclass(frozen=True)
class FrozenSchema:
    """One schema under its id; `definition` is the parsed JSON of its file."""

    schema_id: int
    topic: str
    definition: Definition

    @cached_property
    def text(self) -> str:
        """The definition as compact JSON, as the Avro libraries take it."""
        return json.dumps(self.definition, separators=(",", ":"))

    @cached_property
    def parsed(self) -> Schema:
        """The definition as fastavro has parsed it."""
        return parse_schema(self.definition)


class Catalogue:
    """Every frozen schema, by id and by topic."""

    def __init__(self, schemas: tuple[FrozenSchema, ...]) -> None:
        self._by_id = {schema.schema_id: schema for schema in schemas}
        if len(self._by_id) != len(schemas):
            message = "reading catalogue: two schemas share one id"
            raise CatalogueError(message)

    @classmethod
    def load(cls, folder: Path = CATALOGUE_DIR) -> Self:
        """Read the catalogue's folder.

        Raises:
            CatalogueError: a file's name is not `<id>-<topic>.avsc`, or two share one id.
        """
        schemas = []
        for path in sorted(folder.glob("*.avsc")):
            number, dash, topic = path.stem.partition("-")
            if not dash or not number.isdigit():
                message = f"reading catalogue: {path.name} is not named <id>-<topic>.avsc"
                raise CatalogueError(message)
            schemas.append(FrozenSchema(int(number), topic, json.loads(path.read_text("utf-8"))))
        return cls(tuple(schemas))

    def get(self, schema_id: int) -> FrozenSchema:
        """Return the schema under an id.

        Raises:
            CatalogueError: no schema has that id.
        """
        try:
            return self._by_id[schema_id]
        except KeyError:
            message = f"looking up schema: the catalogue has no id {schema_id}"
            raise CatalogueError(message) from None

    def versions(self, topic: str) -> tuple[FrozenSchema, ...]:
        """Return the schemas of a topic, oldest first; empty if it has none."""
        found = (schema for schema in self._by_id.values() if schema.topic == topic)
        return tuple(sorted(found, key=lambda schema: schema.schema_id))

    def newest(self, topic: str) -> FrozenSchema:
        """Return the schema that writers of a topic use.

        Raises:
            CatalogueError: the topic has no schema.
        """
        versions = self.versions(topic)
        if not versions:
            message = f"looking up schema: the catalogue has none for topic {topic}"
            raise CatalogueError(message)
        return versions[-1]

    def next_id(self) -> int:
        """Return the id that the next frozen schema gets."""
        return max(self._by_id, default=0) + 1


def current_definition(topic: str) -> Definition:
    """Return the parsed JSON of `avro/<topic>.avsc`."""
    path = AVRO_DIR / f"{topic}.avsc"
    definition: Definition = json.loads(path.read_text("utf-8"))
    return definition


def freeze(topic: str, catalogue: Catalogue, folder: Path = CATALOGUE_DIR) -> Path | None:
    """Write the topic's current schema into the catalogue under the next id.

    Returns the new file, or None if the newest frozen schema already says the same.
    """
    definition = current_definition(topic)
    versions = catalogue.versions(topic)
    if versions and versions[-1].definition == definition:
        return None
    path = folder / f"{catalogue.next_id():04d}-{topic}.avsc"
    path.write_text(json.dumps(definition, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return path
