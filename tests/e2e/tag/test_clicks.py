"""What the tag reports of clicks: the target's role and label and the place, never a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import HIDE

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.browser import Event, Stage

pytestmark = pytest.mark.browser

SECRET = "hunter2-4111111111111111"


def clicks_on(page: Page, stage: Stage, body: str, *selectors: str) -> list[Event]:
    """Click each of `selectors` on a page with `body`, and return the clicks reported."""
    page.goto(stage.put_page("/page", body))
    page.wait_for_function("window.hmaraSites")
    for selector in selectors:
        page.click(selector)
    page.evaluate(HIDE, "hidden")  # sends at once
    return stage.recorder.wait_for_events("click", len(selectors))


@pytest.mark.parametrize(
    ("element", "role", "label"),
    [
        ("<a id=t href='#x'>  Buy \n now </a>", "link", "Buy now"),
        ("<a href='#x'><span id=t>Buy</span> it</a>", "link", "Buy it"),
        ("<button id=t aria-label='Close the menu'>X</button>", "button", "Close the menu"),
        ("<div id=t role=menuitem tabindex=0>Print</div>", "menuitem", "Print"),
        ("<details><summary id=t>More</summary>text</details>", "button", "More"),
        ("<button id=t>" + "ok " * 40 + "</button>", "button", ("ok " * 40)[:80]),
        ("<button id=t>" + "x" * 79 + "😀</button>", "button", "x" * 79),
        ("<input id=t type=checkbox aria-label=News>", "checkbox", "News"),
        ("<input id=t type=submit value=Send onclick='return false'>", "button", None),
        ("<select id=t><option>Red</option></select>", "combobox", None),
        ("<main role=main aria-label=All><p id=t>text</p></main>", None, None),
        ("<a id=t>no link</a>", None, None),
        ("<a id=t href='mailto:ada@example.org'>Write to ada@example.org</a>", "link", None),
        ("<button id=t>" + "x" * 70 + " ada@example.org</button>", "button", None),
        ("<button id=t>@hmara</button>", "button", "@hmara"),
        ("<input id=t type=range>", "slider", None),
        ("<input id=t type=text role=none>", "textbox", None),
    ],
)
def test_a_click_names_its_target(
    page: Page, stage: Stage, element: str, role: str | None, label: str | None
) -> None:
    """A click carries the role and label of the closest thing that one can operate, if any."""
    (click,) = clicks_on(page, stage, element, "#t")
    assert (click.get("target_role"), click.get("target_label")) == (role, label)


def test_the_place_of_a_click_is_in_thousandths_of_the_page(page: Page, stage: Stage) -> None:
    """The coordinates are permille of the whole page, wherever it is scrolled to."""
    page.goto(stage.put_page("/page", "<style>*{margin:0}</style><p style='height:7200px'>tall"))
    page.wait_for_function("window.hmaraSites")
    page.evaluate("scrollTo(0, 3600)")
    page.mouse.click(320, 360)
    (click,) = stage.recorder.wait_for_events("click")
    assert (click["x_permille"], click["y_permille"]) == (250, 550)


def test_a_click_by_keyboard_has_no_place(page: Page, stage: Stage) -> None:
    """A button pressed with the Enter key is a click with a label and without coordinates."""
    page.goto(stage.put_page("/page", "<button id=t>Go</button>"))
    page.wait_for_function("window.hmaraSites")
    page.press("#t", "Enter")
    (click,) = stage.recorder.wait_for_events("click")
    assert click["target_label"] == "Go"
    assert not {"x_permille", "y_permille"} & click.keys()


def test_what_a_person_typed_is_never_sent(page: Page, stage: Stage) -> None:
    """Values of fields, and text that a person can edit, are in no request, however clicked."""
    body = f"""
      <form onsubmit="return false">
        <label for=name>Name</label><input id=name>
        <input id=password type=password><textarea id=letter></textarea>
        <input id=send type=submit value="{SECRET}">
        <select id=choice><option>{SECRET}</option></select>
      </form>
      <div id=editor contenteditable></div>
      <div id=note role=button tabindex=0><span contenteditable>{SECRET}</span></div>
      <div id=draft contenteditable><a href="#x">{SECRET}</a></div>
      <a id=card href="#x"><textarea>{SECRET}</textarea></a>
    """
    page.goto(stage.put_page("/page", body))
    page.wait_for_function("window.hmaraSites")
    for field in ("#name", "#password", "#letter", "#editor"):
        page.click(field)
        page.keyboard.type(SECRET)
        page.click(field)
    for target in ("#send", "#choice", "#note", "#draft a", "#card"):
        page.click(target)
    page.goto("about:blank")
    stage.recorder.wait_for_events("page_end")
    assert len(stage.recorder.events("click")) == 13
    sent = b"".join(post.body for post in stage.recorder.posts()).decode()
    assert SECRET not in sent
    assert "hunter2" not in sent


def test_a_click_on_a_label_is_one_click_on_its_control(page: Page, stage: Stage) -> None:
    """The click that a label passes on is reported once, as its control's."""
    body = "<label id=l>News <input type=checkbox></label><button id=b>Next</button>"
    clicks = clicks_on(page, stage, body, "#l", "#b")
    assert [click["target_role"] for click in clicks] == ["checkbox", "button"]
    assert len(stage.recorder.events("click")) == 2


def test_clicks_made_by_scripts_are_not_the_persons(page: Page, stage: Stage) -> None:
    """element.click() sends nothing; the person's next click does."""
    page.goto(stage.put_page("/page", "<button id=a>A</button><button id=b>B</button>"))
    page.wait_for_function("window.hmaraSites")
    page.evaluate("document.getElementById('a').click()")
    page.click("#b")
    labels = [click["target_label"] for click in stage.recorder.wait_for_events("click")]
    assert labels == ["B"]


def test_a_page_that_stops_its_clicks_does_not_hide_them(page: Page, stage: Stage) -> None:
    """A click whose propagation the page stops, and one in a shadow tree, are reported."""
    body = """
      <button id=stopped>Stop</button><div id=host></div>
      <script>
        document.getElementById("stopped").onclick = (event) => event.stopImmediatePropagation();
        const root = document.getElementById("host").attachShadow({mode: "open"});
        root.append(Object.assign(document.createElement("button"), {textContent: "Inside"}));
      </script>
    """
    clicks = clicks_on(page, stage, body, "#stopped", "#host button")
    assert [click["target_label"] for click in clicks] == ["Stop", "Inside"]
