"""Generated traffic: seeded to the byte, exact in number, and as a tag would send it."""

from __future__ import annotations

from collections import Counter, defaultdict
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collector.channels import Channels
from streams.collector.pages import Address, split_url
from streams.collector.payload import (
    Click,
    Custom,
    Download,
    Engagement,
    FormSubmit,
    Outbound,
    PageEnd,
    PageView,
    parse_payload,
)
from streams.traffic.catalogue import SOURCES, Catalogue
from streams.traffic.dice import Dice
from streams.traffic.generate import Post, TrafficPlan, generate_posts, take_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.collector.payload import Payload
    from streams.traffic.user_agents import UserAgentRow

USUAL = (PageView, Click, Engagement, PageEnd)
RARE = (Outbound, Download, FormSubmit, Custom)
CHANNELS = {"direct", "search", "social", "email", "campaign", "assistant", "referral"}
NOWHERE = Address("", "", "", "", "")
PLAN = TrafficPlan(site="demo", origin="http://127.0.0.1:8081", seed=1)


@pytest.fixture(scope="module")
def posts(user_agents: tuple[UserAgentRow, ...]) -> Sequence[Post]:
    """The first 8,000 posts of seed 1."""
    return list(islice(generate_posts(PLAN, user_agents), 8_000))


@pytest.fixture(scope="module")
def payloads(posts: Sequence[Post]) -> Sequence[Payload]:
    """The same, as the collector reads them; it refuses what breaks the contract."""
    return [parse_payload(post.body()) for post in posts]


def _digest(plan: TrafficPlan, user_agents: Sequence[UserAgentRow]) -> str:
    digest = sha256()
    for post in islice(generate_posts(plan, user_agents), 500):
        digest.update(post.body())
        digest.update(repr(post.visitor).encode())
    return digest.hexdigest()


def test_the_same_seed_makes_the_same_bytes(user_agents: tuple[UserAgentRow, ...]) -> None:
    """Bodies and headers of two runs of one seed are equal byte by byte."""
    assert _digest(PLAN, user_agents) == _digest(PLAN, user_agents)


def test_another_seed_makes_other_page_loads(user_agents: tuple[UserAgentRow, ...]) -> None:
    """Two seeds have no page load in common."""
    other = TrafficPlan(PLAN.site, PLAN.origin, 2)
    ids = [
        {parse_payload(post.body()).page_load_id for post in islice(made, 500)}
        for made in (generate_posts(PLAN, user_agents), generate_posts(other, user_agents))
    ]
    assert not ids[0] & ids[1]


@given(count=st.integers(1, 4_000))
def test_exactly_so_many_events_are_taken(posts: Sequence[Post], count: int) -> None:
    """Whatever the number, the posts taken hold just so many events, and none is empty."""
    taken = list(take_events(iter(posts), count))
    assert sum(len(post.events) for post in taken) == count
    assert all(post.events for post in taken)


def test_a_cut_post_keeps_its_first_events(posts: Sequence[Post]) -> None:
    """The last post is cut at its end, so that what is left is still in order."""
    long = next(post for post in posts if len(post.events) > 3)
    (cut,) = take_events(iter([long]), 2)
    assert parse_payload(cut.body()).events == parse_payload(long.body()).events[:2]


def test_events_of_a_page_load_are_numbered_without_gaps(payloads: Sequence[Payload]) -> None:
    """`seq` runs from 0 through the posts of a page load, in the order they are sent."""
    seen: dict[str, list[int]] = defaultdict(list)
    for payload in payloads:
        seen[payload.page_load_id] += [event.seq for event in payload.events]
    assert all(numbers == list(range(len(numbers))) for numbers in seen.values())


def test_ages_fall_within_a_post(payloads: Sequence[Payload]) -> None:
    """An event told later in a post happened later."""
    for payload in payloads:
        ages = [event.age_ms for event in payload.events]
        assert ages == sorted(ages, reverse=True)
        assert ages[-1] >= 0


