"""The person's choice not to be measured: what keeps it, what it stops, and for how long."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.support.browser import HIDE, TAG_FILE, start_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

    from tests.support.browser import Stage

pytestmark = pytest.mark.browser

KEPT_S = 395 * 24 * 3600
SNIPPET = "window.hmara=window.hmara||function(){(hmara.q=hmara.q||[]).push(arguments)}"
TALK = """() => {
  hmara("event", "sold", {price: 3});
  hmara.consent({statistics: "granted"});
  history.pushState(null, "", "/page/next");
}"""


def open_page(page: Page, stage: Stage) -> None:
    """Open a page whose timers fire only when the test says so, and wait for its tag."""
    page.clock.install()
    page.goto(stage.put_page("/page", "<button>Go</button>"))
    page.wait_for_function("window.hmaraSites")


def serve_safely(page: Page, **attributes: str) -> None:
    """Answer for the hosts of shop.example, over https, with a page that carries the tag."""
    data = " ".join(f'data-{key}="{value}"' for key, value in attributes.items())
    html = f"<title>safe</title><script async src=/tag.js data-site=demo {data}></script>"

    def answer(route: Route) -> None:
        if route.request.url.endswith("/tag.js"):
            route.fulfill(path=TAG_FILE)
        else:
            route.fulfill(body=html, content_type="text/html")

    page.route("https://*.shop.example/**", answer)


def go_on(page: Page) -> None:
    """Do what is reported of others, let all timers fire, and leave."""
    page.click("button")
    page.evaluate(TALK)
    page.evaluate(HIDE, "hidden")
    page.evaluate(HIDE, "visible")
    page.clock.run_for(120_000)
    page.goto("about:blank")


def see_choice(page: Page) -> list[tuple[str, str]]:
    """Return every cookie's name and value."""
    return [(cookie["name"], cookie["value"]) for cookie in page.context.cookies()]


def test_after_opting_out_nothing_is_sent(page: Page, stage: Stage, browser: Browser) -> None:
    """hmara.optOut() drops what waits and ends every report, on this page and on every later."""
    open_page(page, stage)
    page.click("button")
    page.evaluate("hmara.optOut()")
    assert see_choice(page) == [("hmara_choice", "out")]
    go_on(page)
    for _ in range(2):
        open_page(page, stage)
        go_on(page)
    stage.see_another_visitor(browser)
    assert stage.recorder.posts() == []


def test_the_control_without_a_choice(page: Page, stage: Stage) -> None:
    """The same steps without the choice send every event: the silence above is the choice's."""
    open_page(page, stage)
    go_on(page)
    stage.recorder.wait_for_events("page_end", 2)
    kinds = {event["type"] for event in stage.recorder.events()}
    assert kinds >= {"page_view", "click", "custom", "page_end"}
    assert see_choice(page) == []


def test_the_choice_is_one_cookie_that_is_not_prolonged(page: Page, stage: Stage) -> None:
    """The cookie is first-party, for 395 days from the click, and no later visit rewrites it."""
    open_page(page, stage)
    before = time.time()
    page.evaluate("hmara.optOut()")
    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["value"], cookie["path"]) == ("hmara_choice", "out", "/")
    assert (cookie["sameSite"], cookie["secure"], cookie["httpOnly"]) == ("Lax", False, False)
    assert cookie["domain"] == urlsplit(stage.site.url).hostname
    assert 0 <= cookie["expires"] - before - KEPT_S <= 60

    # Set earlier, as if a month had gone by: a later visit and a later click leave it so.
    expires = cookie["expires"] - 30 * 24 * 3600
    page.context.add_cookies(
        [{"name": "hmara_choice", "value": "out", "url": stage.site.url, "expires": expires}]
    )
    (old,) = page.context.cookies()
    open_page(page, stage)
    go_on(page)
    assert page.context.cookies() == [old]


def test_the_cookie_is_secure_where_the_page_is(page: Page) -> None:
    """On an https page the choice is kept as a Secure cookie."""
    serve_safely(page)
    page.goto("https://www.shop.example/page")
    page.wait_for_function("window.hmaraSites")
    page.evaluate("hmara.optOut()")
    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["secure"]) == ("hmara_choice", True)


@pytest.mark.parametrize(
    ("domain", "kept_for"),
    [("shop.example", ".shop.example"), ("other.example", "www.shop.example")],
)
def test_subdomains_share_the_choice_if_the_page_says_so(
    page: Page, domain: str, kept_for: str
) -> None:
    """data-domain keeps the choice for a domain; one that is not the page's is not obeyed."""
    serve_safely(page, domain=domain)
    page.goto("https://www.shop.example/page")
    page.wait_for_function("window.hmaraSites")
    page.evaluate("hmara.optOut()")
    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["domain"]) == ("hmara_choice", kept_for)
    page.goto("https://blog.shop.example/page")
    assert page.evaluate("document.cookie") == ("hmara_choice=out" if domain in kept_for else "")


