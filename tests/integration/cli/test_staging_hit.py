"""`staging.hit` as it stands in the database: its columns, its readers, its one row per event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from processors.columns import Context, EventColumns
from processors.split import to_staging_rows
from sinks.clickhouse.client import ClickHouseError, open_native
from sinks.clickhouse.sink import ClickHouseSink
from tests.support.events import SCHEMA, Datum, event_fields, make_event, to_columns
from tests.support.services import Stack, address_of

pytestmark = pytest.mark.integration

SECOND_US = 1_000_000
RECEIVED_US = 1_782_896_400 * SECOND_US
NOT_ENOUGH_PRIVILEGES = "Not enough privileges"


def test_the_columns_are_those_of_the_schema(stack: Stack) -> None:
    """`staging.hit` has the event's fields without the personal ones, first_wins and stored_at."""
    rows = stack.ask(
        "SELECT name FROM system.columns WHERE database = 'staging' AND table = 'hit'"
        " ORDER BY position"
    )
    fields = [field["name"] for field in event_fields(SCHEMA.definition)]
    expected = [name for name in fields if name != "personal"]
    assert [name for (name,) in rows] == [*expected, "first_wins", "stored_at"]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE staging.other (n UInt8) ENGINE = Memory",
        "CREATE DATABASE other",
        "DROP TABLE staging.hit",
        "DROP DATABASE staging",
        "ALTER TABLE staging.hit DROP COLUMN path",
        "TRUNCATE TABLE staging.hit",
        "SELECT name FROM system.users",
        "SELECT query FROM system.query_log",
        "SELECT * FROM file('/etc/passwd')",
        "SELECT * FROM url('http://127.0.0.1/', 'LineAsString')",
        "CREATE USER other",
        "GRANT ALL ON *.* TO service",
    ],
)
def test_the_service_may_not_do_more_than_its_work(stack: Stack, sql: str) -> None:
    """The user `service` can neither define nor drop anything, nor see users, files or hosts."""
    with pytest.raises(ClickHouseError):
        stack.ask(sql)
    assert stack.ask("SELECT count() FROM staging.hit WHERE site = ''") == [(0,)]


def test_the_service_may_write_and_read(stack: Stack) -> None:
    """The user `service` inserts rows and reads them."""
    write(stack, [make_event(site=stack.site, hit_key=key) for key in range(3)])
    assert stack.count() == 3


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_of_several_deliveries_the_earliest_stays(stack: Stack, order: Sequence[int]) -> None:
    """One event received three times is one row, the one received first, in whatever order."""
    for late in order:
        write(stack, [delivered(stack, late)])
    assert read(stack) == [(datetime(2026, 7, 1, 9, tzinfo=UTC), "/0")]


def test_of_several_deliveries_in_one_insert_the_earliest_stays(stack: Stack) -> None:
    """That holds inside one batch, and after parts were merged, too."""
    write(stack, [delivered(stack, late) for late in (3, 0, 2)])
    write(stack, [delivered(stack, 1)])
    assert stack.count() == 1
    with open_native(address_of(stack.services, "hmara_admin")) as client:
        client.execute("OPTIMIZE TABLE staging.hit FINAL")
    assert read(stack) == [(datetime(2026, 7, 1, 9, tzinfo=UTC), "/0")]


def delivered(stack: Stack, late: int) -> Datum:
    """Return the one event as it was received `late` hours after its first delivery."""
    received_at = RECEIVED_US + late * 3_600 * SECOND_US
    return make_event(
        site=stack.site,
        hit_key=-1,  # as an unsigned number the largest
        path=f"/{late}",
        received_at=received_at,
        event_time=received_at,
        site_hour=12 + late,
    )


def write(stack: Stack, events: Sequence[Datum]) -> None:
    """Insert events as the worker does."""
    columns = EventColumns(to_columns(events), pa.array([0] * len(events)))
    sink = ClickHouseSink(address_of(stack.services, "service"), "staging", "hit")
    try:
        sink.write(to_staging_rows(columns, Context(policy_version="0")))
    finally:
        sink.close()


def read(stack: Stack) -> list[tuple[object, ...]]:
    """Return the site's rows, each once."""
    return stack.ask("SELECT received_at, path FROM staging.hit FINAL WHERE site = {site:String}")
