"""The demo's visitors: synthetic ones over HTTP, and a real browser where there is one."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from streams.demo_site.visit import VisitReport, visit
from streams.traffic.report import SendReport
from streams.traffic.send import SendOptions, send

RATE_EVENTS_PER_S: Final = 200.0
_MANY: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Visitors:
    """What the visitors need to know."""

    collector_url: str
    site_url: str
    site: str
    lib_dir: Path
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class TrafficReport:
    """What both kinds of visitors sent; `accepted` is the sum over their 2xx answers."""

    synthetic: SendReport
    browser: VisitReport

    @property
    def accepted(self) -> int:
        """Events that were answered with 2xx, those a page sent twice counted once."""
        return self.synthetic.accepted + self.browser.events_accepted - self.browser.events_repeated


def run_traffic(
    visitors: Visitors, on_progress: Callable[[SendReport], None], on_tick: Callable[[], None]
) -> TrafficReport:
    """Send until the duration is over or SIGINT or SIGTERM comes; then wait for the answers.

    `on_tick` is called twice a second, and its exception ends the run.
    """
    return asyncio.run(_run(visitors, on_progress, on_tick))


async def _run(
    visitors: Visitors, on_progress: Callable[[SendReport], None], on_tick: Callable[[], None]
) -> TrafficReport:
    stop = asyncio.Event()
    options = SendOptions(
        collector_url=visitors.collector_url,
        site=visitors.site,
        origin=visitors.site_url,
        seed=secrets.randbits(32),
        lib_dir=visitors.lib_dir,
        duration_s=visitors.duration_s,
        rate_events_per_s=RATE_EVENTS_PER_S,
    )
    with _stop_on_signal(stop):
        sending = asyncio.create_task(send(options, on_progress, stop))
        browsing = asyncio.create_task(visit(visitors.site_url, visits=_MANY, stop=stop))
        try:
            while not sending.done():
                await asyncio.wait([sending], timeout=0.5)
                on_tick()
        finally:
            stop.set()
            done = await asyncio.gather(sending, browsing, return_exceptions=True)
        for result in done:
            if isinstance(result, BaseException):
                raise result
        return TrafficReport(sending.result(), browsing.result())


@contextlib.contextmanager
def _stop_on_signal(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
