"""Which class of keyboard a browser tells of: Chromium does on a desktop, no other does at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streams.collector.payload import Keyboard
    from streams.traffic.user_agents import UserAgentRow

_OF_LANGUAGES: dict[str, Keyboard] = {
    "de": "qwertz", "cs": "qwertz", "sk": "qwertz", "hu": "qwertz", "sl": "qwertz", "hr": "qwertz",
    "fr-FR": "azerty", "fr-BE": "azerty",
    "uk": "cyrillic", "ru": "cyrillic", "bg": "cyrillic",
}  # fmt: skip
_RARE: tuple[tuple[float, Keyboard], ...] = (
    (0.006, "colemak"),
    (0.016, "dvorak"),
    (0.036, "other"),
)
"""Rising shares of those whose layout goes with no language."""
_LATIN_SHARE = 0.3
"""Of those who also write in another script, whose Latin layout is the one that is told."""


def find_keyboard(row: UserAgentRow, language: str, share: float) -> Keyboard:
    """Return the class; `share` in [0, 1) is the visitor's place among those of the language."""
    if row.device_category != "desktop" or "Chrome/" not in row.user_agent:
        return ""
    for limit, keyboard in _RARE:
        if share < limit:
            return keyboard
    found = _OF_LANGUAGES.get(language) or _OF_LANGUAGES.get(language.partition("-")[0], "qwerty")
    return "qwerty" if found == "cyrillic" and share > 1 - _LATIN_SHARE else found
