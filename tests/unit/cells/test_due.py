"""When a site-day may be closed: the clock of its zone, and the worker's progress."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.cells.close import ACCEPTED_WITHIN, NotDueError, Request, check_due
from streams.cells.due import due_at, end_of_day, expires_at, today_of
from streams.collector.sites import Site

KYIV = ZoneInfo("Europe/Kyiv")
DAY = date(2026, 6, 10)


def make_request(day: date = DAY, *, zone: ZoneInfo = KYIV, force: bool = False) -> Request:
    """Return a request to close a day of a site."""
    return Request(Site("one", frozenset(), zone), day, force)


def answer(*partitions: int) -> Callable[[datetime], tuple[int, ...]]:
    """Return a worker's progress that is behind on partitions, whatever the moment."""
    return lambda _: partitions


@pytest.mark.parametrize(
    ("day", "zone", "due"),
    [
        (DAY, "Europe/Kyiv", "2026-06-11T09:00Z"),
        (date(2026, 1, 10), "Europe/Kyiv", "2026-01-11T10:00Z"),
        (DAY, "UTC", "2026-06-11T12:00Z"),
        (DAY, "America/New_York", "2026-06-11T16:00Z"),
        (date(2026, 3, 28), "Europe/Kyiv", "2026-03-29T09:00Z"),  # the clocks change at night
        (date(2026, 12, 31), "Asia/Tokyo", "2027-01-01T03:00Z"),
    ],
)
def test_a_day_is_due_at_noon_of_the_next(day: date, zone: str, due: str) -> None:
    """A day may be closed from noon of the next day on, by the clock of the site's zone."""
    assert due_at(day, ZoneInfo(zone)) == datetime.fromisoformat(due)


@given(
    st.dates(date(2020, 1, 1), date(2035, 1, 1)),
    st.sampled_from(["Europe/Kyiv", "America/Havana", "Asia/Kathmandu", "UTC", "Pacific/Apia"]),
)
def test_days_follow_each_other(day: date, name: str) -> None:
    """A day ends before it is due, is due before its hits expire, and its end is the next day."""
    zone = ZoneInfo(name)
    end = end_of_day(day, zone)
    assert end < due_at(day, zone) < expires_at(day, zone)
    assert today_of(end, zone) == day + timedelta(days=1)
    assert today_of(end - timedelta(microseconds=1), zone) == day


def test_a_day_is_refused_a_moment_too_early() -> None:
    """Before noon of the next day nothing is closed, and the answer says from when on it may be."""
    due = due_at(DAY, KYIV)
    with pytest.raises(NotDueError, match="not before 2026-06-11T09:00"):
        check_due(make_request(), due - timedelta(seconds=1), answer())
    check_due(make_request(), due, answer())


def test_a_day_waits_for_the_worker() -> None:
    """While a partition is behind nothing is closed; the answer names the partitions."""
    with pytest.raises(NotDueError, match="behind on partitions 3, 5"):
        check_due(make_request(), due_at(DAY, KYIV), answer(3, 5))


def test_the_worker_must_be_past_midnight() -> None:
    """What must be stored is what was accepted before the day's end, its last requests included."""
    asked: list[datetime] = []

    def remember(until: datetime) -> tuple[int, ...]:
        asked.append(until)
        return ()

    check_due(make_request(), due_at(DAY, KYIV), remember)
    assert asked == [datetime(2026, 6, 10, 21, tzinfo=UTC) + ACCEPTED_WITHIN]


def test_an_old_day_waits_for_everything() -> None:
    """A day older than its hits may live was imported: all that is there now must be stored."""
    now = expires_at(DAY, KYIV)
    asked: list[datetime] = []
    check_due(make_request(), now, lambda until: asked.append(until) or ())  # type: ignore[func-returns-value] # remembers
    assert asked == [now]
