"""What the tag reports of forms: that one was submitted and its name, nothing that is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import HIDE

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.browser import Stage

pytestmark = pytest.mark.browser

SECRET = "hunter2"
FIELDS = """
  <input name=name value=hunter2><input name=id type=hidden value=hunter2>
  <textarea name=getAttribute>hunter2</textarea><button name=send value=hunter2>Send</button>
"""
STAY = "document.addEventListener('submit', (event) => event.preventDefault())"


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ("name=letter id=other", "letter"),
        ("id=letter aria-label='Write to us'", "letter"),
        ("aria-label='Write \n to us'", "Write to us"),
        ("", None),
        ("name='ada@example.org'", None),
        (f"name={'x' * 300}", "x" * 100),
    ],
)
def test_a_submitted_form_has_the_name_its_author_gave(
    page: Page, stage: Stage, attributes: str, name: str | None
) -> None:
    """A form is reported by its name, id or label, whatever its fields are called and hold."""
    fields = FIELDS.replace("getAttribute", "letter")
    page.goto(stage.put_page("/page", f"<form {attributes}>{fields}</form>"))
    page.wait_for_function("window.hmaraSites")
    page.evaluate(STAY)
    page.fill("textarea", SECRET)
    page.press("input", "Enter")
    page.evaluate(HIDE, "hidden")  # sends at once
    (event,) = stage.recorder.wait_for_events("form_submit")
    assert event.get("form_name") == name
    assert all(SECRET.encode() not in post.body for post in stage.recorder.posts())


def test_the_browsers_submit_event_decides(page: Page, stage: Stage) -> None:
    """A form that a script sends by itself is reported; one that is invalid or feigned is not."""
    body = """
      <form id=invalid><input required><button>Send</button></form>
      <form id=feigned></form>
      <form id=scripted></form>
    """
    page.goto(stage.put_page("/page", body))
    page.wait_for_function("window.hmaraSites")
    page.evaluate(STAY)
    page.click("#invalid button")
    page.evaluate("document.getElementById('feigned').dispatchEvent(new Event('submit'))")
    page.evaluate("document.getElementById('scripted').requestSubmit()")
    assert [e["form_name"] for e in stage.recorder.wait_for_events("form_submit")] == ["scripted"]


def test_a_form_with_a_field_called_like_a_method_breaks_nothing(page: Page, stage: Stage) -> None:
    """A field that hides the form's own methods costs the event, not the page."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.message))
    page.goto(stage.put_page("/page", f"<form name=odd>{FIELDS}</form>"))
    page.wait_for_function("window.hmaraSites")
    page.evaluate(STAY)
    page.evaluate("document.querySelector('button').click()")
    page.evaluate("hmara('event', 'after')")
    stage.recorder.wait_for_events("custom")
    assert errors == []


def test_a_form_that_leads_to_another_page_is_reported_first(page: Page, stage: Stage) -> None:
    """The submit of a form that loads the next page is sent with the end of the page before."""
    stage.put_page("/next", head="")
    body = "<form name=search action=/next><input name=q value=hunter2><button>Go</button></form>"
    page.goto(stage.put_page("/page", body))
    page.wait_for_function("window.hmaraSites")
    page.click("button")
    stage.recorder.wait_for_events("page_end")
    events = sorted(stage.recorder.events(), key=lambda event: event["seq"])
    assert [event["type"] for event in events] == ["page_view", "click", "form_submit", "page_end"]
    assert all(SECRET.encode() not in post.body for post in stage.recorder.posts())
