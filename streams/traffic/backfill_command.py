"""What `hmara send --backfill` does: checks, a bar, and what was sent of each day."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from streams.collector.minimise import CountryLookup
from streams.collector.sites import Site, load_sites
from streams.record_packer import RecordPacker
from streams.settings import (
    ClickHouseSettings,
    CollectorSettings,
    KafkaSettings,
    find_geo_file,
    lib_dir,
    volatile_dir,
)
from streams.traffic.backfill import Backfill, DayCounts
from streams.traffic.errors import TrafficError
from streams.traffic.past_days import check_days, check_site, list_days, read_taken_days
from streams.traffic.past_visits import BackfillPlan, Visit
from streams.traffic.user_agents import read_user_agents
from streams.version import VERSION

SALTS: Final = "backfill"


@dataclass(frozen=True, slots=True)
class BackfillRequest:
    """What the command line asked for."""

    site: str
    sites_file: Path | None
    days: int
    visitors_per_day: int
    seed: int


@dataclass(frozen=True, slots=True)
class BackfillReport:
    """What was sent."""

    request: BackfillRequest
    days: list[DayCounts]
    seconds: float

    @property
    def events(self) -> int:
        """Events of all days."""
        return sum(counts.types.total() for counts in self.days)

    def to_json(self) -> dict[str, Any]:
        """Give the report as JSON values; the keys are part of the command's interface."""
        return {
            "site": self.request.site,
            "seed": self.request.seed,
            "events": self.events,
            "days": [counts.to_json() for counts in self.days],
            "seconds": round(self.seconds, 3),
        }

    def describe(self) -> str:
        """Write the report for people, one fact a line."""
        per_second = self.events / self.seconds if self.seconds > 0 else 0.0
        sent = f"sent {self.events:,} events of {len(self.days):,} days to {self.request.site}"
        lines = [f"{sent}, {self.seconds:.1f} s, {per_second:,.0f} events/s"]
        lines += [
            f"{counts.day} {counts.types.total():,} events, {counts.visitors:,} visitors,"
            f" {counts.sessions:,} sessions"
            for counts in self.days
        ]
        return "\n".join([*lines, f"seed {self.request.seed}"])


def run_backfill(request: BackfillRequest, console: Console) -> BackfillReport:
    """Fill the days before today; refuse before anything is sent.

    Raises:
        HmaraError: the site or a day may not be filled, or something needed is not there.
    """
    settings = CollectorSettings.load(sites_file=request.sites_file)
    site = _find_site(settings, request.site)
    check_site(site)
    today = datetime.now(UTC).astimezone(site.zone).date()
    days = list_days(request.days, today)
    taken = read_taken_days(ClickHouseSettings.load().as_service(), site.id)
    check_days(site, days, today, taken)
    plan = BackfillPlan(site, days, request.visitors_per_day, request.seed)
    backfill = Backfill(
        plan=plan,
        user_agents=read_user_agents(lib_dir()),
        countries=CountryLookup(find_geo_file(settings)),
        packer=RecordPacker(KafkaSettings.load().bootstrap_servers, f"hmara-backfill/{VERSION}"),
        salt_dir=volatile_dir() / SALTS,
    )
    console.print(f"seed {request.seed}", highlight=False)
    started_s = time.monotonic()
    counted = _send(backfill, console)
    return BackfillReport(request, counted, time.monotonic() - started_s)


def _send(backfill: Backfill, console: Console) -> list[DayCounts]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    hidden = not console.is_terminal  # rich would write an empty line there
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task("visitors", total=backfill.plan.count_visitors())

        def advance(visits: list[Visit]) -> None:
            progress.advance(task, sum(not visit.is_return for visit in visits))

        return backfill.send(advance)


def _find_site(settings: CollectorSettings, name: str) -> Site:
    known = load_sites(settings.sites_file).by_id
    if name not in known:
        message = f"backfilling: {settings.sites_file} has no site {name!r}, only {sorted(known)}"
        raise TrafficError(message)
    return known[name]
