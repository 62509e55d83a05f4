"""A salt that is lost in mid-day: what is then true of the hits, and of their visitors."""

from __future__ import annotations

import random
import secrets
from collections import defaultdict
from typing import Final

import pytest

from tests.integration.collector.page_loads import make_event
from tests.integration.salt.conftest import Aging, Browser, draw_browsers
from tests.support.services import STOP_S

pytestmark = pytest.mark.integration

PEOPLE: Final = 6
"""Of each page; twice as many pseudonyms would pass a k of ten."""
PAGES: Final = tuple(f"/page-{number}" for number in range(8))
HITS: Final = """
SELECT path, salt_segment, visitor_hash FROM staging.hit FINAL WHERE site = {site:String}
"""
Schedule = list[tuple[str, Browser]]


def test_visitors_within_the_largest_segment_are_a_lower_bound(aging: Aging) -> None:
    """After a loss a person is two pseudonyms, yet no segment has more of them than people came.

    Later events carry another segment, and a page that all saw before or after is counted right.
    """
    before, after = draw_schedules(random.Random(secrets.randbits(32)))
    url, collector = aging.start_collector()
    send(aging, url, before)
    (old,) = aging.read_secrets()
    collector.stop(STOP_S)
    aging.lose_salts()
    url, _ = aging.start_collector()
    send(aging, url, after)
    (new,) = aging.read_secrets()
    assert new.content != old.content
    aging.stack.wait_for_lag()
    found = read_segments(aging)
    assert len({segment for segments in found.values() for segment in segments}) == 2
    for page in PAGES:
        came = [{who for path, who in part if path == page} for part in (before, after)]
        counts = sorted(map(len, found[page].values()))
        assert counts == sorted(len(part) for part in came if part), "each within its segment"
        assert max(counts) <= len(came[0] | came[1]) == PEOPLE, "a lower bound"
        pseudonyms = set().union(*found[page].values())
        assert len(pseudonyms) == len(came[0]) + len(came[1]), "none of them tied to another"
    assert len(set().union(*found[PAGES[0]].values())) == 2 * PEOPLE, "the plain count fakes k"
    assert max(map(len, found[PAGES[1]].values())) == PEOPLE, "seen on one side only: exact"


def test_a_retry_across_a_loss_is_another_hit(aging: Aging) -> None:
    """The events of a page load that are sent before and after it are stored under both salts."""
    (browser,) = draw_browsers(1)
    url, collector = aging.start_collector()
    load = aging.visit(url, browser)
    assert aging.visit(url, browser, load) == load
    collector.stop(STOP_S)
    url, collector = aging.start_collector()
    aging.visit(url, browser, load)
    aging.stack.wait_for_lag()
    assert aging.stack.count() == 1, "a process that starts again finds the salt on tmpfs"
    collector.stop(STOP_S)
    aging.lose_salts()
    url, _ = aging.start_collector()
    aging.visit(url, browser, load)
    aging.stack.wait_for_lag()
    assert aging.stack.count() == 2


def draw_schedules(draw: random.Random) -> tuple[Schedule, Schedule]:
    """Return who sees which page before and after the loss, each page seen by `PEOPLE` in all.

    The first page is seen by all of them on both sides, the second before alone; of the others
    each person sees one side or both.
    """
    sides: tuple[Schedule, Schedule] = ([], [])
    people = iter(draw_browsers(len(PAGES) * PEOPLE))
    for page in PAGES:
        for _ in range(PEOPLE):
            person = next(people)
            seen = {PAGES[0]: (0, 1), PAGES[1]: (0,)}.get(page) or draw.choice([(0,), (1,), (0, 1)])
            for side in seen:
                sides[side].append((page, person))
    return sides


def send(aging: Aging, url: str, schedule: Schedule) -> None:
    """Send the page views of one side of the loss."""
    for page, person in schedule:
        aging.visit(url, person, events=[make_event(url=f"https://example.org{page}")])


def read_segments(aging: Aging) -> dict[str, dict[int, set[int]]]:
    """Return the visitors of each page and segment."""
    found: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for path, segment, visitor in aging.stack.ask(HITS):
        found[str(path)][int(str(segment))].add(int(str(visitor)))
    return found
