"""The shape of a day and of a week."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from streams.traffic.dice import Dice
from streams.traffic.rhythm import count_visitors, make_hours

KYIV = ZoneInfo("Europe/Kyiv")
WEDNESDAY, SATURDAY = date(2025, 10, 1), date(2025, 10, 4)
SHORT, LONG = date(2025, 3, 30), date(2025, 10, 26)
DRAWN = 20_000


def draw(day: date, zone: ZoneInfo) -> list[datetime]:
    """Draw moments of a day, in the zone's own time."""
    drawn = make_hours(day, zone).draw(Dice(1, 9), DRAWN).tolist()
    return [datetime.fromtimestamp(us / 1e6, UTC).astimezone(zone) for us in drawn]


@pytest.mark.parametrize("day", [WEDNESDAY, SATURDAY, SHORT, LONG])
@pytest.mark.parametrize("zone", [KYIV, ZoneInfo("America/St_Johns"), ZoneInfo("Asia/Kathmandu")])
def test_every_moment_is_of_the_day(day: date, zone: ZoneInfo) -> None:
    """Whatever the zone, and whether its clock is changed, no moment is of another day."""
    assert {moment.date() for moment in draw(day, zone)} == {day}


def test_the_evening_is_busy_and_the_night_is_not() -> None:
    """At 20:00 ten times as many come as at 03:00, and each hour of the day has somebody."""
    hours = Counter(moment.hour for moment in draw(WEDNESDAY, KYIV))
    assert hours[20] > 10 * hours[3] > 0
    assert hours.most_common(1)[0][0] in {19, 20, 21}
    assert set(hours) == set(range(24))


def test_a_free_day_begins_later() -> None:
    """At 07:00 a Saturday has less than seven tenths of a Wednesday, at 00:00 more than it."""
    working = Counter(moment.hour for moment in draw(WEDNESDAY, KYIV))
    free = Counter(moment.hour for moment in draw(SATURDAY, KYIV))
    assert free[7] < 0.7 * working[7]
    assert free[0] > working[0]


def test_a_skipped_hour_has_nobody_and_a_repeated_one_has_twice_as_many() -> None:
    """On the days of 23 and 25 hours the curve follows the clock on the wall."""
    assert not any(moment.hour == 3 for moment in draw(SHORT, KYIV))
    folds = Counter(moment.fold for moment in draw(LONG, KYIV) if moment.hour == 3)
    assert min(folds[0], folds[1]) > 20


def test_a_week_has_seven_average_days() -> None:
    """The days of a week differ, a Tuesday has most and a Saturday least, and add up."""
    week = [WEDNESDAY + timedelta(days=day) for day in range(7)]
    counts = {day.strftime("%a"): count_visitors(day, 50_000) for day in week}
    assert sum(counts.values()) == 350_000
    assert max(counts, key=counts.__getitem__) == "Tue"
    assert min(counts, key=counts.__getitem__) == "Sat"


def test_no_day_is_empty() -> None:
    """One visitor on average is one on every day."""
    assert count_visitors(SATURDAY, 1) == 1
