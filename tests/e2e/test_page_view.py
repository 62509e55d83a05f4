"""From a real browser to rows, and nothing of the person on the way."""

from __future__ import annotations

import json
import re
import secrets
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, Request

from streams.demo.children import Child, ChildSpec
from streams.demo_site.visit import find_browser
from streams.embedded.ports import find_free
from tests.support.browser import launch_browser
from tests.support.hunt import hunt
from tests.support.scan import encodings, scan_files
from tests.support.services import READY_S, STOP_S, Stack
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.browser]

WITHIN_S = 10.0
ROWS = """
SELECT type, path, target_role, target_label, seq, referrer_host, browser_family, viewport_class
FROM staging.hit FINAL WHERE site = {site:String} ORDER BY event_time, seq
"""
PLANTED_IPV4 = "203.0.113.77"
PLANTED_IPV6 = "2001:db8:77:88:99aa:bbcc:ddee:ff01"
PLANTED_AGENT = f"Mozilla/5.0 (X11; Linux x86_64; planted {secrets.token_hex(6)}) Chrome/120.0"


@dataclass
class Visit:
    """hmara with the demo site, and what a browser sent to it."""

    stack: Stack
    site_url: str
    collector_url: str
    bodies: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)

    def note(self, request: Request) -> None:
        """Keep what the tag sends, to know what must not be found."""
        if request.url.startswith(f"{self.collector_url}/v1/events"):
            self.bodies.append(request.post_data or "")
            self.agents.add(request.headers["user-agent"])


@pytest.fixture
def visit(make_stack: Callable[..., Stack]) -> Iterator[Visit]:
    """Start collector, worker and demo site."""
    if find_browser() is None:
        pytest.skip("chromium is not installed")
    port = find_free()
    site_url = f"http://127.0.0.1:{port}"
    stack = make_stack(origin=site_url)
    collector_url = stack.start_collector()
    stack.start_worker()
    module = ("streams.demo_site", "--port", str(port), "--collector", collector_url)
    log = stack.folder / "logs" / "site.log"
    site = Child(ChildSpec("demo site", (*module, "--site", stack.site), log, {}))
    try:
        site.wait_ready(f"{site_url}/", READY_S)
        yield Visit(stack, site_url, collector_url)
    finally:
        site.stop(STOP_S)


def test_what_a_person_does_in_a_browser_stands_in_clickhouse(visit: Visit) -> None:
    """Pages, clicks and page ends are there within 10 s, with their path and in their order."""
    with launch_browser() as browser:
        page = browser.new_page(locale="uk-UA", viewport={"width": 1280, "height": 800})
        page.on("request", visit.note)
        walk(page, visit.site_url)
        wait_until(lambda: has_all(visit), "the rows of the walk are stored", WITHIN_S)
        page.context.close()
    views = [row[1] for row in visit.stack.ask(ROWS) if row[0] == "page_view"]
    assert views[:3] == ["/", "/products", "/products/mountain-tea"]
    assert views[3:] == ["/guide", "/guide/green"], "the last one without loading a page"
    clicks = [row[2:4] for row in visit.stack.ask(ROWS) if row[0] == "click"]
    assert ("button", "Add to basket") in clicks
    rows = visit.stack.ask(ROWS)
    assert {row[6] for row in rows} <= {"Chrome", "HeadlessChrome", "Chromium"}
    assert {row[7] for row in rows} == {"m"}
    ends = [row[1] for row in rows if row[0] == "page_end"]
    assert "/products/mountain-tea" in ends
    assert {row[5] for row in rows} == {""}, "the site's own pages are no referrer"
    check_nothing_identifies(visit)


def walk(page: Page, site_url: str) -> None:
    """Go through the site as a person does."""
    for path in ("/", "/products"):
        # Waits for what the tag sends: what a page sends while it is left is seen by no listener.
        with page.expect_request(lambda request: request.url.endswith("/v1/events")):
            page.goto(f"{site_url}{path}")
    page.get_by_role("link", name="Mountain herb tea").first.click()
    page.get_by_role("button", name="Add to basket").click()
    page.goto(f"{site_url}/guide")
    page.get_by_role("tab", name="Green").click()


def has_all(visit: Visit) -> bool:
    """Say whether the walk is stored to its end: five pages, and the ends of the left ones."""
    types = [row[0] for row in visit.stack.ask(ROWS)]
    return types.count("page_view") >= 5 and types.count("page_end") >= 3


def check_nothing_identifies(visit: Visit) -> None:
    """Search Kafka, ClickHouse and the logs for addresses, user agents and page load ids."""
    ids = {match for body in visit.bodies for match in re.findall(r'"([0-9a-f]{16})"', body)}
    assert len(ids) >= 2, "page load ids were seen on the wire"
    ids.update(send_planted(visit))
    visit.stack.wait_for_lag()
    texts = {PLANTED_IPV4, PLANTED_IPV6, PLANTED_AGENT, *ids, *visit.agents}
    needles = {text: encodings(text) for text in texts}
    services, folder = visit.stack.services, visit.stack.folder
    assert not hunt(services, texts), "nothing that identifies is stored anywhere else"
    assert not scan_files(folder / "logs", needles), "nor in a log"


def send_planted(visit: Visit) -> set[str]:
    """Send a page view from known addresses with a known user agent; return its page load ids."""
    sent = set()
    for address in (PLANTED_IPV4, PLANTED_IPV6):
        page_load_id = secrets.token_hex(8)
        event = {"type": "page_view", "seq": 0, "url": f"{visit.site_url}/planted"}
        body = {"site": visit.stack.site, "page_load_id": page_load_id, "events": [event]}
        request = urllib.request.Request(
            f"{visit.collector_url}/v1/events",
            data=json.dumps(body).encode(),
            headers={
                "Content-Type": "text/plain;charset=UTF-8",
                "Origin": visit.site_url,
                "User-Agent": PLANTED_AGENT,
                "X-Forwarded-For": address,
            },
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 202
        sent.add(page_load_id)
    return sent
