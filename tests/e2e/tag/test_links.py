"""What the tag reports of links that lead away: to another host, or to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import HIDE

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.browser import Event, Stage

pytestmark = pytest.mark.browser

STAY = "document.addEventListener('click', (event) => event.preventDefault())"


def follow(page: Page, stage: Stage, body: str) -> list[Event]:
    """Click #t on a page that stays where it is, and return what was reported besides the click."""
    page.goto(stage.put_page("/page", body))
    page.wait_for_function("window.hmaraSites")
    page.evaluate(STAY)
    page.click("#t")
    page.evaluate(HIDE, "hidden")  # sends at once
    stage.recorder.wait_for_events("click")
    return [e for e in stage.recorder.events() if e["type"] in {"outbound", "download"}]


@pytest.mark.parametrize(
    ("link", "kind", "address"),
    [
        ("href='https://shop.example/cups?id=7#red'", "outbound", "https://shop.example/cups"),
        ("href='https://ada:pw@shop.example/a'", "outbound", "https://shop.example/a"),
        ("href='//other.example'", "outbound", "http://other.example/"),
        ("href='https://shop.example/list.PDF?x=1'", "download", "https://shop.example/list.PDF"),
        ("href='/files/list.xlsx?token=1'", "download", "{site}/files/list.xlsx"),
        ("href='/report' download='ada.csv'", "download", "{site}/report"),
        (f"href='https://shop.example/{'x' * 3000}'", "outbound", "https://shop.example/{x}"),
    ],
)
def test_a_link_that_leads_away_is_reported_without_its_query(
    page: Page, stage: Stage, link: str, kind: str, address: str
) -> None:
    """A link to another host is outbound, one to a file a download; its query is not sent."""
    (event,) = follow(page, stage, f"<a {link}><b id=t>Go</b></a>")
    expected = address.format(site=stage.site.url, x="x" * (2048 - len("https://shop.example/")))
    assert (event["type"], event["link"]) == (kind, expected)
    assert event["url"] == f"{stage.site.url}/page"


@pytest.mark.parametrize(
    "link",
    [
        "href='/within'",
        "href='#part'",
        "href='mailto:ada@example.org'",
        "href='tel:+380441234567'",
        "href='javascript:void(0)'",
        "href='data:text/plain,ada' download='ada.txt'",
        "href='/version/1.2'",
        "href='/file.pdf/'",
        "name=anchor",
    ],
)
def test_other_links_are_clicks_and_no_more(page: Page, stage: Stage, link: str) -> None:
    """A link within the site, and one to a person or a script, is neither outbound nor download."""
    assert follow(page, stage, f"<a id=t {link}>Go</a>") == []
    sent = b"".join(post.body for post in stage.recorder.posts())
    assert not any(part in sent for part in (b"mailto", b"ada", b"tel:", b"380441234567"))


def test_a_link_that_somebody_is_writing_is_not_reported(page: Page, stage: Stage) -> None:
    """A link inside of what a person edits is the person's own text, and not sent."""
    body = "<p contenteditable><a id=t href='https://secret.example/ada.pdf'>mine</a></p>"
    assert follow(page, stage, body) == []
    assert all(b"secret" not in post.body for post in stage.recorder.posts())


def test_a_link_opened_in_a_new_tab_is_followed_too(page: Page, stage: Stage) -> None:
    """The middle button counts as a click; the menu of the right one does not."""
    page.goto(stage.put_page("/page", "<a id=t href='http://elsewhere.example/'>Go</a>"))
    page.wait_for_function("window.hmaraSites")
    page.evaluate("document.addEventListener('auxclick', (event) => event.preventDefault())")
    page.click("#t", button="right")
    page.click("#t", button="middle")
    (event,) = stage.recorder.wait_for_events("outbound")
    assert event["link"] == "http://elsewhere.example/"
    assert len(stage.recorder.events("click")) == 1


def test_an_outbound_link_is_reported_although_the_page_is_left(page: Page, stage: Stage) -> None:
    """The page that a link leads away from sends view, click, outbound and end, each once."""
    other = stage.put_page("/other", head="").replace("127.0.0.1", "localhost")
    page.goto(stage.put_page("/page", f"<a href='{other}?email=ada@example.org'>Go</a>"))
    page.wait_for_function("window.hmaraSites")
    page.click("a")
    stage.recorder.wait_for_events("page_end")
    events = sorted(stage.recorder.events(), key=lambda event: event["seq"])
    assert [event["type"] for event in events] == ["page_view", "click", "outbound", "page_end"]
    assert events[2]["link"] == other
