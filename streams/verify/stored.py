"""Has the page view of the check reached ClickHouse?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.errors import HmaraError
from sinks.clickhouse.client import Address, open_native
from streams.collector.compose import make_pages
from streams.collector.sites import Site
from streams.settings import ClickHouseSettings, SettingsError
from streams.verify.judge import Check, Finding, read_counts
from streams.verify.observation import Sent

_HITS_SINCE: Final = Path(__file__).parent / "hits_since.sql"
_CLOCK: Final = "SELECT toUnixTimestamp64Micro(now64(6))"
_POLL_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Store:
    """ClickHouse at the start of the check, by its own clock. `unseen` says why it is not asked."""

    address: Address | None = None
    since_us: int = 0
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Which site's page was looked at, and how the collector writes the addresses of its pages."""

    site: Site
    phone_regions: tuple[str, ...]

    def find_path(self, url: str) -> str:
        """Return the path under which a page's views are stored."""
        reduced = make_pages(self.phone_regions).reduce_url(url, self.site)
        return reduced.path if reduced is not None else ""


def open_store() -> Store:
    """Find ClickHouse and read its clock; without it the check goes on."""
    try:
        address = ClickHouseSettings.load().as_service()
    except SettingsError:
        return Store(unseen="not looked at: no settings of ClickHouse are here")
    try:
        with open_native(address) as client:
            return Store(address, since_us=int(client.execute(_CLOCK)[0][0]))
    except HmaraError as error:
        return Store(unseen=f"not looked at: {error}")


def judge_stored(store: Store, page: Page, sent: Sent | None, within_s: float) -> Finding:
    """Wait for the row of what was accepted, and say whether it came."""
    accepted = read_counts(sent.outcome.content)[0] if sent else 0
    if sent is None or not accepted:
        return Finding(Check.STORED, None, "not looked at, since nothing was accepted")
    if store.address is None:
        return Finding(Check.STORED, None, store.unseen)
    path = page.find_path(sent.page_url)
    parameters = {"site": page.site.id, "path": path, "since_us": store.since_us}
    try:
        is_there = _wait_for_row(store.address, parameters, within_s)
    except HmaraError as error:
        return Finding(Check.STORED, None, f"not looked at: {error}")
    if is_there:
        text = f"the page view of {path} is in ClickHouse"
        return Finding(Check.STORED, is_good=True, text=text)
    text = f"no page view of {path} came to ClickHouse: does `hmara worker` run?"
    return Finding(Check.STORED, is_good=False, text=text)


def _wait_for_row(address: Address, parameters: dict[str, object], within_s: float) -> bool:
    sql = _HITS_SINCE.read_text("utf-8")
    deadline = time.monotonic() + within_s
    with open_native(address) as client:
        while not client.execute(sql, parameters)[0][0]:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
    return True
