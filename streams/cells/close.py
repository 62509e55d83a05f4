"""Closing a site-day when the clock and the worker allow it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from schemas.errors import HmaraError
from schemas.policy.k import Policy
from sinks.clickhouse.cells.close import Closed, Closing, close_day
from sinks.clickhouse.cells.count import SiteDay
from sinks.clickhouse.cells.statements import ask_file
from sinks.clickhouse.client import Address, open_native
from streams.cells.due import due_at, end_of_day, expires_at, today_of
from streams.collector.sites import Site

ACCEPTED_WITHIN: Final = timedelta(minutes=1)
"""An event accepted before midnight is in Kafka by then: a request waits for seconds at most."""

FindBehind = Callable[[datetime], tuple[int, ...]]
"""Says which partitions have records older than a moment that are not stored yet."""


class NotDueError(HmaraError):
    """A site-day that may not be closed yet; says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """A site-day that is to be closed; `force` passes over clock and worker."""

    site: Site
    day: date
    force: bool = False


def close_when_due(
    address: Address, policy: Policy, request: Request, now: datetime, find_behind: FindBehind
) -> Closed:
    """Close a site-day, or say why it may not be closed.

    Raises:
        NotDueError: it is too early, the worker is behind, or `force` is not for this site.
        CloseError: see `close_day`.
    """
    site, day = request.site, SiteDay(request.site.id, request.day)
    if request.force:
        _check_force(request, now)
    else:
        check_due(request, now, find_behind)
    closing = Closing(
        day,
        site.zone.key,
        policy.k.to_thresholds(site.id),
        is_lost=now >= expires_at(request.day, site.zone) and _has_expired(address, request),
    )
    return close_day(address, closing)


def find_requests(address: Address, sites: Mapping[str, Site]) -> tuple[Request, ...]:
    """Return every day of the given sites that has hits, the oldest first.

    Days that are closed are among them: closing them again counts what came late.
    """
    with open_native(address) as client:
        rows = ask_file(client, "steps/find_days", {})
    return tuple(
        Request(sites[str(site)], day)
        for site, day in rows
        if str(site) in sites and isinstance(day, date)
    )


def check_due(request: Request, now: datetime, find_behind: FindBehind) -> None:
    """Check that a day is over for long enough, and that all of it is stored.

    Raises:
        NotDueError: says until when, or for which partitions, to wait.
    """
    site, day = request.site, request.day
    due = due_at(day, site.zone)
    if now < due:
        message = (
            f"closing {site.id} {day}: not before {due.isoformat(timespec='minutes')}, "
            "noon of the next day in the site's time zone"
        )
        raise NotDueError(message)
    until = end_of_day(day, site.zone) + ACCEPTED_WITHIN
    if now >= expires_at(day, site.zone):
        until = now  # an imported day: its records are as young as the import
    behind = find_behind(until)
    if behind:
        message = (
            f"closing {site.id} {day}: the worker has not stored everything that was accepted "
            f"before {until.isoformat(timespec='minutes')}; behind on partitions "
            f"{', '.join(map(str, behind))}"
        )
        raise NotDueError(message)


def _check_force(request: Request, now: datetime) -> None:
    site = request.site
    if not site.synthetic:
        message = f"closing {site.id}: force is only for sites marked synthetic"
        raise NotDueError(message)
    if request.day > today_of(now, site.zone):
        message = f"closing {site.id} {request.day}: the day has not begun"
        raise NotDueError(message)


def _has_expired(address: Address, request: Request) -> bool:
    """Say whether a day older than its hits may live was neither imported nor made up."""
    day = SiteDay(request.site.id, request.day)
    with open_native(address) as client:
        ((imported, others),) = ask_file(client, "steps/count_sources", day.parameters)
    return not imported and not (others and request.site.synthetic)
