"""How events reach the collector: in batches, again after a failure, and as the page is left."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import HANG_UP, HIDE

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.browser import Stage

pytestmark = pytest.mark.browser

PUSH = "(count) => { for (let i = 0; i < count; i++) history.pushState(null, '', '/app/' + i) }"


@pytest.mark.parametrize("status", [503, 429, HANG_UP])
def test_a_failure_that_may_pass_is_retried_with_the_same_ids(
    page: Page, stage: Stage, status: int
) -> None:
    """After 503, 429 or no answer the same ids come again, older by the time between."""
    stage.recorder.statuses.append(status)
    page.goto(stage.put_page("/page"))
    stage.recorder.wait_for_events("page_view")
    refused, accepted = stage.recorder.posts()
    assert (refused.status, accepted.status) == (status, 202)
    old, new = refused.batch, accepted.batch
    waited_ms = 1000 * (accepted.at_monotonic - refused.at_monotonic)
    grown_ms = new["events"][0].pop("age_ms") - old["events"][0].pop("age_ms")
    assert grown_ms == pytest.approx(waited_ms, abs=700)
    assert waited_ms >= 900
    assert new == old


def test_a_final_refusal_is_not_retried(page: Page, stage: Stage) -> None:
    """After 400 the events are let go; those that follow are sent."""
    stage.recorder.statuses.append(400)
    page.goto(stage.put_page("/page"))
    stage.recorder.wait_until(lambda: len(stage.recorder.posts()) == 1)
    page.evaluate("history.pushState(null, '', '/page/next')")
    stage.recorder.wait_for_events("page_view")
    assert [event["seq"] for event in stage.recorder.events("page_view")] == [2]


def test_the_pauses_between_retries_grow(page: Page, stage: Stage) -> None:
    """Each failure in a row makes the next attempt wait longer than the longest wait before."""
    stage.recorder.statuses.extend([503, 503, 503])
    page.goto(stage.put_page("/page"))
    stage.recorder.wait_for_events("page_view", timeout=30)
    times = [post.at_monotonic for post in stage.recorder.posts()]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    for pause, shortest_s in zip(pauses, (1, 2, 4), strict=True):
        assert shortest_s - 0.1 <= pause <= 2 * shortest_s + 5


def test_events_wait_while_offline_and_go_when_online(page: Page, stage: Stage) -> None:
    """What happens without a connection is sent once it is back, with its true age."""
    page.goto(stage.put_page("/page"))
    stage.recorder.wait_for_events("page_view")
    page.context.set_offline(True)
    with page.expect_event("requestfailed"):
        page.evaluate("history.pushState(null, '', '/page/offline')")
    assert len(stage.recorder.events("page_view")) == 1
    page.context.set_offline(False)
    view = stage.recorder.wait_for_events("page_view", 2)[1]
    assert view["url"].endswith("/page/offline")
    assert view["age_ms"] >= 500
    seqs = [event["seq"] for event in stage.recorder.events()]
    assert seqs == sorted(set(seqs))


def test_twenty_events_go_at_once(page: Page, stage: Stage) -> None:
    """A batch holds at most 20 events and does not wait for its second when it is full."""
    page.add_init_script("window.setTimeout = () => 0")  # no timer of the tag fires
    page.goto(stage.put_page("/app"))
    page.wait_for_function("window.hmaraSites")
    page.evaluate(PUSH, 10)
    stage.recorder.wait_until(lambda: len(stage.recorder.posts()) == 1)
    assert [event["seq"] for event in stage.recorder.events()] == list(range(20))


def test_the_queue_is_bounded_and_keeps_the_newest(page: Page, stage: Stage) -> None:
    """With the collector away 200 events are kept; the oldest go first, and the rest arrives."""
    stage.recorder.statuses.append(503)
    page.goto(stage.put_page("/app"))
    stage.recorder.wait_until(lambda: len(stage.recorder.posts()) == 1)
    page.evaluate(PUSH, 200)  # an end and a view each
    stage.recorder.wait_until(lambda: len(stage.recorder.events()) >= 200)
    seqs = [event["seq"] for event in stage.recorder.events()]
    assert seqs == list(range(201, 401))
    assert max(len(post.batch["events"]) for post in stage.recorder.posts()) == 20


def test_long_addresses_make_smaller_batches(page: Page, stage: Stage) -> None:
    """No body exceeds the collector's 64 KiB, and no address 2,048 characters."""
    page.goto(stage.put_page("/app"))
    page.evaluate(
        """() => {
          document.title = "ї".repeat(5000);
          for (let i = 0; i < 20; i++) history.pushState(null, "", `/${i}-${"x".repeat(4000)}`);
        }"""
    )
    views = stage.recorder.wait_for_events("page_view", 21)
    assert max(len(view["url"]) for view in views) == 2048
    assert max(len(view["title"]) for view in views) == 300
    assert max(len(post.body) for post in stage.recorder.posts()) <= 65_536


