"""What the tag costs the page: work that does not grow with it. The figure is a benchmark's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.bench.tag_trace import kinds_of, measure, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.support.browser import Stage

pytestmark = pytest.mark.browser

# Two hundred times as large; work that grew with the page would be far beyond ten times as much.
SMALL, LARGE = 100, 20_000


def test_a_click_costs_a_large_page_no_more_than_a_small_one(
    browser: Browser, stage: Stage
) -> None:
    """On 20,000 elements the tag's work for a click is less than ten times that on 100."""
    costs = []
    for paragraphs in (SMALL, LARGE):
        page = open_page(browser, stage, paragraphs)
        act = kinds_of(page)["click on nothing"]
        costs.append(measure(page, stage, "click", act, times=60))
        page.close()
    small, large = costs
    assert small.events >= 61 <= large.events, "each click, and the event that ends the series"
    assert small.total_us > 0, "the profiler sees the tag"
    assert small.calls_us, "and the trace does"
    assert large.total_us < 10 * small.total_us
