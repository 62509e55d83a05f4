"""Commands that make plane A: close a site's day, publish today."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from schemas.policy.k import POLICY_FILE, Policy, load_policy
from schemas.topics import WEB_EVENT
from sinks.clickhouse.cells.close import Closed
from sinks.clickhouse.cells.count import SiteDay
from sinks.clickhouse.cells.today import publish_today
from sinks.clickhouse.client import Address
from streams.cells.close import NotDueError, Request, close_when_due, find_requests
from streams.cells.due import today_of
from streams.cells.lock import BusyError, hold_site
from streams.cells.progress import find_behind
from streams.collector.sites import Site, SitesError, load_sites
from streams.settings import (
    ClickHouseSettings,
    CollectorSettings,
    KafkaSettings,
    WorkerSettings,
    home_dir,
)
from streams.topic_admin import open_admin

console: Final = Console(highlight=False, soft_wrap=True)

SitesOption = Annotated[
    Path | None, typer.Option(help="Sites file; default: HMARA_COLLECTOR_SITES_FILE.")
]
PolicyOption = Annotated[Path, typer.Option(help="Policy file; default: the one of hmara.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(close)
    app.command()(publish)


def close(  # noqa: PLR0913 - one parameter per option is how typer reads them
    site: Annotated[str | None, typer.Option(help="Id of the site.")] = None,
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day to close.")
    ] = None,
    *,
    due: Annotated[
        bool, typer.Option("--due", help="Close every day of every site that may be closed.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Close now; only for sites marked synthetic.")
    ] = False,
    sites: SitesOption = None,
    policy: PolicyOption = POLICY_FILE,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Publish a site's finished day for good; a closed day stays as it is."""
    if due == (site is not None and day is not None) or (due and force):
        message = "give either --site and --day, or --due"
        raise typer.BadParameter(message)
    job = CloseJob(ClickHouseSettings.load().as_admin(), load_policy(policy), as_json)
    if site is not None and day is not None:
        job.close(Request(_find_site(sites, site), day.date(), force))
        return
    known = {one.id: one for one in _find_sites(sites)}
    for request in find_requests(job.address, known):
        with suppress(NotDueError, BusyError):
            job.close(request)


@dataclass(frozen=True, slots=True)
class CloseJob:
    """Where days are closed, by which rules, and how it is told."""

    address: Address
    policy: Policy
    as_json: bool

    def close(self, request: Request) -> None:
        """Close one site-day and say so."""
        site, now = request.site.id, datetime.now(UTC)
        with hold_site(home_dir() / "run", site):
            closed = close_when_due(self.address, self.policy, request, now, _find_behind)
        if self.as_json:
            fields = {"site": site, "day": str(request.day), **asdict(closed)}
            console.print(json.dumps(fields), markup=False)
        else:
            console.print(_describe(site, request.day, closed), markup=False)


def publish(
    site: Annotated[str | None, typer.Option(help="Id of one site; default: each.")] = None,
    *,
    sites: SitesOption = None,
    policy: PolicyOption = POLICY_FILE,
) -> None:
    """Bring the provisional figures of today up to date."""
    address, rules = ClickHouseSettings.load().as_admin(), load_policy(policy)
    for known in _find_sites(sites) if site is None else (_find_site(sites, site),):
        today = SiteDay(known.id, today_of(datetime.now(UTC), known.zone))
        with hold_site(home_dir() / "run", known.id):
            hits = publish_today(address, today, rules.k.to_thresholds(known.id))
        console.print(f"{today} is published up to now: {hits} hits so far", markup=False)


def _find_behind(until: datetime) -> tuple[int, ...]:
    group = WorkerSettings.load().group
    with open_admin(KafkaSettings.load().bootstrap_servers) as admin:
        return find_behind(admin, group, WEB_EVENT, until)


def _find_sites(path: Path | None) -> tuple[Site, ...]:
    file = CollectorSettings.load(sites_file=path).sites_file
    return tuple(load_sites(file).by_id.values())


def _find_site(path: Path | None, name: str) -> Site:
    file = CollectorSettings.load(sites_file=path).sites_file
    known = load_sites(file).by_id
    if name not in known:
        message = f"finding site: {file} has no site {name!r}"
        raise SitesError(message)
    return known[name]


def _describe(site: str, day: date, closed: Closed) -> str:
    if closed.is_lost:
        return f"{site} {day}: its hits expired before it could be closed; marked as lost"
    verb = "is closed now" if closed.is_new else "was closed before"
    late = f", {closed.late_hits} hits came late" if closed.late_hits else ""
    bound = (
        ", visitors are lower bounds (the day's salt was lost)" if closed.salt_segments > 1 else ""
    )
    return f"{site} {day} {verb}: {closed.hits} hits in {closed.cells} cells{late}{bound}"
