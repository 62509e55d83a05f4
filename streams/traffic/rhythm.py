"""When people come: more on some days of the week, few at night, most in the evening."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from streams.traffic.dice import Dice, cumulative

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    import numpy as np
    from numpy.typing import NDArray

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SLOT = timedelta(minutes=15)
_SLOT_US = _SLOT // _MICROSECOND
_SATURDAY = 5

_OF_THE_WEEK = (1.08, 1.10, 1.08, 1.06, 0.98, 0.82, 0.88)
"""Visitors from Monday on, by those of an average day; a week has seven average days."""
_WORKING_DAY = (
    10, 6, 4, 3, 3, 5, 13, 26, 42, 54, 60, 60, 62, 58, 56, 55, 56, 58, 63, 72, 80, 76, 54, 27,
)  # fmt: skip
_FREE_DAY = (
    17, 11, 7, 5, 4, 4, 7, 13, 26, 42, 56, 64, 66, 65, 64, 63, 64, 66, 70, 76, 80, 74, 57, 34,
)  # fmt: skip
"""Visits by the hour of the site's clock."""


def count_visitors(day: date, average: int) -> int:
    """Return how many visitors a day has, if an average day has `average`."""
    return max(round(average * _OF_THE_WEEK[day.weekday()]), 1)


@dataclass(frozen=True, slots=True)
class Hours:
    """A day of a time zone: when it begins and ends (microseconds since 1970), and its curve."""

    starts_us: int
    ends_us: int
    slot_steps: NDArray[np.float64]

    def draw(self, dice: Dice, count: int) -> NDArray[np.int64]:
        """Draw `count` moments of the day, in microseconds since 1970."""
        slots = dice.pick(self.slot_steps, count)
        return self.starts_us + slots * _SLOT_US + dice.below(_SLOT_US, count)


def make_hours(day: date, zone: ZoneInfo) -> Hours:
    """Lay out a day: of 23 or 25 hours where the clock is changed, from midnight to midnight."""
    starts_at, ends_at = _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
    curve = _FREE_DAY if day.weekday() >= _SATURDAY else _WORKING_DAY
    slots = range(max((ends_at - starts_at) // _SLOT, 1))
    weights = [curve[(starts_at + slot * _SLOT).astimezone(zone).hour] for slot in slots]
    return Hours(_to_us(starts_at), _to_us(ends_at), cumulative(weights))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _to_us(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
