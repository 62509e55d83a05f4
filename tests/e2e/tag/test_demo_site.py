"""The demo site: its pages answer, carry the tag and allow nothing but it; a browser visits it."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn

from streams.demo_site.app import DemoSiteError, create_app
from streams.demo_site.counting_proxy import run_counting_proxy
from streams.demo_site.visit import ITINERARIES, VISITORS, visit
from tests.support.browser import HANG_UP

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.browser import Stage

COLLECTOR = "http://127.0.0.1:8080"
READING_MS = 100  # of a person in a hurry
KINDS = {"page_view", "click", "page_end", "outbound", "download", "form_submit", "custom"}
OUTBOUND = ("a", "https://www.example.org/water?from=tykha")
PAGES = (
    "/",
    "/products",
    "/products/mountain-tea",
    "/products/ash-cup",
    "/journal/water",
    "/guide",
    "/guide/oolong",
    "/contact",
    "/contact/thanks",
)


def connect() -> httpx.AsyncClient:
    """Return a client that calls the app in this process, without a socket."""
    transport = httpx.ASGITransport(app=create_app(f"{COLLECTOR}/", "demo"))
    return httpx.AsyncClient(transport=transport, base_url="http://demo.example.org")


@contextmanager
def serve(collector_url: str) -> Iterator[str]:
    """Serve the demo site on a free port while the context is open."""
    config = uvicorn.Config(create_app(collector_url, "demo"), port=0, log_level="warning")
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_carries_the_tag_and_asks_nobody_else(path: str) -> None:
    """Each page is whole, names the collector's tag and the site, and loads from no other host."""
    async with connect() as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    assert f'<script async src="{COLLECTOR}/tag.js" data-site="demo"' in answer.text
    assert "{{" not in answer.text
    elements = re.findall(r'<(\w+)[^>]*?(?:src|href|action)="([^"]*)"', answer.text)
    foreign = {(name, a) for name, a in elements if not a.startswith(("/", "#"))}
    assert foreign - {OUTBOUND} == {("script", f"{COLLECTOR}/tag.js")}
    policy = answer.headers["content-security-policy"]
    assert f"script-src 'self' {COLLECTOR}; connect-src {COLLECTOR};" in policy
    assert "unsafe" not in policy


async def test_every_link_of_the_site_leads_somewhere() -> None:
    """No link, picture, script or style of any page is missing."""
    async with connect() as client:
        texts = [(await client.get(path)).text for path in PAGES]
        found = {a for text in texts for a in re.findall(r'(?:src|href)="(/[^"]*)"', text)}
        statuses = {address: (await client.get(address)).status_code for address in found}
    assert len(statuses) > 10
    assert set(statuses.values()) == {200}


