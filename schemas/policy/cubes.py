"""The cubes of plane A by name, each with the levels of its chain below the site-day."""

from __future__ import annotations

from typing import Final

CUBES: Final = {
    "page": 1,
    "page_scroll": 2,
    "page_engagement": 2,
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
