"""What one salt says of a browser tells nothing under another salt."""

from __future__ import annotations

from itertools import combinations

import pytest

from tests.integration.salt.conftest import Aging, draw_browsers

pytestmark = pytest.mark.integration

BROWSERS = draw_browsers(100)
SEQS = 8
"""The row keys of one block: they come out of one hash."""
ROWS = """
SELECT site, site_day, seq, path, visitor_hash, page_load_hash, hit_key
FROM staging.hit FINAL WHERE site IN ({site:String}, concat({site:String}, '-b'))
"""
Place = tuple[object, object]
Pseudonyms = dict[tuple[str, object], int]
"""Pseudonyms of one place, by kind and by whose they are."""


def test_one_browser_on_two_sites_or_two_days_is_unrelated(aging: Aging) -> None:
    """Same address, agent and page load id: no pseudonym is repeated, nor differs in a set way.

    On one site and day all of them are, so that the rows of a retry are the rows of the original.
    """
    url, _ = aging.start_collector()
    loads = [f"{number:016x}" for number in range(1, len(BROWSERS) + 1)]
    for day in (1, 2):
        for site in (*aging.sites, *aging.sites):  # the second time is a retry
            for browser, load in zip(BROWSERS, loads, strict=True):
                events = [make_event(load, seq) for seq in range(SEQS)]
                aging.visit(url, browser, load, site=site, events=events)
        aging.end_day(day)
    aging.stack.wait_for_lag()
    places = read_places(aging)
    assert len(places) == 4, "two sites, two days"
    for one, other in combinations(places.values(), 2):
        assert one.keys() == other.keys()
        assert len(one) == len(BROWSERS) * (SEQS + 2)
        assert not set(one.values()) & set(other.values())
        check_unrelated(one, other)


def make_event(load: str, seq: int) -> dict[str, object]:
    """Return a page view whose path names its page load, to know its row again."""
    return {"type": "page_view", "seq": seq, "url": f"https://example.org/of/page-{int(load, 16)}"}


def read_places(aging: Aging) -> dict[Place, Pseudonyms]:
    """Return the pseudonyms of each site and day."""
    places: dict[Place, Pseudonyms] = {}
    rows = aging.stack.ask(ROWS)
    assert len(rows) == 4 * len(BROWSERS) * SEQS, "a retry adds no row"
    for site, day, seq, path, visitor, load, hit in rows:
        found = places.setdefault((site, day), {})
        for key, value in ((("visitor", path), visitor), (("load", path), load)):
            assert found.setdefault(key, int(str(value))) == value, "a browser is one visitor"
        found["hit", (path, seq)] = int(str(hit))
    return places


def check_unrelated(one: Pseudonyms, other: Pseudonyms) -> None:
    """Check that neither the bits nor the differences nor the order of one give the other's."""
    pairs = [(one[key], other[key]) for key in one]
    flips = [left ^ right for left, right in pairs]
    steps = [(left - right) % 2**64 for left, right in pairs]
    assert len(set(flips)) == len(set(steps)) == len(pairs)
    for place in range(64):
        share = sum(flip >> place & 1 for flip in flips) / len(flips)
        assert 0.35 < share < 0.65, f"bit {place} is flipped at random"  # 9 standard deviations
