"""Post synthetic traffic to a collector, as many tags at once would.

aiohttp is the client, not httpx: it is here with faust anyway, and with sixteen requests at a time
a post took it a tenth of the CPU (0.3 ms against 3.6 ms).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from streams.traffic.answer import Refused, Taken, Unavailable
from streams.traffic.delivery import Delivery
from streams.traffic.dice import Dice
from streams.traffic.errors import TrafficError
from streams.traffic.generate import Post, TrafficPlan, generate_posts, take_events
from streams.traffic.pace import Pace
from streams.traffic.report import Tally
from streams.traffic.user_agents import read_user_agents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from streams.traffic.report import Ending, SendReport

_RESEND_PURPOSE = 4
_DRAW_BLOCK = 256
_PROGRESS_INTERVAL_S = 0.2
_GRACE_S = 5.0
_SHORT_PAUSE_S = 0.1  # not worth the task that a pause which can end early costs


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """What to send, where and how fast."""

    collector_url: str
    site: str
    origin: str
    seed: int
    lib_dir: Path
    """Where `hmara up` keeps fetched packages; the user agents come from there."""
    events: int | None = None
    """Send exactly so many; None sends until stopped or `duration_s` has passed."""
    duration_s: float | None = None
    rate_events_per_s: float = 0.0
    """0 sends as fast as answers come."""
    concurrency: int = 16
    resend_share: float = 0.0
    """Share of posts that are sent once more after their 2xx, as a tag does that missed it."""
    retry_for_s: float = 60.0
    """How long one post is retried before the run ends as `collector_unavailable`."""
    request_timeout_s: float = 30.0


async def send(
    options: SendOptions,
    on_progress: Callable[[SendReport], None] | None = None,
    stop: asyncio.Event | None = None,
) -> SendReport:
    """Send until done or until `stop` is set, then wait for the answers under way and report.

    `on_progress` gets the counts five times a second.

    Raises:
        TrafficError: nothing was sent, because an option or the list of user agents is no good.

    """
    if urlsplit(options.collector_url).scheme not in {"http", "https"}:
        message = f"sending traffic: {options.collector_url!r} is no http(s) address"
        raise TrafficError(message)
    plan = TrafficPlan(options.site, options.origin.rstrip("/"), options.seed)
    posts = generate_posts(plan, read_user_agents(options.lib_dir))
    if options.events is not None:
        posts = take_events(posts, options.events)
    connector = aiohttp.TCPConnector(limit=options.concurrency)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=options.request_timeout_s),
        skip_auto_headers=("Accept", "Accept-Encoding"),
    ) as http:
        delivery = Delivery(http, options.collector_url, plan.origin, plan.seed)
        run = _Run(options, posts, delivery)
        return await run.to_the_end(on_progress, stop)


class _Run:
    def __init__(self, options: SendOptions, posts: Iterator[Post], delivery: Delivery) -> None:
        self._options = options
        self._posts = posts
        self._tally = Tally()
        self._delivery = delivery
        self._resend_draws = _draws(Dice(options.seed, _RESEND_PURPOSE))
        self._loop = asyncio.get_running_loop()
        self._start_s = self._loop.time()
        self._pace = Pace(options.rate_events_per_s, self._start_s)
        self._ending: Ending | None = None
        self._ended = asyncio.Event()
        self._last_call_s = float("inf")

    async def to_the_end(
        self, on_progress: Callable[[SendReport], None] | None, stop: asyncio.Event | None
    ) -> SendReport:
        watchers = [asyncio.create_task(self._report_progress(on_progress))] if on_progress else []
        if stop is not None:
            watchers.append(asyncio.create_task(self._end_when(stop)))
        if self._options.duration_s is not None:
            self._loop.call_later(self._options.duration_s, self._end, "duration")
        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(self._options.concurrency):
                    workers.create_task(self._work())
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
        self._end("complete")
        report = self._report()
        if on_progress is not None:
            on_progress(report)
        return report

    def _report(self) -> SendReport:
        seconds = self._loop.time() - self._start_s
        return self._tally.report(seed=self._options.seed, seconds=seconds, ending=self._ending)

    async def _report_progress(self, on_progress: Callable[[SendReport], None]) -> None:
        while True:
            on_progress(self._report())
            await asyncio.sleep(_PROGRESS_INTERVAL_S)

    async def _end_when(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._end("stopped")

    def _end(self, ending: Ending) -> None:
        if self._ending is None:
            self._ending = ending
            self._last_call_s = self._loop.time() + _GRACE_S
            self._ended.set()

    async def _work(self) -> None:
        while self._ending is None:
            post = next(self._posts, None)
            if post is None:
                return
            # Drawn when the post is taken, so that the same posts are sent twice in every run.
            is_resent = next(self._resend_draws) < self._options.resend_share
            now_s = self._loop.time()
            await self._pause(self._pace.due_s(len(post.events), now_s) - now_s)
            if self._ending is None:
                await self._send(post, is_resent=is_resent)

    async def _pause(self, seconds: float) -> None:
        if 0 < seconds <= _SHORT_PAUSE_S:
            await asyncio.sleep(seconds)
        elif seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), seconds)

    async def _send(self, post: Post, *, is_resent: bool) -> None:
        tally, body = self._tally, post.body()
        tally.posts += 1
        tally.events += len(post.events)
        match await self._answer(post, body):
            case Taken(accepted, dropped):
                tally.accepted += accepted
                tally.dropped.update(dropped)
            case Refused(status, reason):
                tally.rejected[status, reason] += len(post.events)
                return
            case Unavailable():
                tally.unanswered += len(post.events)
                return
        if is_resent:
            tally.resent_posts += 1
            again = await self._answer(post, body)
            tally.resent_accepted += again.accepted if isinstance(again, Taken) else 0

    async def _answer(self, post: Post, body: bytes) -> Taken | Refused | Unavailable:
        """Post until there is a final answer, or until time is up: then `Unavailable`."""
        deadline_s = self._loop.time() + self._options.retry_for_s
        attempt = 0
        while True:
            answer = await self._delivery.post(post.visitor, body)
            if not isinstance(answer, Unavailable):
                return answer
            self._tally.last_trouble = answer.trouble
            left_s = min(deadline_s, self._last_call_s) - self._loop.time()
            if left_s <= 0:
                self._end("collector_unavailable")
                return answer
            self._tally.retries += 1
            await self._pause_for_retry(min(self._delivery.wait_s(answer, attempt), left_s))
            attempt += 1

    async def _pause_for_retry(self, seconds: float) -> None:
        if self._ending is None:
            await self._pause(seconds)
        else:
            await asyncio.sleep(min(seconds, _PROGRESS_INTERVAL_S))


def _draws(dice: Dice) -> Iterator[float]:
    while True:
        yield from dice.uniform(_DRAW_BLOCK).tolist()
