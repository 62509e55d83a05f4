"""The sender against a collector that answers what the test wants, over real sockets."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from streams.traffic.errors import TrafficError
from streams.traffic.send import SendOptions, send

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from streams.traffic.report import SendReport

pytestmark = pytest.mark.integration


@dataclass
class Collector:
    """What came, and how it is answered: by the number of the request and of its events."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answer: Callable[[int, int], web.Response | None] = lambda _number, events: accepted(events)
    """None hangs up without an answer."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one post."""
        body = await request.read()
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        response = self.answer(len(self.bodies), len(json.loads(body)["events"]))
        if response is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return response

    def events(self) -> int:
        """Count the different events that came."""
        return len(
            {
                (body["page_load_id"], event["seq"])
                for body in map(json.loads, self.bodies)
                for event in body["events"]
            }
        )


def accepted(events: int, dropped: dict[str, int] | None = None) -> web.Response:
    """Answer 202."""
    return web.json_response({"accepted": events, "dropped": dropped or {}}, status=202)


@asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    """Listen on a free port of loopback."""
    state = Collector()
    app = web.Application()
    app.router.add_post("/v1/events", state.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    state.url = f"http://{host}:{port}"
    try:
        yield state
    finally:
        await runner.cleanup()


def options(url: str, lib_dir: Path) -> SendOptions:
    """Send 300 events of seed 1 as fast as answers come."""
    return SendOptions(
        collector_url=url,
        site="demo",
        origin="http://127.0.0.1:8081",
        seed=1,
        lib_dir=lib_dir,
        events=300,
    )


async def test_exactly_so_many_events_arrive(lib_dir: Path) -> None:
    """The collector sees 300 different events, and the report counts the same."""
    async with collector() as there:
        report = await send(options(there.url, lib_dir))
    assert there.events() == report.events == report.accepted == 300
    assert report.posts == len(there.bodies)
    assert (report.ending, report.retries, report.is_clean) == ("complete", 0, True)


async def test_posts_look_like_a_tag_behind_a_proxy(lib_dir: Path) -> None:
    """Each post has the visitor's headers, the site's origin and the tag's content type."""
    async with collector() as there:
        await send(
            replace(options(there.url + "/", lib_dir), events=50, origin="http://127.0.0.1:8081/")
        )
    for headers in there.headers:
        assert headers["Content-Type"] == "text/plain;charset=UTF-8"
        assert headers["Origin"] == "http://127.0.0.1:8081"
        assert headers["User-Agent"].startswith("Mozilla/5.0")
        assert headers["Accept-Language"]
        assert headers["X-Forwarded-For"].count(".") == 3 or ":" in headers["X-Forwarded-For"]


async def test_a_503_is_retried_with_the_same_ids(lib_dir: Path) -> None:
    """A post that was turned away comes again byte by byte, and counts once."""
    async with collector() as there:
        there.answer = lambda number, events: (
            web.Response(status=503, headers={"Retry-After": "0"})
            if number % 3 == 0
            else accepted(events)
        )
        report = await send(options(there.url, lib_dir))
    assert report.accepted == there.events() == 300
    assert report.retries == len(there.bodies) - report.posts > 10
    assert "503" in report.last_trouble


async def test_retry_after_is_waited_for(lib_dir: Path) -> None:
    """A collector that asks for a second's pause gets it."""
    loop = asyncio.get_running_loop()
    moments: list[float] = []

    def answer(number: int, events: int) -> web.Response:
        moments.append(loop.time())
        if number == 1:
            return web.Response(status=429, headers={"Retry-After": "1"})
        return accepted(events)

    async with collector() as there:
        there.answer = answer
        report = await send(replace(options(there.url, lib_dir), events=1))
    assert report.accepted == 1
    assert moments[1] - moments[0] >= 1.0


async def test_a_lost_answer_is_retried_with_the_same_ids(lib_dir: Path) -> None:
    """A connection that breaks before the answer makes the post come again, and count once."""
    async with collector() as there:
        there.answer = lambda number, events: None if number % 4 == 0 else accepted(events)
        report = await send(options(there.url, lib_dir))
    assert report.accepted == there.events() == 300
    assert max(Counter(there.bodies).values()) > 1


async def test_resent_posts_are_counted_apart(lib_dir: Path) -> None:
    """With share 1 each post comes twice, and `accepted` is still the number of events."""
    async with collector() as there:
        report = await send(replace(options(there.url, lib_dir), resend_share=1.0))
    assert set(Counter(there.bodies).values()) == {2}
    assert (report.accepted, report.resent_accepted) == (300, 300)
    assert report.resent_posts == report.posts


async def test_the_seed_decides_which_posts_are_resent(lib_dir: Path) -> None:
    """Two runs of one seed send the same posts twice, about the share that was asked for."""
    twice: list[set[bytes]] = []
    for _ in range(2):
        async with collector() as there:
            report = await send(
                replace(options(there.url, lib_dir), events=2_000, resend_share=0.1)
            )
        twice.append({body for body, times in Counter(there.bodies).items() if times == 2})
        assert report.accepted == 2_000
    assert twice[0] == twice[1]
    assert 0.06 < len(twice[0]) / report.posts < 0.14


async def test_a_refused_post_is_not_retried(lib_dir: Path) -> None:
    """A 4xx is final: its events are counted under status and reason."""
    async with collector() as there:
        there.answer = lambda _number, _events: web.json_response(
            {"reason": "unknown_site"}, status=404
        )
        report = await send(options(there.url, lib_dir))
    assert report.rejected == {(404, "unknown_site"): 300}
    assert (report.accepted, report.retries, report.is_clean) == (0, 0, False)
    assert report.posts == len(there.bodies)


async def test_dropped_events_are_counted_by_reason(lib_dir: Path) -> None:
    """What the answers say was dropped is summed, and is not accepted."""
    async with collector() as there:
        there.answer = lambda _number, events: accepted(events - 1, {"bot": 1})
        report = await send(options(there.url, lib_dir))
    assert report.dropped == {"bot": report.posts}
    assert report.accepted == 300 - report.posts


async def test_the_rate_is_kept(lib_dir: Path) -> None:
    """At 400 events/s, 200 events take about half a second, never much less."""
    async with collector() as there:
        report = await send(
            replace(options(there.url, lib_dir), events=200, rate_events_per_s=400.0)
        )
    assert report.accepted == 200
    assert report.seconds >= 0.45


async def test_stopping_reports_what_was_answered(lib_dir: Path) -> None:
    """After a stop in mid-run every event that was sent has its answer."""
    stop = asyncio.Event()
    async with collector() as there:

        def answer(number: int, events: int) -> web.Response:
            if number == 100:
                stop.set()
            return accepted(events)

        there.answer = answer
        report = await send(replace(options(there.url, lib_dir), events=None), stop=stop)
    assert report.ending == "stopped"
    assert report.accepted == report.events == there.events()
    assert 100 <= report.posts <= 100 + 2 * 16


async def test_a_duration_ends_an_endless_run(lib_dir: Path) -> None:
    """Without a number of events the time ends the run, and nothing sent is left unanswered."""
    async with collector() as there:
        report = await send(
            replace(
                options(there.url, lib_dir), events=None, duration_s=0.4, rate_events_per_s=200.0
            )
        )
    assert report.ending == "duration"
    assert report.accepted == report.events == there.events()
    assert report.seconds >= 0.4


async def test_a_collector_that_stays_away_ends_the_run(lib_dir: Path) -> None:
    """When the deadline has passed the run ends and says what the trouble was."""
    async with collector() as there:
        away = there.url
    report = await send(replace(options(away, lib_dir), retry_for_s=0.3))
    assert report.ending == "collector_unavailable"
    assert report.accepted == 0
    assert report.unanswered == report.events > 0
    assert report.last_trouble
    assert not report.is_clean


async def test_progress_ends_with_the_report(lib_dir: Path) -> None:
    """The last thing progress is told is the report itself."""
    told: list[SendReport] = []
    async with collector() as there:
        report = await send(options(there.url, lib_dir), told.append)
    assert told[-1] == report
    assert [one.accepted for one in told] == sorted(one.accepted for one in told)


async def test_an_address_without_http_is_refused(lib_dir: Path) -> None:
    """A collector's address that is no URL is an error before anything is sent."""
    with pytest.raises(TrafficError, match="no http"):
        await send(options("127.0.0.1:8080", lib_dir))


COMMAND = """
import typer
from streams.traffic.commands import register
app = typer.Typer()
app.callback()(lambda: None)
register(app)
app()
"""


async def test_ctrl_c_ends_the_command_with_its_report(lib_dir: Path) -> None:
    """SIGINT in the middle of `hmara send --json` gives exit 0 and a report that adds up."""
    first_post = asyncio.Event()
    async with collector() as there:

        def answer(_number: int, events: int) -> web.Response:
            first_post.set()
            return accepted(events)

        there.answer = answer
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", COMMAND, "send", "--json", "--rate", "100", "--collector", there.url),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "HMARA_LIB_DIR": str(lib_dir)},
        )
        await asyncio.wait_for(first_post.wait(), 30)
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, err.decode()
    report = json.loads(out)
    assert report["ending"] == "stopped"
    assert report["accepted"] == report["events"] == there.events() > 0
    assert f"seed {report['seed']}" in err.decode()
