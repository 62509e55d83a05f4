"""`hmara send --backfill`: what was said to be sent is stored, once, and nothing where it must not.

The counts are those of ClickHouse, behind the real Kafka and a real worker.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sinks.clickhouse.client import open_native
from streams.settings import volatile_dir
from streams.traffic.backfill_command import SALTS
from streams.traffic.rhythm import count_visitors
from tests.integration.cli.calling import Hmara
from tests.integration.collector.records import hold_ends, read_ends
from tests.integration.traffic.conftest import ZONE
from tests.support.services import Stack, address_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

TYPES = {
    *("page_view", "click", "engagement", "page_end"),
    *("outbound", "download", "form_submit", "custom"),
}
RECORDS_BEFORE_KILL = 8
HIT = "INSERT INTO staging.hit (hit_key, site, site_day, source, type) VALUES"
CLOSED = "INSERT INTO anonymous.published (site, site_day, publish_id) VALUES"

Sent = dict[tuple[str, str], int]


def test_what_was_sent_is_stored_however_often_it_is_sent(
    storing: Stack, past_stack: Stack, hmara: Hmara
) -> None:
    """Three days of 300 visitors: per day and type what the report says; a second run adds none."""
    reports = []
    for _ in range(2):
        report = backfill(hmara, past_stack.site, "--seed", "7")
        storing.wait_for_lag()
        assert past_stack.count() == report["events"]
        assert read_hits(past_stack) == list_sent(report)
        assert read_visitors(past_stack) == {day["day"]: day["visitors"] for day in report["days"]}
        reports.append(report["days"])
    assert reports[0] == reports[1]
    assert {type_ for _, type_ in list_sent(report)} == TYPES
    assert len(report["days"]) == 3
    for day in report["days"]:
        assert day["visitors"] == count_visitors(date.fromisoformat(day["day"]), 300)
    assert list((volatile_dir() / SALTS).iterdir()) == []


def test_stored_days_look_like_days(storing: Stack, past_stack: Stack, hmara: Hmara) -> None:
    """Rows are imports of past days of the site's clock, of every channel, keyboards and hours."""
    backfill(hmara, past_stack.site, "--seed", "8")
    storing.wait_for_lag()
    ((sources, wrong_days, hours, busiest),) = past_stack.ask(
        "SELECT groupUniqArray(source),"
        f" countIf(toDate(received_at, '{ZONE}') != site_day"
        f" OR toHour(received_at, '{ZONE}') != site_hour),"
        " uniqExact(site_hour), topK(1)(site_hour)"
        " FROM staging.hit FINAL WHERE site = {site:String}"
    )
    assert (sources, wrong_days, hours) == (["import"], 0, 24)
    assert isinstance(busiest, list)
    assert 9 <= busiest[0] <= 21
    ((channels, keyboards, screens, languages, countries),) = past_stack.ask(
        "SELECT groupUniqArray(channel), uniqExact(keyboard_class), uniqExact(resolution_bucket),"
        " uniqExact(language), uniqExact(country)"
        " FROM staging.hit FINAL WHERE site = {site:String}"
    )
    assert isinstance(channels, list)
    assert set(channels) >= {
        *("direct", "search", "social", "email", "campaign", "assistant", "referral")
    }
    assert all(int(str(found)) > 3 for found in (keyboards, screens, languages, countries))


def test_a_run_that_was_killed_goes_on(storing: Stack, past_stack: Stack, hmara: Hmara) -> None:
    """SIGKILLed in the middle and run again, the counts are right, of visitors too; salts go."""
    many = ("--seed", "9", "--visitors-per-day", "2000")
    kill_in_the_middle(past_stack, *many)
    storing.wait_for_lag()
    left = past_stack.count()
    assert len(list((volatile_dir() / SALTS).glob(f"*/{past_stack.site}/*"))) > 0
    report = backfill(hmara, past_stack.site, *many)
    storing.wait_for_lag()
    assert 0 < left < report["events"]
    assert read_hits(past_stack) == list_sent(report)
    assert read_visitors(past_stack) == {day["day"]: day["visitors"] for day in report["days"]}
    assert list((volatile_dir() / SALTS).iterdir()) == []


