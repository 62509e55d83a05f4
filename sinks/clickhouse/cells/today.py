"""Publishing today: provisional cells that appear at k visitors and move by k."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sinks.clickhouse.cells.close import CloseError, read_closed
from sinks.clickhouse.cells.count import SiteDay, count_day
from sinks.clickhouse.cells.statements import run_file
from sinks.clickhouse.client import Address, open_native

CUBES_OF_TODAY: Final = ("page", "source", "device", "place")
"""What is brought up to date each minute."""

LEVELS: Final = 1
"""Chains are drilled down at the close alone: today's cells need not add up, so none may be shown
beside a parent that moved at the same time."""


def publish_today(address: Address, day: SiteDay, thresholds: Mapping[str, int]) -> int:
    """Bring a day that is not over up to date; return its hits so far.

    Two runs of one site-day must not overlap: the caller holds a lock.

    Raises:
        CloseError: the day is closed.
        ClickHouseError: the server can not be reached or refused a statement.
    """
    with open_native(address) as client:
        if read_closed(client, day) is not None:
            message = f"publishing {day}: the day is closed"
            raise CloseError(message)
        of_today = {cube: thresholds[cube] for cube in CUBES_OF_TODAY}
        counted = count_day(client, day, of_today, LEVELS)
        run_file(client, "steps/8_move_today", day.parameters)
    return counted.hits
