"""What the tag does not do to its host: store, load, break, count twice, or listen to keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streams.collector.payload import parse_payload

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.support.browser import Stage

pytestmark = pytest.mark.browser

# Counts every way in which a script can leave something on the device.
WATCH_STORAGE = """
  window.writes = [];
  const watch = (owner, name) => {
    if (!owner || !owner[name]) return;
    const original = owner[name];
    owner[name] = function (...args) { writes.push(name); return original.apply(this, args) };
  };
  watch(Storage.prototype, "setItem");
  watch(Storage.prototype, "getItem");
  watch(IDBFactory.prototype, "open");
  watch(globalThis.CacheStorage?.prototype, "open");
  watch(globalThis.CookieStore?.prototype, "set");
  watch(globalThis.StorageManager?.prototype, "getDirectory");
  watch(globalThis.ServiceWorkerContainer?.prototype, "register");
  const cookie = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  Object.defineProperty(Document.prototype, "cookie", {
    get() { writes.push("cookie read"); return cookie.get.call(this) },
    set(value) { writes.push("cookie"); cookie.set.call(this, value) },
  });
"""
WATCH_LISTENERS = """
  window.listened = new Set();
  const add = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (type, ...rest) {
    if (new Error().stack.includes("/tag.js")) listened.add(type);
    return add.call(this, type, ...rest);
  };
"""
LISTENED = (
    "auxclick blur click focus freeze hashchange input online pagehide pageshow pointerdown "
    "popstate scroll submit visibilitychange"
)
EVERYTHING = """
  <form name=letter><button>Go</button></form>
  <a id=away href="http://elsewhere.example/">Away</a>
  <a id=file href="/list.pdf">List</a>
"""
STAY = "(type) => document.addEventListener(type, (event) => event.preventDefault())"
REJECTING_KEYBOARD = """
  const keyboard = {getLayoutMap: () => Promise.reject(new Error("not allowed"))};
  Object.defineProperty(navigator, "keyboard", {value: keyboard});
"""
KINDS = "page_view click form_submit custom outbound download page_end engagement"


def use_the_page(page: Page, stage: Stage) -> None:
    """Make the tag do all that it does: each type of event."""
    page.goto(stage.put_page("/page", EVERYTHING, head=stage.snippet(ping_ms="1000")))
    page.wait_for_function("window.hmaraSites")
    page.evaluate(STAY, "submit")
    page.click("button")
    page.evaluate(STAY, "click")
    page.evaluate("hmara('event', 'sold', {price: 3}); hmara.consent({statistics: 'granted'})")
    page.click("#away")
    page.click("#file")
    page.evaluate("history.pushState(null, '', '/page/2')")
    stage.recorder.wait_for_events("engagement")
    kinds = {event["type"] for event in stage.recorder.events()}
    assert kinds == set(KINDS.split())
    for post in stage.recorder.posts():
        parse_payload(post.body)  # the collector takes each of them


def test_nothing_is_stored_on_the_device(page: Page, stage: Stage) -> None:
    """No cookie, web storage, IndexedDB, cache, file or worker is written; one cookie is sought."""
    page.add_init_script(WATCH_STORAGE)
    use_the_page(page, stage)
    assert page.evaluate("writes") == ["cookie read"], "the choice, once, as the page is opened"
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert page.evaluate("indexedDB.databases()") == []
    assert page.evaluate("navigator.storage.estimate().then((told) => told.usage)") == 0
    assert all("cookie" not in post.headers for post in stage.recorder.posts())

    # The watch itself works: a page that does write is seen.
    page.evaluate("localStorage.setItem('a', 'b'); document.cookie = 'c=d'")
    assert page.evaluate("writes") == ["cookie read", "setItem", "cookie"]


def test_cookies_of_the_collectors_host_are_not_sent(page: Page, stage: Stage) -> None:
    """A cookie that another service on the collector's host has set does not travel along."""
    page.context.add_cookies([{"name": "other", "value": "1", "url": stage.collector.url}])
    use_the_page(page, stage)
    assert len(page.context.cookies(stage.collector.url)) == 1
    assert all("cookie" not in post.headers for post in stage.recorder.posts())


def test_only_the_collector_is_called(page: Page, stage: Stage) -> None:
    """Besides the page itself, the script and its events are the only requests."""
    requests: list[tuple[str, str]] = []
    page.on("request", lambda request: requests.append((request.method, request.url)))
    use_the_page(page, stage)
    page.evaluate("0")  # lets the requests that were made meanwhile be told
    foreign = {pair for pair in requests if not pair[1].startswith(stage.site.url)}
    assert foreign == {
        ("GET", f"{stage.collector.url}/tag.js"),
        ("POST", f"{stage.collector.url}/v1/events"),
    }


def test_no_key_and_no_mouse_movement_is_listened_to(page: Page, stage: Stage) -> None:
    """The tag listens to a known, short list of events: no key, no movement, no clipboard."""
    page.add_init_script(WATCH_LISTENERS)
    use_the_page(page, stage)
    assert sorted(page.evaluate("[...listened]")) == LISTENED.split()


def test_two_tags_of_one_site_send_once(page: Page, stage: Stage) -> None:
    """Included twice for a site, the tag reports once; another site's tag reports its own."""
    head = stage.snippet() + stage.snippet() + stage.snippet(site="other")
    page.goto(stage.put_page("/page", "<button>Go</button>", head=head))
    page.wait_for_function("window.hmaraSites?.length === 2")
    page.click("button")
    page.goto("about:blank")
    stage.recorder.wait_for_events("page_end", 2)
    batches = [post.batch for post in stage.recorder.posts()]
    assert sorted(batch["site"] for batch in batches) == ["demo", "other"]
    assert len({batch["page_load_id"] for batch in batches}) == 2
    for batch in batches:
        kinds = [event["type"] for event in batch["events"]]
        assert kinds == ["page_view", "click", "page_end"]


