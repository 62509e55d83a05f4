"""Closing: once, whole or not at all, whatever dies when."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clickhouse_driver import Client

from sinks.clickhouse.cells.close import CloseError, close_day
from sinks.clickhouse.cells.today import publish_today
from tests.integration.cells.made_days import MadeDay
from tests.support.services import Stack, address_of

pytestmark = pytest.mark.integration

SEED = 20261124
KILLS = 30
TWO_CUBES = ("page", "device")
"""Enough to die between; all of them take a second a time."""
VIEW = "SELECT count() FROM anonymous.page_views_daily WHERE site = {site:String}"


def test_a_closed_day_is_never_counted_again(made_day: MadeDay) -> None:
    """A second close changes nothing, although more has come: that is counted as late."""
    made_day.fill(4_000, 300)
    first = made_day.close()
    cells, rows = made_day.read_cells(), made_day.count_rows()
    assert (first.is_new, first.late_hits, first.hits) == (True, 0, 4_000)
    assert cells
    made_day.ask(
        "INSERT INTO staging.hit (hit_key, site, site_day, stored_at, type)"
        " SELECT number, {site:String}, {day:Date}, now() + 5, 'page_view' FROM numbers(7)"
    )
    second = made_day.close()
    assert (second.is_new, second.late_hits, second.hits) == (False, 7, 4_000)
    assert (made_day.read_cells(), made_day.count_rows()) == (cells, rows)
    late = made_day.ask("SELECT late_hits FROM anonymous.days WHERE site = {site:String}")
    assert late == [(7,)]


def test_a_day_with_nobody_closes(made_day: MadeDay) -> None:
    """A day without a hit is closed with no cell, and is then closed like any other."""
    assert made_day.close().is_new
    assert not made_day.close().is_new
    assert made_day.count_rows() == {"cell": 0, "site_hour": 0, "published": 1}


def test_one_visitor_is_not_seen_but_in_the_hours(made_day: MadeDay) -> None:
    """A site with one visitor has totals by hour and not one cell."""
    made_day.visit("/", [1])
    made_day.close()
    assert made_day.count_rows() == {"cell": 0, "site_hour": 1, "published": 1}


def test_a_lost_day_says_so(made_day: MadeDay) -> None:
    """A day whose hits have expired is closed without a cell and marked as lost, not as zero."""
    made_day.visit("/", range(50))
    closing = made_day.closing()
    lost = type(closing)(closing.day, closing.time_zone, closing.thresholds, is_lost=True)
    assert close_day(made_day.admin, lost).is_lost
    assert made_day.count_rows() == {"cell": 0, "site_hour": 0, "published": 1}
    assert made_day.ask("SELECT is_lost FROM anonymous.days WHERE site = {site:String}") == [(1,)]


def test_today_ends_at_the_close(made_day: MadeDay) -> None:
    """Once closed a day is not published as today, and its provisional rows are not shown."""
    made_day.visit("/", range(12))
    publish_today(made_day.admin, made_day.site_day, made_day.closing().thresholds)
    pages = "SELECT page, visitors FROM anonymous.today_pages WHERE site = {site:String}"
    assert made_day.ask(pages) == [("/", 12)]
    made_day.close()
    assert made_day.ask(pages) == []
    with pytest.raises(CloseError, match="the day is closed"):
        publish_today(made_day.admin, made_day.site_day, made_day.closing().thresholds)


def die_at(made: MadeDay, statement: int) -> None:
    """Close a day in this process and SIGKILL it before the given statement, counted from 0."""
    left = [statement]
    execute = Client.execute

    def counted(self: Client, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the driver's
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return execute(self, *arguments, **options)

    Client.execute = counted
    made.close(cubes=TWO_CUBES)


def close_in_a_process(made: MadeDay, statement: int) -> int:
    """Return the exit code of a process that closes a day and dies at a statement."""
    process = multiprocessing.get_context("fork").Process(target=die_at, args=(made, statement))
    process.start()
    process.join(60)
    assert process.exitcode is not None
    return process.exitcode


def count_statements(made: MadeDay, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how many statements a close runs."""
    count = 0
    execute = Client.execute

    def counted(self: Client, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the driver's
        nonlocal count
        count += 1
        return execute(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Client, "execute", counted)
        made.close(cubes=TWO_CUBES)
    return count


def visit_three_pages(made: MadeDay) -> None:
    """Make a day with two pages of more than ten visitors and one of three."""
    made.visit("/a", range(15))
    made.visit("/b", range(10, 22))
    made.visit("/rare", range(3))


def test_a_killed_close_ends_right_when_run_again(
    make_day: Callable[[], MadeDay], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL before any of 30 statements: nothing half is seen, and a second run ends right.

    The last statements, which write, are all among them.
    """
    whole = make_day()
    visit_three_pages(whole)
    statements = count_statements(whole, monkeypatch)
    writing = range(statements - 9, statements)
    drawn = random.Random(SEED).sample(range(writing.start), KILLS - len(writing))
    made = make_day()
    visit_three_pages(made)
    for point in drawn:  # one day, killed again and again while it is counted
        assert close_in_a_process(made, point) == -signal.SIGKILL
        assert made.count_rows() == {"cell": 0, "site_hour": 0, "published": 0}
    seen_leftovers = 0
    for point in writing:
        if point > writing.start:
            made = make_day()
            visit_three_pages(made)
        assert close_in_a_process(made, point) == -signal.SIGKILL
        rows = made.count_rows()
        seen_leftovers += bool(rows["cell"] and not rows["published"])
        assert bool(made.ask(VIEW)[0][0]) == bool(rows["published"])
        made.close(cubes=TWO_CUBES)
        assert made.read_cells() == whole.read_cells()
        assert made.count_rows() == whole.count_rows()
    assert seen_leftovers


def test_of_two_runs_at_once_one_alone_is_seen(make_day: Callable[[], MadeDay]) -> None:
    """Two processes that close one day together leave one publish_id visible, and whole."""
    made = make_day()
    made.fill(4_000, 300)
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=made.close) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    made.close()
    assert made.count_rows()["published"] == 1
    totals = made.ask("SELECT sum(hits) FROM anonymous.traffic_hourly WHERE site = {site:String}")
    assert totals == [(4_000,)]


def test_close_on_the_command_line(stack: Stack) -> None:
    """`hmara close` refuses a day that is not over, and obeys --force for synthetic sites."""
    made = MadeDay(address_of(stack.services, "hmara_admin"), site=stack.site)
    made.fill(2_000, 100)
    command = ("close", "--site", stack.site, "--day")
    early = stack.run(*command, "2100-01-01")
    assert (early.returncode, early.stdout) == (1, "")
    assert "not before 2100-01-02T12:00" in early.stderr
    refused = stack.run(*command, made.day.isoformat(), "--force")
    assert "force is only for sites marked synthetic" in refused.stderr
    stack.write_sites("UTC", "synthetic = true")
    for is_new in (True, False):
        done = stack.run(*command, made.day.isoformat(), "--force", "--json")
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        assert (answer["is_new"], answer["hits"], answer["is_lost"]) == (is_new, 2_000, False)
    assert stack.run("publish").returncode == 0


def test_every_due_day_closes(stack: Stack) -> None:
    """`hmara close --due` closes what may be closed, and leaves the rest alone."""
    now = MadeDay(address_of(stack.services, "hmara_admin"), stack.site, datetime.now(UTC).date())
    old = MadeDay(now.admin, now.site, now.day - timedelta(days=5))
    now.visit("/", range(12))
    old.visit("/", range(12), source="import")
    stack.start_worker()
    stack.wait_for_lag()
    done = stack.run("close", "--due", "--json")
    assert (done.returncode, json.loads(done.stdout)["day"]) == (0, old.day.isoformat())
    shown = now.ask("SELECT day, is_lost FROM anonymous.days WHERE site = {site:String}")
    assert shown == [(old.day, 0)]
