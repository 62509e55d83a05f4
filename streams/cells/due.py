"""When a site-day may be closed, by the clock alone: no clock is read here."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

CLOSES_AT: Final = time(12)
HITS_LIVE: Final = timedelta(hours=48)
"""How long ClickHouse keeps a hit; see the TTL of staging.hit."""


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the midnight that ends a day of a zone, in UTC.

    A zone that skips its midnight begins the day at the first moment there is.
    """
    return _at(day + timedelta(days=1), time(0), zone)


def due_at(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day of a zone may be closed: noon of the next day, in UTC."""
    return _at(day + timedelta(days=1), CLOSES_AT, zone)


def expires_at(day: date, zone: ZoneInfo) -> datetime:
    """Return when the first hits of a day have expired: closed later, it would be counted short."""
    return _at(day, time(0), zone) + HITS_LIVE


def today_of(now: datetime, zone: ZoneInfo) -> date:
    """Return the day that a moment belongs to in a zone."""
    return now.astimezone(zone).date()


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)