def test_every_page_load_begins_with_its_page_view(payloads: Sequence[Payload]) -> None:
    """Event 0 is a page view, and all kinds of events occur."""
    kinds: Counter[type] = Counter()
    for payload in payloads:
        kinds.update(type(event) for event in payload.events)
        first = payload.events[0]
        assert first.seq > 0 or isinstance(first, PageView)
    assert set(kinds) == {*USUAL, *RARE}
    assert min(kinds[kind] for kind in USUAL) > 1_000
    assert min(kinds[kind] for kind in RARE) > 100


def test_sources_are_of_every_channel(payloads: Sequence[Payload]) -> None:
    """Entries come over search, social, e-mail, campaigns, assistants, other sites and directly."""
    channels = Channels.load()
    found: Counter[str] = Counter()
    for payload in payloads:
        for event in payload.events:
            if isinstance(event, PageView) and not event.referrer.startswith(PLAN.origin + "/"):
                query = dict(parse_qsl(event.url.partition("?")[2]))
                host = (split_url(event.referrer.replace("android-app", "https")) or NOWHERE).host
                source, medium = query.get("utm_source", ""), query.get("utm_medium", "")
                found[channels.classify(host, source, medium, has_click_id=False)] += 1
    assert set(found) >= CHANNELS
    assert min(found[channel] for channel in CHANNELS) > 30


def test_navigation_inside_a_page_load_names_the_page_before(payloads: Sequence[Payload]) -> None:
    """A second page view of a page load has the first one's URL as its referrer."""
    shown: dict[str, str] = {}
    followed = 0
    for payload in payloads:
        for event in payload.events:
            if isinstance(event, PageView):
                if payload.page_load_id in shown:
                    assert event.referrer == shown[payload.page_load_id]
                    followed += 1
                shown[payload.page_load_id] = event.url
            else:
                assert event.url == shown[payload.page_load_id]
    assert followed > 100


def test_sessions_enter_from_sources_and_go_on_inside(payloads: Sequence[Payload]) -> None:
    """Referrers are those of the sources or the site's own pages; campaigns reach the URL."""
    entered = {source.referrer or "" for source in SOURCES}
    views = [e for p in payloads for e in p.events if isinstance(e, PageView)]
    inside = [view for view in views if view.referrer.startswith(PLAN.origin + "/")]
    assert len(inside) > 1_000
    assert {view.referrer for view in views if view not in inside} == entered
    assert sum("utm_campaign=" in view.url for view in views) > 100


def test_the_posts_of_a_session_are_apart(posts: Sequence[Post]) -> None:
    """Sixteen senders at once never hold two posts of one page load."""
    last: dict[str, int] = {}
    for place, post in enumerate(posts):
        assert place - last.get(post.head, -100) > 16
        last[post.head] = place


def test_the_catalogue_has_thirty_thousand_addresses() -> None:
    """At least 30,000 paths differ even without their queries, and all are plain ASCII."""
    paths = [page.path for page in Catalogue().pages]
    assert len(set(paths)) == len(paths)
    assert len({path.partition("?")[0] for path in paths}) >= 30_000
    assert all(path.isascii() and " " not in path and '"' not in path for path in paths)


def test_pages_are_popular_by_zipf() -> None:
    """The front pages get most views, and a hundred thousand views reach a long tail."""
    catalogue = Catalogue()
    views = Counter(catalogue.draw(Dice(1, 9), 100_000).tolist())
    assert 0.01 < views[0] / 100_000 < 0.04
    assert views[0] > views[20] > views[400]
    assert len(views) > 15_000
    assert max(views) > 30_000


def test_a_site_and_an_origin_are_written_as_json(user_agents: tuple[UserAgentRow, ...]) -> None:
    """Quotes and letters beyond ASCII in the options do not break the bodies."""
    plan = TrafficPlan(site='a"b\\', origin="http://приклад.example", seed=1)
    payload = parse_payload(next(generate_posts(plan, user_agents)).body())
    assert payload.site == plan.site
    assert payload.events[0].url.startswith(plan.origin + "/")
