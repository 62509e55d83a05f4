"""How events reach the collector: in batches, again after a failure, and as the page is left."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import HANG_UP

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
    assert view["age_ms"] >= 1000
    seqs = [event["seq"] for event in stage.recorder.events()]
    assert seqs == sorted(set(seqs))


def test_twenty_events_go_at_once(page: Page, stage: Stage) -> None:
    """A batch holds at most 20 events and does not wait for its second when it is full."""
    page.clock.install()  # and never moved: no timer of the tag fires
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


def test_a_page_without_fetch_is_left_by_beacon(page: Page, stage: Stage) -> None:
    """Where fetch throws, the events still go, by sendBeacon."""
    page.add_init_script("window.fetch = () => { throw new Error('blocked') }")
    page.goto(stage.put_page("/page"))
    page.wait_for_function("window.hmaraSites")
    page.goto("about:blank")
    stage.recorder.wait_for_events("page_end")
    assert [event["type"] for event in stage.recorder.events()] == ["page_view", "page_end"]
    (post,) = stage.recorder.posts()
    assert post.headers["sec-fetch-mode"] == "no-cors"
    assert post.headers["content-type"] == "text/plain;charset=UTF-8"


def test_requests_that_outlive_their_page_stay_within_the_quota(page: Page, stage: Stage) -> None:
    """Beyond 64 KiB under way at once, what is left at page hide goes by beacon, not by fetch."""
    page.add_init_script(
        """
        window.used = {keepalive: 0, beacon: 0};
        window.fetch = (_, {body, keepalive}) => {
          if (keepalive) used.keepalive += body.length;
          return new Promise(() => {});
        };
        navigator.sendBeacon = (_, body) => { used.beacon += body.length; return true };
        """
    )
    page.goto(stage.put_page("/app"))
    page.wait_for_function("window.hmaraSites")
    page.evaluate(
        """() => {
          for (let i = 0; i < 60; i++) history.pushState(null, "", `/${i}-${"x".repeat(1900)}`);
          dispatchEvent(new PageTransitionEvent("pagehide"));
        }"""
    )
    used = page.evaluate("used")
    assert 40_000 < used["keepalive"] <= 65_536
    assert used["beacon"] > 40_000


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
