"""Which past days may be filled with made-up visits, and which may not and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from clickhouse_driver import Client

from sinks.clickhouse.client import Address, open_native
from streams.collector.sites import Site
from streams.traffic.errors import TrafficError

MOST_DAYS: Final = 759
"""Older days would expire as soon as they are closed."""
_HAS_CLOSED: Final = "EXISTS TABLE anonymous.published"
_CLOSED: Final = "SELECT DISTINCT site_day FROM anonymous.published WHERE site = {site:String}"
_TAGGED: Final = (
    "SELECT DISTINCT site_day FROM staging.hit WHERE site = {site:String} AND source != 'import'"
)


class BackfillRefusedError(TrafficError):
    """A site or a day that made-up visits would spoil; names it."""


@dataclass(frozen=True, slots=True)
class TakenDays:
    """The days of a site that are closed, and those with hits of its own traffic."""

    closed: frozenset[date] = frozenset()
    tagged: frozenset[date] = frozenset()


def list_days(count: int, today: date) -> tuple[date, ...]:
    """Return the `count` days before today, the oldest first."""
    return tuple(today - timedelta(days=back) for back in range(count, 0, -1))


def read_taken_days(address: Address, site_id: str) -> TakenDays:
    """Ask which days of a site are taken.

    Raises:
        ClickHouseError: the server can not be reached or refused the query.
    """
    with open_native(address) as client:
        ((has_closed,),) = client.execute(_HAS_CLOSED)
        return TakenDays(
            closed=_read_days(client, _CLOSED, site_id) if has_closed else frozenset(),
            tagged=_read_days(client, _TAGGED, site_id),
        )


def check_site(site: Site) -> None:
    """Refuse a site that holds, or may hold, visits of people.

    Raises:
        BackfillRefusedError: it is not marked synthetic.
    """
    if not site.synthetic:
        message = (
            f"backfilling {site.id}: only a site that is marked `synthetic = true` in the sites"
            " file may hold made-up visits"
        )
        raise BackfillRefusedError(message)


def check_days(site: Site, days: Sequence[date], today: date, taken: TakenDays) -> None:
    """Refuse days that are not over, are closed, or have hits of the site's own traffic.

    Raises:
        BackfillRefusedError: names each day with its reason.
    """
    reasons = [(day, _find_reason(day, today, taken)) for day in days]
    faults = "; ".join(f"{day.isoformat()} {reason}" for day, reason in reasons if reason)
    if faults:
        message = f"backfilling {site.id}: {faults}"
        raise BackfillRefusedError(message)


def _find_reason(day: date, today: date, taken: TakenDays) -> str:
    if day == today:
        return "is today"
    if day > today:
        return "has not begun"
    if day in taken.closed:
        return "is closed"
    return "has hits of the site's own traffic" if day in taken.tagged else ""


def _read_days(client: Client, sql: str, site_id: str) -> frozenset[date]:
    return frozenset(day for (day,) in client.execute(sql, {"site": site_id}))
