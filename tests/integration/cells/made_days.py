"""Days made with plain inserts into staging.hit, and what was published of them."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from schemas.policy.cubes import CUBES
from sinks.clickhouse.cells.close import Closed, Closing, close_day
from sinks.clickhouse.cells.count import SiteDay
from sinks.clickhouse.client import Address, open_native
from sinks.clickhouse.migrate import split_statements

MADE_DAY = Path(__file__).with_name("made_day.sql")
K = 10
MEASURES = ("views", "entries", "exits", "bounces", "engaged_ms", "events")


@dataclass(frozen=True)
class MadeDay:
    """A day of a site of this test's own, on the session's ClickHouse."""

    admin: Address
    site: str = field(default_factory=lambda: f"made-{secrets.token_hex(4)}")
    day: date = field(default_factory=lambda: datetime.now(UTC).date() - timedelta(days=1))

    @property
    def site_day(self) -> SiteDay:
        """The day as the code under test names it."""
        return SiteDay(self.site, self.day)

    @property
    def parameters(self) -> dict[str, object]:
        """The day as statements name it."""
        return {"site": self.site, "day": self.day.isoformat()}

    def fill(self, hits: int, visitors: int, segments: int = 1) -> None:
        """Insert a made-up day, a tenth of it twice."""
        more = {"hits": hits, "visitors": visitors, "segments": segments}
        (statement,) = split_statements(MADE_DAY.read_text("utf-8"))
        for copy in (0, 1):  # in one statement the server would merge them while it inserts
            self.ask(statement, copy=copy, **more)

    def visit(
        self, path: str, visitors: Iterable[int], segment: int = 1, *, source: str = "tag"
    ) -> None:
        """Insert one page view of a path for each visitor, at a time that the path decides."""
        after = timedelta(hours=9, milliseconds=zlib.crc32(path.encode()) % 600_000)
        at = datetime.combine(self.day, datetime.min.time(), UTC) + after
        seen = ("page_view", at, path, self.site, source, at, self.day, 9)
        rows = [
            (secrets.randbits(64), secrets.randbits(64), *seen, visitor, segment, "desktop", 1)
            for visitor in visitors
        ]
        with open_native(self.admin) as client:
            client.execute(
                "INSERT INTO staging.hit (hit_key, page_load_hash, type, event_time, path, site,"
                " source, received_at, site_day, site_hour, visitor_hash, salt_segment,"
                " device_class, first_wins) VALUES",
                rows,
            )

    def close(self, cubes: Iterable[str] = CUBES) -> Closed:
        """Close the day with one k for every cube."""
        return close_day(self.admin, self.closing(cubes))

    def closing(self, cubes: Iterable[str] = CUBES) -> Closing:
        """Return what `close_day` takes."""
        return Closing(self.site_day, "UTC", dict.fromkeys(cubes, K))

    def ask(self, sql: str, **parameters: object) -> list[tuple[Any, ...]]:
        """Ask as the admin; `{site:String}` and `{day:Date}` are this day's."""
        with open_native(self.admin) as client:
            rows: list[tuple[Any, ...]] = client.execute(sql, {**self.parameters, **parameters})
            return rows

    def read_cells(self) -> list[tuple[Any, ...]]:
        """Return the day's published cells without their publish_id, in order."""
        return self.ask(
            "SELECT cube, level, keys, is_other, merged, visitors, sessions, views, entries, exits,"
            " bounces, engaged_ms, events FROM anonymous.cell WHERE (site, site_day, publish_id) IN"
            " (SELECT site, site_day, publish_id FROM anonymous.published)"
            " AND site = {site:String} AND site_day = {day:Date} ORDER BY ALL"
        )

    def count_rows(self) -> dict[str, int]:
        """Return how many rows the tables of A hold for the day, seen or not."""
        return {
            table: int(
                self.ask(
                    f"SELECT count() FROM anonymous.{table}"
                    " WHERE site = {site:String} AND site_day = {day:Date}"
                )[0][0]
            )
            for table in ("cell", "site_hour", "published")
        }
