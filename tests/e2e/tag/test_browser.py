"""What the tag says of the browser: the keyboard's class, a program at the wheel, GPC and DNT."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from streams.demo_site.visit import browser_arguments, find_browser
from tests.support.browser import HIDE

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.support.browser import Event, Stage

pytestmark = pytest.mark.browser

SIGNALS = {"keyboard", "webdriver", "gpc", "dnt", "consent", "choice"}


def say(name: str, value: str) -> str:
    """Return a script that makes a property of the navigator be `value`."""
    getter = f"{{get: () => {value}, configurable: true}}"
    return f"Object.defineProperty(Navigator.prototype, '{name}', {getter})"


def read_signals(page: Page, stage: Stage, *scripts: str) -> Event:
    """Return what the tag says of a browser in which `scripts` ran first."""
    for script in scripts:
        page.add_init_script(script)
    page.goto(stage.put_page("/page"))
    page.wait_for_function("window.hmaraSites")
    page.evaluate(HIDE, "hidden")  # sends at once
    stage.recorder.wait_for_events("page_view")
    batch = stage.recorder.posts()[0].batch
    return {key: batch[key] for key in SIGNALS & batch.keys()}


NOTHING = (say("keyboard", "undefined"), say("webdriver", "false"))


@pytest.mark.parametrize(
    ("scripts", "signals"),
    [
        ((), {}),
        ((say("globalPrivacyControl", "true"),), {"gpc": True}),
        ((say("globalPrivacyControl", "'1'"),), {"gpc": True}),
        ((say("globalPrivacyControl", "false"), say("doNotTrack", "'0'")), {}),
        ((say("doNotTrack", "'1'"),), {"dnt": True}),
        ((say("doNotTrack", "'unspecified'"),), {}),
        ((say("webdriver", "true"),), {"webdriver": True}),
    ],
)
def test_a_signal_is_sent_when_it_is_set(
    page: Page, stage: Stage, scripts: tuple[str, ...], signals: Event
) -> None:
    """GPC, DNT and webdriver are sent where the browser says so, and left out where it does not."""
    assert read_signals(page, stage, *NOTHING, *scripts) == signals


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ("qwerty", "qwerty"),
        ("qwertz", "qwertz"),
        ("azerty", "azerty"),
        ("',.pyf", "dvorak"),
        ("qwfpgj", "colemak"),
        ("qwfpbj", "colemak"),
        ("йцукен", "cyrillic"),
        ("qdrwbj", "other"),
        ("ضصثقفغ", "other"),
        ("", None),
    ],
)
def test_a_keyboard_has_a_class(page: Page, stage: Stage, row: str, name: str | None) -> None:
    """Of the keyboard its class is sent and no key; of an empty layout nothing."""
    keys = dict(zip(("KeyQ", "KeyW", "KeyE", "KeyR", "KeyT", "KeyY"), row, strict=False))
    layout = f"new Map(Object.entries({json.dumps(keys)}))"
    keyboard = f"({{getLayoutMap: () => Promise.resolve({layout})}})"
    told = read_signals(page, stage, NOTHING[1], say("keyboard", keyboard))
    assert told.get("keyboard") == name


@pytest.mark.parametrize(
    "keyboard",
    ["undefined", "({})", "({getLayoutMap: () => Promise.reject(new Error('not allowed'))})"],
)
def test_a_browser_that_does_not_tell_is_not_asked_twice(
    page: Page, stage: Stage, keyboard: str
) -> None:
    """Where the layout is not told, nothing is sent of it and the page sees no error."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.message))
    assert read_signals(page, stage, NOTHING[1], say("keyboard", keyboard)) == {}
    assert errors == []


def test_this_browsers_own_word(page: Page, stage: Stage) -> None:
    """Under test the browser says that a program drives it, and has a US keyboard."""
    assert read_signals(page, stage) == {"keyboard": "qwerty", "webdriver": True}


def test_a_browser_set_not_to_be_tracked_says_so(
    browser: Browser, stage: Stage, tmp_path: Path
) -> None:
    """With the browser's own setting, not a page's, `dnt` is sent."""
    settings = tmp_path / "Default" / "Preferences"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"enable_do_not_track": True}))
    context = browser.browser_type.launch_persistent_context(
        str(tmp_path), executable_path=find_browser(), args=browser_arguments()
    )
    told = read_signals(context.pages[0], stage)
    context.close()
    assert told["dnt"] is True