def test_a_choice_made_before_the_tag_has_loaded_is_kept(
    page: Page, stage: Stage, browser: Browser
) -> None:
    """hmara('optOut') in the queue ends the tag before its first request."""
    page.clock.install()
    head = f"<script>{SNIPPET}; hmara('event', 'early'); hmara('optOut')</script>"
    page.goto(stage.put_page("/page", "<button>Go</button>", head=head + stage.snippet()))
    page.wait_for_function("window.hmaraSites")
    assert see_choice(page) == [("hmara_choice", "out")]
    go_on(page)
    stage.see_another_visitor(browser)
    assert stage.recorder.posts() == []


@pytest.mark.parametrize("way", ["opened", "clicked", "pushed"])
def test_the_opt_out_link_does_what_the_button_does(
    page: Page, stage: Stage, browser: Browser, way: str
) -> None:
    """An address that ends in #hmara-optout opts out: opened, clicked, or pushed by a script."""
    page.clock.install()
    address = stage.put_page("/page", "<button>Go</button><a href='#hmara-optout'>No</a>")
    page.goto(address + ("#hmara-optout" if way == "opened" else ""))
    page.wait_for_function("window.hmaraSites")
    if way == "clicked":
        page.click("a")
    if way == "pushed":
        page.evaluate("history.pushState(null, '', '#hmara-optout')")
    page.wait_for_function("document.cookie === 'hmara_choice=out'")
    go_on(page)
    stage.see_another_visitor(browser)
    assert stage.recorder.posts() == []


@pytest.mark.parametrize("fragment", ["#hmara-optout2", "#HMARA-OPTOUT", "#x#hmara-optout"])
def test_another_fragment_is_no_choice(page: Page, stage: Stage, fragment: str) -> None:
    """Only the exact fragment opts out."""
    page.goto(stage.put_page("/page") + fragment)
    stage.recorder.wait_for_events("page_view")
    assert see_choice(page) == []


@pytest.mark.parametrize("value", ["hmara_choice=in", "hmara_choice=outside", "x_hmara_choice=out"])
def test_another_cookie_is_no_choice(page: Page, stage: Stage, value: str) -> None:
    """A cookie of another name or value does not stop the tag."""
    name, _, content = value.partition("=")
    page.context.add_cookies([{"name": name, "value": content, "url": stage.site.url}])
    page.goto(stage.put_page("/page"))
    stage.recorder.wait_for_events("page_view")


def test_another_tab_falls_silent_when_it_is_shown_again(
    page: Page, stage: Stage, browser: Browser
) -> None:
    """A tab that was open already learns of the choice as the person comes back to it."""
    page.clock.install()
    page.goto(stage.put_page("/page", "<button>Go</button>"))
    page.wait_for_function("window.hmaraSites")
    page.clock.run_for(2_000)
    stage.recorder.wait_for_events("page_view")
    page.evaluate(HIDE, "hidden")
    stage.recorder.wait_for_events("page_end")
    other = page.context.new_page()
    other.clock.install()
    other.goto(f"{stage.site.url}/page")
    other.wait_for_function("window.hmaraSites")
    other.evaluate("hmara.optOut()")
    before = len(stage.recorder.posts())
    page.evaluate(HIDE, "visible")
    go_on(page)
    stage.see_another_visitor(browser)
    assert len(stage.recorder.posts()) == before


def test_a_page_from_the_cache_learns_of_the_choice(browser: Browser, stage: Stage) -> None:
    """A page that the browser kept, and shows again after the choice, sends nothing more."""
    first = stage.put_page("/first", "<a href='/second'>on</a><button>Go</button>")
    stage.put_page("/second")
    with closing(start_browser(browser.browser_type, with_back_forward_cache=True)) as keeping:
        page = keeping.new_page()
        page.goto(first)
        page.evaluate("window.isFirstLoad = true")
        stage.recorder.wait_for_events("page_view", 1)
        page.click("a")
        stage.recorder.wait_for_events("page_view", 2)
        page.evaluate("hmara.optOut()")
        before = len(stage.recorder.posts())
        # Not go_back(): it waits for signs of a page load, and there is none.
        page.evaluate("setTimeout(() => history.back())")
        page.wait_for_function("window.isFirstLoad")
        page.click("button")
        page.goto("about:blank")
        stage.see_another_visitor(browser)
    assert len(stage.recorder.posts()) == before


def test_one_choice_silences_two_sites_tags(page: Page, stage: Stage, browser: Browser) -> None:
    """With tags of two sites on a page the person's click ends both."""
    page.clock.install()
    head = stage.snippet() + stage.snippet(site="other")
    page.goto(stage.put_page("/page", "<button>Go</button>", head=head))
    page.wait_for_function("window.hmaraSites?.length === 2")
    page.evaluate("hmara.optOut()")
    go_on(page)
    stage.see_another_visitor(browser)
    assert stage.recorder.posts() == []
