"""Closing a site-day: its cells are written once, and seen at once or never.

The order is the guarantee. Cells are counted in tables of one connection, written to plane A under
a random `publish_id` that no view shows, counted again there, and made visible by one row of
`anonymous.published`. A process that dies in between leaves rows that are seen by nobody; the next
run removes them. Runs of one site-day must not overlap: the caller holds a lock.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from clickhouse_driver import Client

from schemas.errors import HmaraError
from sinks.clickhouse.cells.count import Counted, SiteDay, count_day
from sinks.clickhouse.cells.statements import ask_file, run_file
from sinks.clickhouse.client import Address, open_native


class CloseError(HmaraError):
    """A site-day that could not be closed; it is as if nobody had tried."""


@dataclass(frozen=True, slots=True)
class Closing:
    """A site-day to be closed: k of each cube, and whether its hits have expired."""

    day: SiteDay
    time_zone: str
    thresholds: Mapping[str, int]
    is_lost: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """What makes a run's rows visible; hits stored after `read_at` are late."""

    publish_id: str
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed site-day; `is_new` if this run has closed it, `late_hits` came after."""

    hits: int
    salt_segments: int
    is_lost: bool
    cells: int
    late_hits: int
    is_new: bool = False


def close_day(address: Address, closing: Closing) -> Closed:
    """Close a site-day, or find it closed; a closed day is never counted again.

    Raises:
        CloseError: what was written is not what was counted, or another run was faster.
        ClickHouseError: the server can not be reached or refused a statement.
    """
    with open_native(address) as client:
        found = read_closed(client, closing.day)
        if found is not None:
            remove_leftovers(client, closing.day)
            return found
        ((read_at,),) = client.execute("SELECT now('UTC')")
        counted = Counted(0, 0)
        if not closing.is_lost:
            counted = count_day(client, closing.day, closing.thresholds)
        remove_leftovers(client, closing.day)
        publish_id = str(uuid.uuid4())
        if not closing.is_lost:
            _write_cells(client, closing.day, publish_id)
        _show(client, closing, counted, Mark(publish_id, read_at))
        closed = read_closed(client, closing.day)
    if closed is None:
        message = f"closing {closing.day}: its mark was written and can not be read"
        raise CloseError(message)
    return replace(closed, is_new=True)


def read_closed(client: Client, day: SiteDay) -> Closed | None:
    """Return a closed site-day, after counting what came late for it; None if it is open."""
    rows = ask_file(client, "steps/read_closed", day.parameters)
    if not rows:
        return None
    run_file(client, "steps/count_late", day.parameters)
    ((late,),) = ask_file(client, "steps/read_late", day.parameters)
    hits, salt_segments, is_lost, cells = (int(str(value)) for value in rows[0])
    return Closed(hits, salt_segments, bool(is_lost), cells, late_hits=int(str(late)))


def remove_leftovers(client: Client, day: SiteDay) -> None:
    """Remove what runs that broke off have written for a site-day."""
    ((rows,),) = ask_file(client, "steps/count_leftovers", day.parameters)
    if rows:
        run_file(client, "steps/remove_leftovers", day.parameters)


def _write_cells(client: Client, day: SiteDay, publish_id: str) -> None:
    parameters = {**day.parameters, "publish_id": publish_id}
    run_file(client, "steps/7_write_cells", parameters)
    ((is_whole,),) = ask_file(client, "steps/check_written", parameters)
    if not is_whole:
        message = f"closing {day}: plane A does not hold the cells that were counted"
        raise CloseError(message)


def _show(client: Client, closing: Closing, counted: Counted, mark: Mark) -> None:
    """Write the mark; of two runs that come here together, the second writes nothing."""
    day = closing.day
    row = {
        "site": day.site,
        "site_day": day.day,
        "publish_id": mark.publish_id,
        "time_zone": closing.time_zone,
        "closed_at": mark.read_at,
        "hits": counted.hits,
        "salt_segments": counted.salt_segments,
        "is_lost": int(closing.is_lost),
    }
    client.execute(
        f"INSERT INTO anonymous.published ({', '.join(row)}) VALUES",
        [tuple(row.values())],
        settings={"insert_deduplication_token": f"{day.site} {day.day.isoformat()}"},
    )
    ((winner,),) = ask_file(client, "steps/read_publish_id", day.parameters)
    if str(winner) != mark.publish_id:
        remove_leftovers(client, day)
        message = f"closing {day}: another run was faster; the day is closed"
        raise CloseError(message)