@pytest.mark.parametrize(
    "block",
    ["navigator.sendBeacon = () => false", "delete Navigator.prototype.sendBeacon"],
)
def test_a_blocked_beacon_loses_nothing(page: Page, stage: Stage, block: str) -> None:
    """Where sendBeacon is blocked or gone, a page that is left still says so."""
    page.add_init_script(block)
    page.goto(stage.put_page("/page"))
    page.wait_for_function("window.hmaraSites")
    page.goto("about:blank")
    stage.recorder.wait_for_events("page_end")
    assert [event["type"] for event in stage.recorder.events()] == ["page_view", "page_end"]
    assert stage.recorder.posts()[0].headers["content-type"] == "text/plain;charset=UTF-8"


def test_a_request_may_outlive_its_page(page: Page, stage: Stage) -> None:
    """Each request is made so that the browser goes on with it when its page is gone."""
    page.add_init_script(
        """
        window.kept = [];
        const fetch = window.fetch;
        window.fetch = (url, init) => { kept.push(init.keepalive); return fetch(url, init) };
        """
    )
    page.goto(stage.put_page("/page"))
    stage.recorder.wait_for_events("page_view")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    stage.recorder.wait_for_events("page_end")
    assert page.evaluate("kept") == [True, True]


def test_a_page_without_referrers_still_says_which_site_it_is(page: Page, stage: Stage) -> None:
    """Under Referrer-Policy: no-referrer every request has the site's origin, also at the end."""
    stage.site.page_headers["Referrer-Policy"] = "no-referrer"
    page.goto(stage.put_page("/page"))
    stage.recorder.wait_for_events("page_view")
    page.goto("about:blank")
    stage.recorder.wait_for_events("page_end")
    assert [post.headers["origin"] for post in stage.recorder.posts()] == [stage.site.url] * 2
    assert {post.headers["sec-fetch-mode"] for post in stage.recorder.posts()} == {"cors"}


def test_what_the_browser_refuses_as_too_much_is_sent_later(page: Page, stage: Stage) -> None:
    """Beyond 64 KiB at once in requests that outlive the page, the rest goes once it is shown."""
    page.goto(stage.put_page("/app"))
    stage.recorder.wait_for_events("page_view")
    stage.recorder.may_answer.clear()
    page.evaluate(
        """() => {
          for (let i = 0; i < 60; i++) history.pushState(null, "", `/${i}-${"x".repeat(1900)}`);
        }"""
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(HIDE, "hidden")
    stage.recorder.wait_until(lambda: len(stage.recorder.posts()) == 4)
    assert len(asked) > 10, "the others were refused by the browser itself"
    stage.recorder.may_answer.set()
    page.evaluate(HIDE, "visible")
    stage.recorder.wait_for_events("page_view", 61)
    seqs = [event["seq"] for event in stage.recorder.events()]
    assert sorted(seqs) == sorted(set(seqs))


def test_a_page_that_is_frozen_has_sent_what_it_had(page: Page, stage: Stage) -> None:
    """A hidden tab that is frozen, and may be discarded, sends first what came while it was hidden.

    The event is made by hand: a headless browser's page is never hidden, and only then freezes.
    """
    page.add_init_script("window.setTimeout = () => 0")  # no timer of the tag fires
    page.goto(stage.put_page("/page"))
    page.wait_for_function("window.hmaraSites")
    page.evaluate(HIDE, "hidden")
    page.evaluate("hmara('event', 'saved'); document.dispatchEvent(new Event('freeze'))")
    assert stage.recorder.wait_for_events("custom")[0]["name"] == "saved"


def test_clicks_made_just_before_leaving_arrive(page: Page, stage: Stage) -> None:
    """A click on a link to another page is sent with the page's end, although the page is gone."""
    stage.put_page("/next", head="")
    page.goto(stage.put_page("/page", "<a href='/next'>Next</a>"))
    page.wait_for_function("window.hmaraSites")
    page.click("a")
    stage.recorder.wait_until(lambda: len(stage.recorder.events()) == 3)
    events = sorted(stage.recorder.events(), key=lambda event: event["seq"])
    assert [event["type"] for event in events] == ["page_view", "click", "page_end"]


@pytest.mark.parametrize("head", ["", "<script>onpagehide = onvisibilitychange = () => 0</script>"])
def test_a_page_left_with_requests_under_way_sends_nothing_twice(
    page: Page, stage: Stage, head: str
) -> None:
    """Leaving a page before its last answer came does not repeat what was sent."""
    address = stage.put_page("/page", head=head + stage.snippet())
    stage.put_page("/next", head="")
    page.goto(address)
    stage.recorder.may_answer.clear()
    stage.recorder.wait_for_events("page_view")
    page.goto(f"{stage.site.url}/next")
    stage.recorder.wait_for_events("page_end")
    stage.recorder.may_answer.set()
    # Whatever the page left behind comes before the events of a page that is opened later.
    page.goto(address)
    stage.recorder.wait_for_events("page_view", 2)
    ids = [(event["page_load_id"], event["seq"]) for event in stage.recorder.events()]
    assert len(ids) == len(set(ids)) == 3
