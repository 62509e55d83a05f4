"""Counting a site-day: hits to sessions, sessions to facts, facts to cells that keep k.

All of it happens in tables of one connection, which are gone when it ends. Nothing is written to a
table that outlives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from clickhouse_driver import Client

from schemas.policy.cubes import CUBES
from sinks.clickhouse.cells.statements import run_file

MOST_LEVELS: Final = max(CUBES.values())
_FACTS: Final = {
    "cubes/use": frozenset(
        {"page", "page_reading", "device", "place", "resolution", "language", "keyboard"}
    ),
    "cubes/session": frozenset({"source", "session"}),
    "cubes/event": frozenset({"heatmap", "outbound", "download", "form", "custom"}),
    "cubes/click_path": frozenset({"click_path_1", "click_path_2", "click_path_3"}),
}
"""The files that find facts, each with the cubes they are for."""


@dataclass(frozen=True, slots=True)
class SiteDay:
    """A day of a site, in the site's time zone."""

    site: str
    day: date

    def __str__(self) -> str:
        return f"{self.site} {self.day.isoformat()}"

    @property
    def parameters(self) -> dict[str, object]:
        """The day as the statements name it."""
        return {"site": self.site, "site_day": self.day.isoformat()}


@dataclass(frozen=True, slots=True)
class Counted:
    """What was found in a day before it was cut into cells."""

    hits: int
    salt_segments: int


def count_day(
    client: Client, day: SiteDay, thresholds: Mapping[str, int], levels: int = MOST_LEVELS
) -> Counted:
    """Leave the day's cells in the session's `counted_cell` and its hours in `hour_total`.

    `thresholds` says k for each cube that is to be counted; chains are followed down to `levels`.
    The connection must be new: the tables are made here.
    """
    run_file(client, "steps/1_make_tables")
    run_file(client, "steps/2_take_day", day.parameters)
    run_file(client, "steps/3_total_hours")
    client.execute("INSERT INTO threshold VALUES", list(thresholds.items()))
    for name, cubes in _FACTS.items():
        if cubes & thresholds.keys():
            run_file(client, name, {"levels": levels})
    merge_facts(client, levels)
    ((hits, segments),) = client.execute("SELECT count(), uniqExact(segment) FROM day_hit")
    return Counted(int(hits), int(segments))


def merge_facts(client: Client, levels: int) -> None:
    """Turn the session's facts into cells, none of them below its cube's threshold.

    A cube whose day has fewer than k visitors has no cell. Below, level by level: children under k
    merge; if they are under k together, the smallest of the others joins them.
    """
    run_file(client, "steps/4_show_cubes")
    for level in range(1, levels + 1):
        run_file(client, "steps/5_merge_level", {"level": level})
    run_file(client, "steps/6_count_cells")
