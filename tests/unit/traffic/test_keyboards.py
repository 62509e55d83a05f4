"""Keyboard classes: who tells of one, and which."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest

from streams.collector.payload import Keyboard
from streams.traffic.keyboards import find_keyboard
from streams.traffic.user_agents import UserAgentRow

CHROMIUM = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SHARES = [place / 1_000 for place in range(1_000)]


def row(user_agent: str, device: str = "desktop") -> UserAgentRow:
    """Return a browser."""
    return UserAgentRow(user_agent, 1.0, 1920, 1080, 1280, 720, "en-US", device)


@pytest.mark.parametrize("silent", [row(FIREFOX), row(CHROMIUM, "mobile"), row(CHROMIUM, "tablet")])
def test_only_chromium_on_a_desktop_tells_of_its_keyboard(silent: UserAgentRow) -> None:
    """Other browsers and small devices are not collected."""
    assert {find_keyboard(silent, "de-DE", share) for share in SHARES} == {""}


@pytest.mark.parametrize(
    ("language", "usual"),
    [
        ("uk-UA", "cyrillic"),
        ("de-DE", "qwertz"),
        ("fr-FR", "azerty"),
        ("fr-CA", "qwerty"),
        ("en-US", "qwerty"),
        ("tlh", "qwerty"),
    ],
)
def test_most_keyboards_are_those_of_the_language(language: str, usual: Keyboard) -> None:
    """More than six in ten have their language's layout, and a few have one of their own."""
    found = Counter(find_keyboard(row(CHROMIUM), language, share) for share in SHARES)
    assert found[usual] > 600
    assert min(found["colemak"], found["dvorak"], found["other"]) > 4
    assert set(found) <= set(get_args(Keyboard)) - {""}