def test_days_that_are_taken_are_refused_by_name(past_stack: Stack, hmara: Hmara) -> None:
    """A closed day and a day with the tag's hits are named, and nothing is sent; imports stay."""
    today = datetime.now(UTC).astimezone(ZoneInfo(ZONE)).date()
    closed, tagged, imported = (today - timedelta(days=back) for back in (2, 3, 4))
    with open_native(address_of(past_stack.services, "hmara_admin")) as client:
        client.execute(CLOSED, [(past_stack.site, closed, "00000000-0000-4000-8000-000000000001")])
        hits = [(tagged, "tag"), (imported, "import")]
        client.execute(
            HIT,
            [
                (secrets.randbits(63), past_stack.site, day, source, "page_view")
                for day, source in hits
            ],
        )
    with hold_ends(past_stack):
        done = hmara("send", "--backfill", "5", "--site", past_stack.site)
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"hmara: backfilling {past_stack.site}: {tagged} has hits of the site's own traffic;"
        f" {closed} is closed\n"
    )
    free = hmara("send", "--backfill", "1", "--visitors-per-day", "1", "--site", past_stack.site)
    assert free.code == 0, free.err


def test_sites_for_people_are_refused_by_name(past_stack: Stack, hmara: Hmara) -> None:
    """A site that is not synthetic, and one that is not there: a sentence, and nothing is sent."""
    past_stack.write_sites(ZONE)
    with hold_ends(past_stack):
        for site, words in (
            (past_stack.site, f"backfilling {past_stack.site}: only a site that is marked"),
            ("elsewhere", "has no site 'elsewhere'"),
        ):
            done = hmara("send", "--backfill", "2", "--site", site)
            assert (done.code, done.out) == (1, "")
            assert done.err.startswith("hmara: ")
            assert words in done.err
            assert done.err.count("\n") == 1


def backfill(hmara: Hmara, site: str, *more: str) -> dict[str, Any]:
    """Fill three days; return the report."""
    few = () if "--visitors-per-day" in more else ("--visitors-per-day", "300")
    done = hmara("send", "--backfill", "3", "--site", site, "--json", *few, *more)
    assert done.code == 0, done.err
    report: dict[str, Any] = json.loads(done.out)
    return report


def list_sent(report: dict[str, Any]) -> Sent:
    """Return what a report says of each day and type."""
    return {
        (day["day"], type_): count
        for day in report["days"]
        for type_, count in day["types"].items()
    }


def read_hits(stack: Stack) -> Sent:
    """Return the stored hits by day and type."""
    rows = stack.ask(
        "SELECT toString(site_day), type, count() FROM staging.hit FINAL"
        " WHERE site = {site:String} GROUP BY ALL"
    )
    return Counter({(str(day), str(type_)): int(str(count)) for day, type_, count in rows})


def read_visitors(stack: Stack) -> dict[str, int]:
    """Return the stored visitors by day."""
    rows = stack.ask(
        "SELECT toString(site_day), uniqExact(visitor_hash) FROM staging.hit FINAL"
        " WHERE site = {site:String} GROUP BY ALL"
    )
    return {str(day): int(str(visitors)) for day, visitors in rows}


def kill_in_the_middle(stack: Stack, *more: str) -> None:
    """Start a run and SIGKILL it once Kafka has some of its records."""
    before = sum(read_ends(stack))
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "streams.cli", "send", "--backfill", "3"),
            *("--site", stack.site, *more),
        ],
        env={**os.environ, **stack.env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(
            lambda: sum(read_ends(stack)) >= before + RECORDS_BEFORE_KILL, "records are there"
        )
    finally:
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "the run was not yet complete"
