"""What the tag reports of pages: loads, navigation within them, returns, rendering ahead."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from streams.demo_site.visit import browser_arguments, find_browser
from tests.support.browser import start_browser

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.support.browser import Event, Stage

pytestmark = pytest.mark.browser


def urls(events: list[Event]) -> list[str]:
    """Return what follows the origin in each event's address."""
    return [re.sub(r"^http://[^/]+", "", event["url"]) for event in events]


def test_a_page_load_is_one_view_with_all_fields(page: Page, stage: Stage) -> None:
    """A page load sends one page view with every field of the wire contract and a random id."""
    page.goto(stage.put_page("/start") + "?x=1#below")
    view = stage.recorder.wait_for_events("page_view")[0]
    post = stage.recorder.posts()[0]

    assert post.path == "/v1/events"
    assert post.headers["content-type"] == "text/plain;charset=UTF-8"
    batch = post.batch
    assert re.fullmatch(r"[0-9a-f]{16}", batch["page_load_id"])
    assert batch == {
        "site": "demo",
        "page_load_id": batch["page_load_id"],
        "language": "uk-UA",
        "keyboard": "qwerty",
        "webdriver": True,
        "screen": [1280, 720],
        "viewport": [1280, 720],
        "events": [
            {
                "type": "page_view",
                "seq": 0,
                "age_ms": view["age_ms"],
                "url": f"{stage.site.url}/start?x=1",
                "title": "Page /start",
            }
        ],
    }
    assert 0 <= view["age_ms"] < 10_000


def test_each_page_load_has_an_id_of_its_own(page: Page, stage: Stage) -> None:
    """Loading the same page again makes a new page_load_id whose numbers start at 0."""
    address = stage.put_page("/start")
    for loads in (1, 2, 3):
        page.goto(address)
        stage.recorder.wait_for_events("page_view", loads)
    views = stage.recorder.events("page_view")
    assert len({view["page_load_id"] for view in views}) == 3
    assert [view["seq"] for view in views] == [0, 0, 0]


def test_only_the_origin_of_the_referrer_is_sent(page: Page, stage: Stage) -> None:
    """Even a page that offers its full address as the referrer gives no more than its origin."""
    stage.site.page_headers["Referrer-Policy"] = "unsafe-url"
    target = stage.put_page("/target")
    other_site = stage.site.url.replace("127.0.0.1", "localhost")
    stage.put_page("/secret", f'<a href="{target}">on</a>', head="")
    page.goto(f"{other_site}/secret?email=ada@example.org")
    page.click("a")
    stage.recorder.wait_for_events("page_view")
    assert page.evaluate("document.referrer").endswith("/secret?email=ada@example.org")
    assert stage.recorder.events("page_view")[0]["referrer"] == f"{other_site}/"
    assert all(b"ada@example.org" not in post.body for post in stage.recorder.posts())
    assert all("secret" not in post.headers.get("referer", "") for post in stage.recorder.posts())


def test_a_user_name_in_the_address_is_not_sent(page: Page, stage: Stage) -> None:
    """Credentials that a link carries in its address do not reach the collector."""
    page.goto(stage.put_page("/start").replace("http://", "http://ada:lovelace@"))
    stage.recorder.wait_for_events("page_view")
    assert all(b"lovelace" not in post.body for post in stage.recorder.posts())


def test_navigation_within_a_page_is_a_view_each(page: Page, stage: Stage) -> None:
    """pushState, replaceState and back report views under one id, each with the page before it."""
    page.goto(stage.put_page("/app") + "?step=0")
    page.evaluate("history.pushState(null, '', '/app/one?token=1')")
    page.evaluate("history.replaceState(null, '', '/app/two')")
    page.evaluate("history.back()")
    views = stage.recorder.wait_for_events("page_view", 4)

    assert urls(views) == ["/app?step=0", "/app/one?token=1", "/app/two", "/app?step=0"]
    site = stage.site.url
    assert [view["referrer"] for view in views[1:]] == [
        f"{site}/app",
        f"{site}/app/one",
        f"{site}/app/two",
    ]
    events = stage.recorder.events()
    assert len({event["page_load_id"] for event in events}) == 1
    assert [event["seq"] for event in events] == list(range(len(events)))


def test_the_new_title_is_reported_when_a_router_sets_it_late(page: Page, stage: Stage) -> None:
    """A title that a router sets just after pushState is the title of the view."""
    page.goto(stage.put_page("/app"))
    stage.recorder.wait_for_events("page_view")
    page.evaluate("history.pushState(null, '', '/app/one'); document.title = 'One'")
    assert stage.recorder.wait_for_events("page_view", 2)[1]["title"] == "One"


def test_an_address_that_stays_the_same_is_no_view(page: Page, stage: Stage) -> None:
    """A replaceState with the same address, a state-only pushState and an anchor send no view."""
    page.goto(stage.put_page("/app", "<a id=jump href='#part'>jump</a><p id=part>part"))
    page.evaluate("history.replaceState({a: 1}, '', location.href)")
    page.evaluate("history.pushState({b: 2}, '')")
    page.click("#jump")
    page.evaluate("history.pushState(null, '', '/app/last')")
    assert urls(stage.recorder.wait_for_events("page_view", 2)) == ["/app", "/app/last"]
    assert len(stage.recorder.events("page_view")) == 2