async def test_what_is_no_page_is_refused_clearly() -> None:
    """An unknown path is 404, another method 405, and a sent letter leads to the thanks."""
    async with connect() as client:
        assert (await client.get("/nothing")).status_code == 404
        assert (await client.get("/static/../app.py")).status_code == 404
        assert (await client.delete("/")).status_code == 405
        assert (await client.head("/")).content == b""
        sent = await client.post("/contact", data={"message": "hello"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/contact/thanks")


def test_an_address_that_is_none_is_named() -> None:
    """A collector's address without http is refused with a message that shows it."""
    with pytest.raises(DemoSiteError, match="'collector:8080' is not an http"):
        create_app("collector:8080", "demo")


@pytest.mark.browser
@pytest.mark.usefixtures("built_tag")
async def test_visits_count_exactly_what_was_accepted(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report's events are those that the endpoint accepted, the last page's end included."""
    monkeypatch.setattr("streams.demo_site.visit._READING_MS", READING_MS)
    stage.recorder.statuses.append(503)
    with serve(stage.collector.url) as address:
        report = await visit(address, visits=len(ITINERARIES), stop=asyncio.Event())
    assert report.problem is None
    assert report.visits == len(ITINERARIES)
    assert report.steps == sum(len(itinerary) for itinerary in ITINERARIES)
    events = stage.recorder.events()
    assert report.events_accepted == len(events)
    ids = {(event["page_load_id"], event["seq"]) for event in events}
    assert report.events_accepted - report.events_repeated == len(ids)
    assert (report.requests_refused, report.requests_unanswered) == (1, 0)
    assert report.requests_answered == len(stage.recorder.posts())
    check_events(stage)
    languages = {post.batch["language"] for post in stage.recorder.posts()}
    assert languages == {locale for locale, *_ in VISITORS[: len(ITINERARIES)]}


def check_events(stage: Stage) -> None:
    """Look for each type of event; an engagement is reported of longer visits only."""
    recorder = stage.recorder
    kinds = {event["type"] for event in recorder.events()}
    assert kinds >= KINDS
    assert {event["link"] for event in recorder.events("outbound")} == {OUTBOUND[1].split("?")[0]}
    (download,) = recorder.events("download")
    assert download["link"].endswith("/static/brewing-card.txt")
    assert [event["form_name"] for event in recorder.events("form_submit")] == ["letter"]
    custom = {event["name"]: event["properties"] for event in recorder.events("custom")}
    assert custom == {"put in the basket": {"product": "ash-cup", "price": 620}}
    assert all(b"Oksana" not in post.body for post in recorder.posts())


@pytest.mark.browser
async def test_dropped_events_are_not_accepted(stage: Stage) -> None:
    """Events that the collector dropped count neither as accepted nor, when sent again, as such."""
    event = {"type": "page_view", "seq": 0, "url": stage.site.url}
    body = json.dumps({"site": "demo", "page_load_id": "0" * 16, "events": [event]})
    async with run_counting_proxy() as proxy:
        through = f"http://127.0.0.1:{proxy.port}"
        async with httpx.AsyncClient(proxy=through, trust_env=False) as client:
            for is_dropping in (True, True, False, False):
                stage.recorder.is_dropping = is_dropping
                await client.post(f"{stage.collector.url}/v1/events", content=body)
        counts = proxy.counts
    assert (counts.requests_answered, counts.requests_refused) == (4, 0)
    assert (counts.events_accepted, counts.events_repeated) == (2, 1)


@pytest.mark.browser
@pytest.mark.usefixtures("built_tag")
async def test_requests_without_an_answer_are_counted_apart(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request whose answer got lost counts as unanswered; its events count when they are."""
    monkeypatch.setattr("streams.demo_site.visit._READING_MS", READING_MS)
    stage.recorder.statuses.append(HANG_UP)
    with serve(stage.collector.url) as address:
        report = await visit(address, visits=1, stop=asyncio.Event())
    assert (report.problem, report.requests_unanswered) == (None, 1)
    assert report.requests_answered == len(stage.recorder.posts()) - 1
    assert report.events_accepted == len(stage.recorder.events())


@pytest.mark.browser
@pytest.mark.usefixtures("built_tag")
async def test_visits_stop_when_told(stage: Stage) -> None:
    """With `stop` set no further step is taken."""
    stop = asyncio.Event()
    stop.set()
    report = await visit(stage.site.url, visits=100, stop=stop)
    assert (report.problem, report.visits, report.steps) == (None, 0, 0)


@pytest.mark.browser
@pytest.mark.usefixtures("built_tag")
async def test_a_site_that_is_away_is_a_problem_not_an_exception() -> None:
    """A browser that cannot open the site ends the visits with a sentence that says so."""
    report = await visit("https://127.0.0.1:9", visits=3, stop=asyncio.Event())
    assert report.problem is not None
    assert report.problem.startswith("the browser failed: ")
    assert report.visits == 0


async def test_without_a_browser_the_report_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On a machine without Chromium nothing is raised, and the missing package is named."""
    monkeypatch.setenv("PATH", str(tmp_path))
    report = await visit("http://127.0.0.1:9", visits=3, stop=asyncio.Event())
    assert (report.visits, report.problem) == (
        0,
        "no browser was found: install the package chromium",
    )
