"""What a page may tell the tag by `hmara(…)`: events of its own, and consent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from streams.collector.payload import parse_payload

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.browser import Stage

pytestmark = pytest.mark.browser

SNIPPET = "window.hmara=window.hmara||function(){(hmara.q=hmara.q||[]).push(arguments)}"
BOUNDS = """() => {
  const many = Object.fromEntries(Array.from({length: 30}, (_, i) => ["k" + i, i]));
  hmara("event", "many", many);
  hmara("event", "n".repeat(500) + "\\ud800", {
    ["k".repeat(99)]: "v".repeat(999), "": 1, list: [1], nothing: null, nan: NaN, big: Infinity,
    when: new Date(0), call() {}, gone: undefined, symbol: Symbol("s"), int: 10n,
    text: "a\\ud800b", yes: true, no: false, zero: 0, part: 0.5,
  });
}"""
WRONG = """() => {
  for (const call of [[], ["event"], ["event", ""], ["event", 7], ["event", {}], ["nonsense"],
    ["consent"], ["consent", null], ["constructor", "x"], ["__proto__"], [null], [{}]]) {
    hmara(...call);
  }
  hmara("event", "good", null);
  hmara("event", "trap", new Proxy({}, {ownKeys() { throw new Error("trap") }}));
  hmara("event", "last", "no record");
}"""


def test_an_event_of_the_pages_own_has_a_name_and_properties(page: Page, stage: Stage) -> None:
    """hmara('event', …) is sent as it was at the call, with its name and plain properties."""
    page.goto(stage.put_page("/page"))
    page.wait_for_function("window.hmaraSites")
    page.evaluate(
        "const p = {price: 3.5, gift: true, size: 'L'}; hmara('event', 'sold', p); p.x = 1"
    )
    page.evaluate("hmara('event', 'opened')")
    sold, opened = stage.recorder.wait_for_events("custom", 2)
    assert (sold["name"], sold["properties"]) == ("sold", {"price": 3.5, "gift": True, "size": "L"})
    assert opened["name"] == "opened"
    assert "properties" not in opened
    assert sold["url"] == f"{stage.site.url}/page"


def test_calls_made_before_the_tag_has_loaded_are_heard(page: Page, stage: Stage) -> None:
    """With the queue's snippet a page calls at once; a function it held on to goes on working."""
    head = f"<script>{SNIPPET}; const held = hmara; hmara('event', 'early', {{n: 1}})</script>"
    page.goto(stage.put_page("/page", head=head + stage.snippet()))
    page.wait_for_function("window.hmaraSites")
    page.evaluate("held('event', 'late')")
    events = stage.recorder.wait_for_events("custom", 2)
    assert [event["name"] for event in events] == ["early", "late"]
    assert events[0]["seq"] == 1, "after the view of its page"


def test_properties_keep_the_collectors_bounds(page: Page, stage: Stage) -> None:
    """Too much is cut, what is no text, number or truth value is left out: the body is valid."""
    page.goto(stage.put_page("/page"))
    page.wait_for_function("window.hmaraSites")
    page.evaluate(BOUNDS)
    many, odd = stage.recorder.wait_for_events("custom", 2)
    assert many["properties"] == {f"k{i}": i for i in range(20)}
    assert odd["name"] == "n" * 100
    assert odd["properties"] == {
        "k" * 40: "v" * 200,
        "text": "ab",
        "yes": True,
        "no": False,
        "zero": 0,
        "part": 0.5,
    }
    for post in stage.recorder.posts():
        parse_payload(post.body)


def test_wrong_calls_are_without_effect(page: Page, stage: Stage) -> None:
    """No call, however wrong, throws into the page or makes the body invalid."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.message))
    page.goto(stage.put_page("/page"))
    page.wait_for_function("window.hmaraSites")
    page.evaluate(WRONG)
    names = [event["name"] for event in stage.recorder.wait_for_events("custom", 2)]
    assert names == ["good", "last"]
    assert errors == []
    for post in stage.recorder.posts():
        parse_payload(post.body)


def test_consent_is_carried_from_then_on(page: Page, stage: Stage) -> None:
    """What hmara.consent was told goes with later events, never with those before it."""
    page.goto(stage.put_page("/page"))
    page.wait_for_function("window.hmaraSites")
    page.evaluate("hmara('event', 'before'); hmara.consent({statistics: 'granted', ads: 'maybe'})")
    page.evaluate(
        "hmara('event', 'between'); hmara('consent', {statistics: 'denied', Bad: 'granted'})"
    )
    page.evaluate("hmara('event', 'after')")
    stage.recorder.wait_for_events("custom", 3)
    told = {
        event["name"]: post.batch.get("consent")
        for post in stage.recorder.posts()
        for event in post.batch["events"]
        if event["type"] == "custom"
    }
    assert told == {
        "before": None,
        "between": {"statistics": "granted", "ads": "denied"},
        "after": {"statistics": "denied", "ads": "denied"},
    }
    assert len({event["page_load_id"] for event in stage.recorder.events()}) == 1


def test_consent_given_before_the_tag_is_part_of_the_next_view(page: Page, stage: Stage) -> None:
    """A retry repeats the consent under which the event happened; a queued call is heard."""
    stage.recorder.statuses.append(503)
    head = f"<script>{SNIPPET}; hmara('consent', {{statistics: 'granted'}})</script>"
    page.goto(stage.put_page("/page", head=head + stage.snippet()))
    page.wait_for_function("window.hmaraSites")
    page.evaluate("hmara('event', 'sold')")
    stage.recorder.wait_for_events("custom")
    bodies = [json.loads(post.body) for post in stage.recorder.posts()]
    consents = {e["type"]: b.get("consent") for b in bodies for e in b["events"]}
    assert consents["custom"] == {"statistics": "granted"}


def test_two_sites_tags_both_hear_the_page(page: Page, stage: Stage) -> None:
    """Calls before, between and after the loading of two sites' tags reach both, once each."""
    page.goto(stage.put_page("/page", head=f"<script>{SNIPPET}; hmara('event', 'one')</script>"))
    add = """([src, site]) => new Promise((resolve) => {
      const script = Object.assign(document.createElement("script"), {src, onload: resolve});
      script.dataset.site = site;
      document.head.append(script);
    })"""
    page.evaluate(add, [f"{stage.collector.url}/tag.js", "first"])
    page.evaluate("hmara('event', 'two')")
    page.evaluate(add, [f"{stage.collector.url}/tag.js", "second"])
    page.evaluate("hmara('event', 'three')")
    stage.recorder.wait_for_events("custom", 6)
    names: dict[str, list[str]] = {"first": [], "second": []}
    for post in stage.recorder.posts():
        names[post.batch["site"]] += [e["name"] for e in post.batch["events"] if "name" in e]
    assert names == {"first": ["one", "two", "three"], "second": ["one", "two", "three"]}


def test_the_control_of_the_bounds() -> None:
    """The collector's decoder refuses what the tag leaves out."""
    event = {"type": "custom", "seq": 0, "url": "http://x/", "name": "n", "properties": {"": 1}}
    body = {"site": "demo", "page_load_id": "0" * 16, "events": [event]}
    with pytest.raises(msgspec.ValidationError):
        parse_payload(json.dumps(body).encode())