@pytest.mark.parametrize(
    ("attributes", "fragments"),
    [({}, ["#/inbox", "#!/sent", ""]), ({"hash": ""}, ["#inbox", "#sent", ""])],
)
def test_with_hash_routing_the_fragment_is_part_of_the_address(
    page: Page, stage: Stage, attributes: dict[str, str], fragments: list[str]
) -> None:
    """A fragment that looks like a path is a view when it changes; with data-hash any one is."""
    first, second, last = fragments
    page.goto(stage.put_page("/app", head=stage.snippet(**attributes)) + first)
    page.wait_for_function("window.hmaraSites")
    page.evaluate("(fragment) => { location.hash = fragment }", second)
    page.evaluate("history.pushState(null, '', '/app')")
    views = stage.recorder.wait_for_events("page_view", 3)
    assert urls(views) == [f"/app{first}", f"/app{second}", f"/app{last}"]
    site = stage.site.url
    assert [view.get("referrer") for view in views] == [None, f"{site}/app", f"{site}/app"]


def test_a_router_that_goes_its_own_way_is_followed(page: Page, stage: Stage) -> None:
    """A page that wraps pushState after the tag and one that keeps popstate to itself are views."""
    page.goto(stage.put_page("/app"))
    page.wait_for_function("window.hmaraSites")
    page.evaluate(
        """() => {
          const push = history.pushState;
          history.pushState = function (...args) { return push.apply(this, args) };
          addEventListener("popstate", (event) => event.stopImmediatePropagation(), true);
          history.pushState(null, "", "/app/one");
        }"""
    )
    page.evaluate("history.back()")
    views = stage.recorder.wait_for_events("page_view", 3)
    assert urls(views) == ["/app", "/app/one", "/app"]


def test_wrapped_history_stays_the_browsers_own(page: Page, stage: Stage) -> None:
    """A page's calls of pushState return, throw and change the state as without the tag."""
    page.goto(stage.put_page("/app"))
    stage.recorder.wait_for_events("page_view")
    assert page.evaluate("history.pushState({n: 7}, '', '/app/one') === undefined")
    assert page.evaluate("history.state") == {"n": 7}
    name = "(() => { try { history.pushState(null, '', 'http://example.org/') } catch (e) {"
    assert page.evaluate(f"{name} return e.name }} }})()") == "SecurityError"


def test_a_page_back_from_the_cache_is_a_new_page_load(browser: Browser, stage: Stage) -> None:
    """Going back to a page that the browser kept sends a view under a new id."""
    first = stage.put_page("/first", "<a href='/second'>on</a>")
    stage.put_page("/second")
    with closing(start_browser(browser.browser_type, with_back_forward_cache=True)) as keeping:
        page = keeping.new_page()
        page.goto(first)
        page.evaluate("window.isFirstLoad = true")
        stage.recorder.wait_for_events("page_view", 1)
        page.click("a")
        stage.recorder.wait_for_events("page_view", 2)
        # Not go_back(): it waits for signs of a page load, and there is none.
        page.evaluate("setTimeout(() => history.back())")
        stage.recorder.wait_for_events("page_view", 3)
        assert page.evaluate("window.isFirstLoad")
    views = stage.recorder.events("page_view")
    assert urls(views) == ["/first", "/second", "/first"]
    assert len({view["page_load_id"] for view in views}) == 3
    assert [view["seq"] for view in views] == [0, 0, 0]


def test_a_page_rendered_ahead_is_a_view_only_once_shown(
    browser: Browser, stage: Stage, tmp_path: Path
) -> None:
    """A prerendered page reports nothing before the person gets there."""
    assert browser.is_connected()
    # The page notes its activation in its address, before the tag hears of it.
    mark = "history.pushState(null, '', '/ahead?shown')"
    listener = f"addEventListener('prerenderingchange', () => {mark}, true)"
    stage.put_page("/ahead", head=f"<script>{listener}</script>{stage.snippet()}")
    rules = '{"prerender": [{"source": "list", "urls": ["/ahead"], "eagerness": "immediate"}]}'
    address = stage.put_page(
        "/start",
        f"<script type=speculationrules>{rules}</script>"
        "<script>setTimeout(() => { location.href = '/ahead' }, 2500)</script>",
    )
    # Not by Playwright: a browser under its control renders nothing ahead.
    executable = find_browser()
    assert executable
    command = [executable, "--headless", "--remote-debugging-port=0", *browser_arguments()]
    with subprocess.Popen(
        [*command, f"--user-data-dir={tmp_path / 'profile'}", address],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            views = stage.recorder.wait_for_events("page_view", 2, timeout=30)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
    assert urls(views) == ["/start", "/ahead?shown"]
