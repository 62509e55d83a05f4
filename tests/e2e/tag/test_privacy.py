"""What never leaves the page: typed text, values, keys, movement, addresses of people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.browser import Stage

pytestmark = pytest.mark.browser

PLANTED = "zebra"
ADDRESS = "ada@example.org"
FIELDS = ("text", "search", "email", "password", "tel", "url")
BODY = f"""
  <form name=letter id=form novalidate>
    {"".join(f"<input type={kind} id={kind} aria-label='A {kind}'>" for kind in FIELDS)}
    <textarea id=letter></textarea>
    <select id=choice><option>one<option value=zebra>zebra</select>
    <input type=hidden name=hidden value=zebra><input type=checkbox id=box value=zebra>
    <input type=radio id=radio name=zebra value=zebra><input type=range id=range value=33>
    <label id=label>zebra <input type=checkbox></label>
    <button id=send name=zebra value=zebra>Send</button>
  </form>
  <div id=editor contenteditable>zebra <a id=inside href="https://zebra.example/">zebra</a></div>
  <p id=said>zebra</p>
  <a id=mail href="mailto:{ADDRESS}?subject=zebra">Write to {ADDRESS}</a>
  <a id=call href="tel:+380441234567" title=zebra>Call us</a>
  <a id=link href="https://shop.example/cups?q=zebra#zebra" title=zebra>Cups</a>
  <button id=named>{ADDRESS} is here</button>
"""
STAY = "(type) => document.addEventListener(type, (event) => event.preventDefault())"


def use_every_field(page: Page) -> None:
    """Type into, choose from, click and submit everything that the page has."""
    for kind in (*FIELDS, "letter", "editor"):
        page.click(f"#{kind}")
        page.keyboard.type(PLANTED)
        page.dblclick(f"#{kind}")
    page.select_option("#choice", PLANTED)
    page.locator("#letter").press("Control+a")
    page.locator("#letter").press("Control+c")
    page.locator("#letter").press("Control+v")
    for target in ("box", "radio", "range", "label", "choice", "said", "inside"):
        page.click(f"#{target}")
    page.evaluate(STAY, "submit")
    page.click("#send")
    page.evaluate(STAY, "click")
    for target in ("mail", "call", "link", "named"):
        page.click(f"#{target}")


def test_what_a_person_enters_is_in_no_request(page: Page, stage: Stage) -> None:
    """After every kind of field was used no request has a value, a key or an address in it."""
    page.goto(stage.put_page("/page", BODY))
    page.wait_for_function("window.hmaraSites")
    use_every_field(page)
    page.evaluate("history.pushState({zebra: 1}, 'zebra', '/page/next')")
    page.goto("about:blank")
    stage.recorder.wait_for_events("page_end", 2)
    sent = [post.body.decode() + str(post.headers) for post in stage.recorder.posts()]
    assert any("Page /page" in text for text in sent), "a text that is sent is found"
    for planted in (PLANTED, ADDRESS, "mailto", "tel:", "380441234567"):
        assert not any(planted in text for text in sent), planted
    assert [e["form_name"] for e in stage.recorder.events("form_submit")] == ["letter"]
    assert [e["link"] for e in stage.recorder.events("outbound")] == ["https://shop.example/cups"]
    assert len(stage.recorder.events("click")) > 20


def test_moving_the_mouse_is_nothing_to_the_tag(page: Page, stage: Stage) -> None:
    """Movement makes no event and changes none: with and without it the same is sent."""
    sent = []
    for moves in (0, 50):
        page.clock.install()
        page.goto(stage.put_page("/page", "<p style='height:3000px'>tall"))
        page.wait_for_function("window.hmaraSites")
        for step in range(moves):
            page.mouse.move(100 + 5 * step, 100 + 3 * step)
        page.clock.run_for(60_000)
        page.goto("about:blank")
        for kind, count in (("engagement", 2), ("page_view", 1), ("page_end", 1)):
            stage.recorder.wait_for_events(kind, count)
        # By number, as the collector counts them: the moved clock also makes requests time out.
        events = {event["seq"]: event for event in stage.recorder.events()}
        sent.append([(seq, event["type"], sorted(event)) for seq, event in sorted(events.items())])
        stage.recorder.requests.clear()
    assert sent[0] == sent[1]
