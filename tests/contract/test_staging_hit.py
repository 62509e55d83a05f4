"""The rows of the split against the columns of `staging.hit` in its migration."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from processors.columns import Context, EventColumns
from processors.split import to_staging_rows
from sinks.clickhouse.migrate import read_migrations
from streams.topology import WEB_EVENTS
from tests.support.events import make_event, to_columns

STAMPED_BY_THE_DATABASE = "stored_at"
ARROW_TYPES = {
    "UInt64": pa.uint64(),
    "UInt32": pa.uint32(),
    "UInt8": pa.uint8(),
    "Int16": pa.int16(),
    "String": pa.string(),
    "LowCardinality(String)": pa.string(),
    "Map(String, String)": pa.map_(pa.string(), pa.string()),
    "DateTime64(6, 'UTC')": pa.timestamp("us", tz="UTC"),
    "Date": pa.date32(),
}
COLUMN = re.compile(r"^\s{4}(?P<name>\w+)\s+(?P<type>\w+(?:\([^)]*\))?)(?=[\s,]|$)", re.MULTILINE)
ADDED = re.compile(r"ALTER TABLE staging\.hit ADD COLUMN IF NOT EXISTS (?P<column>\w+ .*)")


def read_table() -> tuple[str, dict[str, str]]:
    """Return the statement that makes `staging.hit`, and its columns with their types."""
    statements = [
        statement
        for migration in read_migrations()
        for statement in migration.statements
        if "TABLE IF NOT EXISTS staging.hit\n" in statement
    ]
    (statement,) = statements
    columns = statement.partition("\n(\n")[2].partition("\n)\n")[0]
    added = "\n".join(
        f"    {match['column']}"
        for migration in read_migrations()
        for text in migration.statements
        for match in ADDED.finditer(text)
    )
    found = COLUMN.finditer(f"{columns}\n{added}")
    return statement, {match["name"]: match["type"] for match in found}


STATEMENT, COLUMNS = read_table()
ROWS = to_staging_rows(
    EventColumns(to_columns([make_event()]), pa.array([0])), Context(policy_version="0")
)


def test_rows_have_the_tables_columns() -> None:
    """The split cuts every column of the table but the one that the database stamps itself."""
    assert set(ROWS.schema.names) == set(COLUMNS) - {STAMPED_BY_THE_DATABASE}
    assert len(ROWS.schema.names) == len(set(ROWS.schema.names))


@pytest.mark.parametrize("name", [name for name in COLUMNS if name != STAMPED_BY_THE_DATABASE])
def test_a_column_has_the_tables_type(name: str) -> None:
    """Each column has the Arrow type that the table's type takes without a loss."""
    expected, found = ARROW_TYPES[COLUMNS[name]], ROWS.schema.field(name).type
    if pa.types.is_map(expected):
        assert pa.types.is_map(found)
        assert (found.key_type, found.item_type) == (expected.key_type, expected.item_type)
    elif pa.types.is_timestamp(expected):
        assert found.unit == expected.unit
    else:
        assert found == expected


def test_keys_do_not_depend_on_the_delivery() -> None:
    """Neither sort key nor partition key holds a time of the delivery, and old rows expire."""
    assert "ENGINE = ReplacingMergeTree(first_wins)" in STATEMENT
    assert "PARTITION BY site_day" in STATEMENT
    assert "ORDER BY hit_key" in STATEMENT
    assert "TTL stored_at + INTERVAL 48 HOUR" in STATEMENT


def test_nothing_that_identifies_has_a_column() -> None:
    """No column of plane S can hold an address, a user agent, a plain id or the personal part."""
    forbidden = {"ip", "address", "user_agent", "page_load_id", "personal", "data_subject_id"}
    assert not forbidden & set(COLUMNS)


def test_the_worker_writes_this_table() -> None:
    """The pipeline's outlet names this table and this cut."""
    assert [(o.cut, o.database, o.table) for o in WEB_EVENTS.outlets] == [
        (to_staging_rows, "staging", "hit")
    ]
