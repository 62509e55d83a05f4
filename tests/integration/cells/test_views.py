"""`hmara query VIEW`: every view answers, in every format, for a site and its days."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pyarrow as pa
import pytest

from schemas.errors import HmaraError
from sinks.clickhouse.cells.today import publish_today
from sinks.clickhouse.client import Address
from streams.cells.ask import Span, ask_view, list_views
from streams.embedded.services import Services
from tests.integration.cells.made_days import MadeDay
from tests.support.services import Stack, address_of

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def days(services: Services) -> tuple[MadeDay, MadeDay]:
    """Return a closed day and one that is only published so far."""
    admin = address_of(services, "hmara_admin")
    closed, running = MadeDay(admin), MadeDay(admin)
    for made in (closed, running):
        made.fill(8_000, 400)
    closed.close()
    publish_today(admin, running.site_day, running.closing().thresholds)
    return closed, running


@pytest.fixture(scope="module")
def analyst(services: Services) -> Address:
    """Return ClickHouse's address as the analyst, who asks for views."""
    return address_of(services, "analyst")


@pytest.mark.parametrize("view", list_views())
def test_every_view_has_rows(analyst: Address, days: tuple[MadeDay, MadeDay], view: str) -> None:
    """Each view says something about a site that has it all, and its first columns are the same."""
    made = days[1] if view.startswith("today_") else days[0]
    answer = ask_view(analyst, view, Span(made.site, made.day, made.day))
    assert answer.names[:2] == ["site", "day"]
    assert answer.rows
    assert {row[:2] for row in answer.rows} == {(made.site, made.day)}
    if "visitors" in answer.names:
        position = answer.names.index("visitors")
        assert all(int(row[position]) > 0 for row in answer.rows)


def test_every_view_says_what_it_holds() -> None:
    """Each view's file opens with a sentence, which `--list` prints."""
    assert all(sentence.endswith(".") for sentence in list_views().values())
    assert {"page_views_daily", "sources_daily", "click_paths_daily"} <= set(list_views())


def test_days_outside_are_left_out(analyst: Address, days: tuple[MadeDay, MadeDay]) -> None:
    """A span that ends before the day, or another site, has no row."""
    made = days[0]
    before = made.day - timedelta(days=1)
    assert not ask_view(analyst, "page_views_daily", Span(made.site, last=before)).rows
    assert not ask_view(analyst, "page_views_daily", Span("nobody")).rows
    assert ask_view(analyst, "page_views_daily", Span()).rows


def test_an_unknown_view_is_named(analyst: Address) -> None:
    """A name that is no view is refused before anything is asked."""
    with pytest.raises(HmaraError, match="there is no 'hit'"):
        ask_view(analyst, "hit", Span())


def test_arrow_keeps_the_types(analyst: Address, days: tuple[MadeDay, MadeDay]) -> None:
    """The Arrow stream holds the rows with dates, counts and exact decimals."""
    answer = ask_view(analyst, "page_views_daily", Span(days[0].site))
    table = pa.ipc.open_stream(answer.to_arrow()).read_all()
    assert table.num_rows == len(answer.rows)
    assert table.schema.field("day").type == pa.date32()
    assert pa.types.is_decimal(table.schema.field("engaged_seconds").type)
    assert [tuple(row.values()) for row in table.to_pylist()] == answer.rows
    empty = ask_view(analyst, "page_views_daily", Span("nobody"))
    assert pa.ipc.open_stream(empty.to_arrow()).read_all().column_names == answer.names


def test_query_on_the_command_line(stack: Stack, days: tuple[MadeDay, MadeDay]) -> None:
    """`hmara query VIEW` prints a site's rows as JSON and CSV, and `--list` names the views."""
    made = days[0]
    chosen = ("query", "page_views_daily", "--site", made.site, "--from", made.day.isoformat())
    as_json = json.loads(stack.run(*chosen, "--format", "json").stdout)
    as_csv = list(csv.DictReader(io.StringIO(stack.run(*chosen, "--format", "csv").stdout)))
    assert [row["page"] for row in as_json] == [row["page"] for row in as_csv]
    assert len(as_json) > 1
    listed = json.loads(stack.run("query", "--list", "--format", "json").stdout)
    assert {row["view"]: row["holds"] for row in listed} == list_views()
