"""The cubes of plane A by name, each with the levels of its chain below the site-day.

No two cubes may split the same views by things that depend on each other, as how deep and how long
a page was read do: a page load that reports nothing has neither, so a cell of one cube would be
known to lie within a cell of the other, and they might differ by a few visitors. Such things make
one chain.
"""

from __future__ import annotations

from typing import Final

CUBES: Final = {
    "page": 1,
    "page_reading": 3,
    "source": 3,
    "device": 4,
    "place": 2,
    "session": 2,
    "click_path_1": 1,
    "click_path_2": 1,
    "click_path_3": 1,
    "heatmap": 3,
    "outbound": 2,
    "download": 2,
    "form": 1,
    "custom": 1,
    "resolution": 1,
    "language": 1,
    "keyboard": 1,
}