def test_a_page_that_throws_is_still_measured(page: Page, stage: Stage) -> None:
    """A page whose own scripts and listeners throw sends what another page would send."""
    body = """
      <button>Go</button>
      <script>
        addEventListener("click", () => { throw new Error("the page's") }, true);
        throw new Error("the page's");
      </script>
    """
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.message))
    page.goto(stage.put_page("/page", body))
    page.wait_for_function("window.hmaraSites")
    page.click("button")
    stage.recorder.wait_for_events("click")
    assert errors == ["the page's", "the page's"]


@pytest.mark.parametrize(
    "damage",
    [
        "delete window.fetch; navigator.sendBeacon = undefined",
        "crypto.getRandomValues = () => { throw new Error('broken') }",
        "JSON.stringify = () => { throw new Error('broken') }",
        "Object.freeze(history)",
        "window.fetch = () => Promise.reject(new Error('broken'))",
        "window.fetch = () => 'no promise'",
        "delete AbortSignal.timeout",
        "Object.defineProperty(navigator, 'keyboard', {value: {getLayoutMap: () => 'none'}})",
        REJECTING_KEYBOARD,
        "window.hmara = {q: 7}",
        "Event.prototype.composedPath = () => { throw new Error('broken') }",
        "Array.prototype.includes = () => { throw new Error('broken') }",
    ],
)
def test_a_tag_that_breaks_does_not_break_the_page(page: Page, stage: Stage, damage: str) -> None:
    """Whatever is missing or broken in the browser, no error of the tag reaches the page."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.message))
    page.add_init_script(damage)
    page.goto(stage.put_page("/page", "<button>Go</button>", head=stage.snippet(ping_ms="1000")))
    with page.expect_response("**/tag.js"):
        page.reload()
    page.click("button")
    page.evaluate("history.pushState(null, '', '/page/2')")
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 1500))")  # the tag's timers too
    page.goto("about:blank")
    assert errors == []


@pytest.mark.parametrize(
    "hardening",
    [
        """for (const type of [Object, Array, Function, Promise, EventTarget, Event, History])
             Object.freeze(type.prototype)""",
        "Object.freeze(history)",
        """for (const type of ["click", "submit", "visibilitychange", "pagehide", "scroll"])
             for (const target of [window, document])
               target.addEventListener(type, (event) => event.stopPropagation())""",
        "history.pushState = history.replaceState = () => {}",
    ],
)
def test_a_hardened_page_is_still_measured(page: Page, stage: Stage, hardening: str) -> None:
    """Frozen prototypes, a frozen history and stopped events hide no event and cause no error."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.message))
    page.add_init_script(hardening)
    page.goto(stage.put_page("/page", EVERYTHING))
    page.wait_for_function("window.hmaraSites")
    page.evaluate(STAY, "submit")
    page.click("button")
    page.evaluate("hmara('event', 'sold', {price: 3})")
    page.evaluate("location.hash = '#/next'")
    page.goto("about:blank")
    stage.recorder.wait_for_events("page_end", 2)
    events = sorted(stage.recorder.events(), key=lambda event: event["seq"])
    kinds = ["page_view", "click", "form_submit", "custom", "page_end", "page_view", "page_end"]
    assert [event["type"] for event in events] == kinds
    assert errors == []


@pytest.mark.parametrize("attributes", [{"site": ""}, {"endpoint": "http://["}])
def test_a_wrong_snippet_does_nothing(page: Page, stage: Stage, attributes: dict[str, str]) -> None:
    """Without a site's id, or with an address that is none, the tag is silent and sends nothing."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.message))
    page.goto(stage.put_page("/page", head=stage.snippet(**attributes)))
    page.wait_for_load_state("networkidle")
    page.goto(stage.put_page("/good"))
    stage.recorder.wait_for_events("page_view")
    assert {event["url"] for event in stage.recorder.events()} == {f"{stage.site.url}/good"}
    assert errors == []


def test_the_tag_reads_the_same_in_every_encoding(built_tag: Path) -> None:
    """The script is plain ASCII, so that a page of another encoding runs it as well."""
    assert built_tag.read_bytes().isascii()


def test_a_strict_policy_is_enough(page: Page, stage: Stage) -> None:
    """Under a policy that allows scripts and requests of the collector only, nothing is blocked."""
    stage.demand_strict_policy()
    page.add_init_script(
        """
        window.violations = [];
        addEventListener("securitypolicyviolation", (event) => {
          violations.push(event.effectiveDirective + " " + event.blockedURI);
        });
        """
    )
    use_the_page(page, stage)
    assert page.evaluate("violations") == []
    page.evaluate("document.head.append(document.createElement('style'))")
    page.evaluate("document.querySelector('style').textContent = 'p {}'")
    page.wait_for_function("violations.length")  # the watch itself works


def test_another_endpoint_can_be_named(page: Page, stage: Stage) -> None:
    """data-endpoint sends the events elsewhere; a path is one of the tag's own origin."""
    head = stage.snippet(endpoint="/proxied/events")
    page.goto(stage.put_page("/page", head=head))
    stage.recorder.wait_for_events("page_view")
    assert [post.path for post in stage.recorder.posts()] == ["/proxied/events"]
