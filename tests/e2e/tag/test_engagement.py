"""What the tag reports of attention: engaged-time pings, page ends and how far was scrolled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import HIDE

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.browser import Stage

pytestmark = pytest.mark.browser


def open_with_clock(page: Page, stage: Stage) -> None:
    """Open a page whose clock the test moves, with a ping every 15 s."""
    page.clock.install()
    page.goto(stage.put_page("/page", "<p style='height:3000px'>tall"))
    page.wait_for_function("window.hmaraSites")


def test_engaged_time_is_reported_while_the_person_is_there(page: Page, stage: Stage) -> None:
    """A page that is looked at sends a ping each interval, with the time since the one before."""
    page.goto(stage.put_page("/page", head=stage.snippet(ping_ms="1000")))
    pings = stage.recorder.wait_for_events("engagement", 2)
    assert all(900 <= ping["engaged_ms"] <= 5000 for ping in pings)
    assert all(ping["url"] == f"{stage.site.url}/page" for ping in pings)


def test_a_ping_is_never_more_often_than_a_second(page: Page, stage: Stage) -> None:
    """data-ping-ms below 1000 counts as 1000."""
    page.goto(stage.put_page("/page", head=stage.snippet(ping_ms="10")))
    assert stage.recorder.wait_for_events("engagement")[0]["engaged_ms"] >= 900


def test_a_person_who_does_nothing_stops_counting(page: Page, stage: Stage) -> None:
    """Without a sign of life 30 s count and no more; the next sign starts the count again."""
    open_with_clock(page, stage)
    page.clock.run_for(120_000)
    page.mouse.wheel(0, 100)
    page.wait_for_function("scrollY > 0")
    page.clock.run_for(20_000)
    page.goto("about:blank")
    stage.recorder.wait_for_events("page_end")
    # By number, as the collector counts them: the moved clock also makes requests time out.
    events = {event["seq"]: event for event in stage.recorder.events()}
    engaged_ms = sum(event.get("engaged_ms", 0) for event in events.values())
    assert 49_000 <= engaged_ms <= 52_000


def test_time_in_a_hidden_tab_does_not_count(page: Page, stage: Stage) -> None:
    """A tab that is hidden ends its page; what passes until it is shown again is not engaged."""
    open_with_clock(page, stage)
    page.clock.run_for(5_000)
    page.evaluate(HIDE, "hidden")
    page.clock.run_for(20_000)
    page.evaluate(HIDE, "visible")
    page.clock.run_for(2_000)
    page.goto("about:blank")
    ends = stage.recorder.wait_for_events("page_end", 2)
    assert 5_000 <= ends[0]["engaged_ms"] < 7_000
    assert 2_000 <= ends[1]["engaged_ms"] < 4_000
    assert len(stage.recorder.events("engagement")) == 0


def test_leaving_a_page_ends_it_once(page: Page, stage: Stage) -> None:
    """Navigating away sends one page end, with the engaged time and the depth that was reached."""
    page.goto(stage.put_page("/page", "<style>*{margin:0}</style><p style='height:7200px'>tall"))
    stage.recorder.wait_for_events("page_view")
    page.evaluate("scrollTo(0, 2880)")
    page.wait_for_function("scrollY === 2880")
    page.evaluate("scrollTo(0, 0)")
    page.goto(stage.put_page("/next"))
    stage.recorder.wait_for_events("page_view", 2)
    (end,) = stage.recorder.events("page_end")
    assert end["scroll_permille"] == 500
    assert end["engaged_ms"] > 0
    assert end["url"] == f"{stage.site.url}/page"


def test_navigation_within_a_page_ends_the_page_before(page: Page, stage: Stage) -> None:
    """A new view in the same page load is preceded by the end of the old one, under its address."""
    page.goto(stage.put_page("/app"))
    page.wait_for_function("window.hmaraSites")
    page.evaluate("history.pushState(null, '', '/app/one')")
    page.goto("about:blank")
    stage.recorder.wait_for_events("page_end", 2)
    site = stage.site.url
    assert [(event["type"], event["url"]) for event in stage.recorder.events()] == [
        ("page_view", f"{site}/app"),
        ("page_end", f"{site}/app"),
        ("page_view", f"{site}/app/one"),
        ("page_end", f"{site}/app/one"),
    ]
