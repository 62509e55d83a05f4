"""Visits of past days: the same every time, inside their day, and with all that a tag tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from streams.collector.payload import (
    Click,
    Custom,
    Download,
    Engagement,
    Event,
    FormSubmit,
    Outbound,
    PageEnd,
    PageView,
)
from streams.collector.sites import Site
from streams.traffic.past_visits import BackfillPlan, PastVisits, Visit
from streams.traffic.user_agents import UserAgentRow

ZONE = ZoneInfo("Europe/Kyiv")
ORIGIN = "https://shop.example"
SITE = Site("shop", frozenset({ORIGIN}), ZONE, synthetic=True)
DAY = date(2025, 9, 30)
PLAN = BackfillPlan(SITE, (DAY,), 1_000, 1)
SHARES: dict[type[Event], tuple[float, float]] = {
    Engagement: (0.2, 0.4),
    PageView: (0.15, 0.3),
    PageEnd: (0.15, 0.3),
    Click: (0.15, 0.3),
    Outbound: (0.008, 0.03),
    Download: (0.005, 0.02),
    FormSubmit: (0.004, 0.02),
    Custom: (0.007, 0.03),
}


def draw(plan: BackfillPlan, user_agents: Sequence[UserAgentRow], day: date = DAY) -> list[Visit]:
    """Draw a day."""
    return [visit for block in PastVisits(plan, user_agents).draw(day) for visit in block]


@pytest.fixture(scope="module")
def visits(user_agents: tuple[UserAgentRow, ...]) -> list[Visit]:
    """A Tuesday of seed 1."""
    return draw(PLAN, user_agents)


def list_events(visits: Sequence[Visit]) -> list[Event]:
    """Return every event, in order."""
    return [event for visit in visits for post in visit.posts for event in post.events]


def test_the_same_seed_draws_the_same_visits(
    visits: list[Visit], user_agents: tuple[UserAgentRow, ...]
) -> None:
    """A second drawing of a seed and day equals the first, times and all."""
    assert draw(PLAN, user_agents) == visits


def test_a_day_does_not_hang_on_the_other_days(
    visits: list[Visit], user_agents: tuple[UserAgentRow, ...]
) -> None:
    """A plan of more days has the same visits on the day they share."""
    plan = replace(PLAN, days=(date(2025, 9, 29), DAY, date(2025, 10, 1)))
    assert draw(plan, user_agents) == visits


def test_more_visitors_are_more_visits(
    visits: list[Visit], user_agents: tuple[UserAgentRow, ...]
) -> None:
    """Each page load of a small day is one of the larger day, unchanged."""
    few = draw(replace(PLAN, visitors_per_day=300), user_agents)
    assert all(visit in visits for visit in few)


@pytest.mark.parametrize("change", ["seed", "day"])
def test_another_seed_or_day_has_other_page_loads(
    visits: list[Visit], user_agents: tuple[UserAgentRow, ...], change: str
) -> None:
    """No page load of one seed and day is one of another's."""
    plan = replace(PLAN, seed=2) if change == "seed" else PLAN
    others = draw(plan, user_agents, date(2025, 10, 1) if change == "day" else DAY)
    loads = [{post.page_load_id for v in some for post in v.posts} for some in (visits, others)]
    assert not loads[0] & loads[1]


def test_a_day_has_its_visitors_each_with_an_address_of_its_own(visits: list[Visit]) -> None:
    """A Tuesday has a tenth more than the average, no two share an address, some come twice."""
    visitors = [visit.visitor for visit in visits if not visit.is_return]
    assert len(visitors) == 1_100
    assert len({visitor.address for visitor in visitors}) == 1_100
    returns = [visit.visitor for visit in visits if visit.is_return]
    assert 0.08 < len(returns) / len(visitors) < 0.16
    assert set(returns) < set(visitors)


def test_each_type_has_its_share(visits: list[Visit]) -> None:
    """All eight types are there, each within plausible bounds."""
    counts = Counter(map(type, list_events(visits)))
    assert set(counts) == set(SHARES)
    for kind, (least, most) in SHARES.items():
        assert least < counts[kind] / counts.total() < most, kind


def test_whatever_happened_is_inside_the_day(user_agents: tuple[UserAgentRow, ...]) -> None:
    """Receipts and events lie between the site's midnights, on days of 23 and 25 hours too."""
    for day in (DAY, date(2025, 3, 30), date(2025, 10, 26)):
        for visit in draw(replace(PLAN, visitors_per_day=2_000), user_agents, day):
            for post in visit.posts:
                received_at = datetime.fromtimestamp(post.received_at_us / 1e6, UTC)
                oldest = datetime.fromtimestamp(
                    post.received_at_us / 1e6 - post.events[0].age_ms / 1e3, UTC
                )
                assert received_at.astimezone(ZONE).date() == day
                assert oldest.astimezone(ZONE).date() == day


def test_a_visit_goes_forward(visits: list[Visit]) -> None:
    """Events follow each other in the order of their numbers, over posts and page loads."""
    for visit in visits:
        moments = [
            post.received_at_us - event.age_ms * 1_000
            for post in visit.posts
            for event in post.events
        ]
        assert moments == sorted(moments)


def test_events_of_a_page_load_are_numbered_without_gaps(visits: list[Visit]) -> None:
    """`seq` runs from 0, and event 0 is a page view."""
    for visit in visits:
        loads: dict[int, list[Event]] = {}
        for post in visit.posts:
            loads.setdefault(post.page_load_id, []).extend(post.events)
        for events in loads.values():
            assert [event.seq for event in events] == list(range(len(events)))
            assert isinstance(events[0], PageView)


def test_a_click_comes_before_where_it_leads(visits: list[Visit]) -> None:
    """Each outbound link and each download follows its click; a file lies on the site itself."""
    events = list_events(visits)
    for before, event in pairwise(events):
        if isinstance(event, Outbound | Download):
            assert isinstance(before, Click)
            assert event.link.startswith(ORIGIN) == isinstance(event, Download)
