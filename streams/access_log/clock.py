"""The time of a log line, `10/Oct/2000:13:55:36 -0700`, as an aware datetime in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

# English whatever the locale: servers write it so, and strptime would read it by the locale.
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_HOUR = re.compile(
    r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d) ([+-])([01]\d|2[0-3])([0-5]\d)", re.ASCII
)
_WITHIN_HOUR = {
    f":{minute:02}:{second:02}": timedelta(minutes=minute, seconds=second)
    for minute in range(60)
    for second in range(60)
}
_MINUTE_STARTS, _OFFSET_STARTS = 14, 20


def parse_time(text: str) -> datetime | None:
    """Read the time between a line's brackets; None if there is no such time."""
    hour = _parse_hour(text[:_MINUTE_STARTS] + text[_OFFSET_STARTS:])
    within_hour = _WITHIN_HOUR.get(text[_MINUTE_STARTS:_OFFSET_STARTS])
    if hour is None or within_hour is None:
        return None
    return hour + within_hour


@lru_cache(maxsize=1024)  # a log goes through its hours one by one, and parsing one is slow
def _parse_hour(text: str) -> datetime | None:
    match = _HOUR.fullmatch(text)
    if match is None:
        return None
    day, month, year, hour, sign, offset_hours, offset_minutes = match.groups()
    offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes))
    try:
        local = datetime(int(year), _MONTHS[month], int(day), int(hour), tzinfo=UTC)
        return local + offset if sign == "-" else local - offset
    except (KeyError, ValueError, OverflowError):
        return None
