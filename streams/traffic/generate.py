"""Synthetic POST bodies as a tag would send them: seeded, endless, held in memory a few at a time.

Time is compressed: sessions that take minutes follow each other as fast as the sender likes. So
many sessions are under way at once and take turns, one post each: the posts of one session stay
further apart than the sender's concurrency, and the few milliseconds of `age_ms` seldom reach back
behind the session's post before.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from streams.traffic.audience import Audience
from streams.traffic.catalogue import Catalogue, with_campaign
from streams.traffic.visits import draw_sessions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.traffic.audience import Visitor
    from streams.traffic.catalogue import Page, Source
    from streams.traffic.user_agents import UserAgentRow
    from streams.traffic.visits import PageLoad, Session

_SESSIONS_AT_FIRST = 32  # few, so that a short run has whole sessions too
_SESSIONS_AT_MOST = 256
_POSTS_PER_NEW_SESSION = 16

_ENGAGEMENT_PING_MS = 10_000
_OLDEST_AGE_MS = 14
_AGE_STEP_MS = 1
_SINGLE_POST_ENGAGED_MS = 3_000  # who leaves sooner is told of in one post
_ROLES = ("link", "link", "link", "button")
_LABELS = ("Add to cart", "Details", "Show more", "Next", "Subscribe", "Menu", "Size guide", "Buy")


@dataclass(frozen=True, slots=True)
class TrafficPlan:
    """What decides every byte of the traffic."""

    site: str
    origin: str
    seed: int


@dataclass(frozen=True, slots=True)
class Post:
    """One request: who sends it, and the body in parts, so that it can still be cut."""

    visitor: Visitor
    head: str
    events: tuple[str, ...]

    def body(self) -> bytes:
        """Put the JSON body together."""
        return f"{self.head}{','.join(self.events)}]}}".encode()


def generate_posts(plan: TrafficPlan, user_agents: Sequence[UserAgentRow]) -> Iterator[Post]:
    """Make posts without end; equal arguments make equal bytes, whatever else is done with them."""
    audience = Audience(plan.seed, user_agents)
    sessions = draw_sessions(plan.seed, audience, Catalogue())
    site, origin = json.dumps(plan.site), json.dumps(plan.origin)[1:-1]
    live = deque(_session_posts(s, site, origin) for s in islice(sessions, _SESSIONS_AT_FIRST))
    made = 0
    while True:
        turn = live.popleft()
        post = next(turn, None)
        if post is None:
            live.append(_session_posts(next(sessions), site, origin))
            continue
        live.append(turn)
        made += 1
        if made % _POSTS_PER_NEW_SESSION == 0 and len(live) < _SESSIONS_AT_MOST:
            live.append(_session_posts(next(sessions), site, origin))
        yield post


def take_events(posts: Iterator[Post], count: int) -> Iterator[Post]:
    """Pass on posts until exactly `count` events have passed; the last post is cut to fit."""
    left = count
    while left > 0:
        post = next(posts)
        if len(post.events) > left:
            post = replace(post, events=post.events[:left])
        left -= len(post.events)
        yield post


def _session_posts(session: Session, site: str, origin: str) -> Iterator[Post]:
    visitor = session.visitor
    about = (
        f'"language":"{visitor.language}","screen":[{visitor.screen[0]},{visitor.screen[1]}],'
        f'"viewport":[{visitor.viewport[0]},{visitor.viewport[1]}],"events":['
    )
    came_from: Source | str = session.source
    for load in session.loads:
        head = f'{{"site":{site},"page_load_id":"{load.page_load_id:016x}",{about}'
        tag = _Tag(load, origin)
        for events in tag.posts(came_from):
            yield Post(visitor, head, tuple(events))
        came_from = tag.url


class _Tag:
    """What the tag of one page load tells, in order."""

    def __init__(self, load: PageLoad, origin: str) -> None:
        self.url = ""
        self._load = load
        self._origin = origin
        self._detail = load.detail
        self._seq = 0
        self._age_ms = 0

    def posts(self, came_from: Source | str) -> Iterator[list[str]]:
        """Tell the load in one to three posts; `came_from` is a source or the page before."""
        load = self._load
        arrival = [self._arrive(load.page, came_from)]
        has_page_end = load.is_end_seen or load.goes_on_to is not None
        stay = self._stay(load.clicks, load.engaged_ms, has_page_end=has_page_end)
        if load.engaged_ms < _SINGLE_POST_ENGAGED_MS:
            yield [*arrival, *stay]
        else:
            yield arrival
            self._age_ms = _OLDEST_AGE_MS
            rest = list(stay)
            if rest:
                yield rest
        if load.goes_on_to is not None:
            view = self._arrive(load.goes_on_to, self.url)
            yield [view, *self._stay(1, load.engaged_ms // 2, has_page_end=load.is_end_seen)]

    def _arrive(self, page: Page, came_from: Source | str) -> str:
        if isinstance(came_from, str):
            referrer: str | None = came_from
            path = page.path
        else:
            referrer = came_from.referrer
            path = with_campaign(page.path, came_from.campaign)
        self.url = self._origin + path
        self._age_ms = _OLDEST_AGE_MS
        told_referrer = f',"referrer":"{referrer}"' if referrer is not None else ""
        return f'{self._start("page_view")}{told_referrer},"title":"{page.title}"}}'

    def _stay(self, clicks: int, engaged_ms: int, *, has_page_end: bool) -> Iterator[str]:
        pings, rest_ms = divmod(engaged_ms, _ENGAGEMENT_PING_MS)
        for turn in range(max(clicks, pings)):
            if turn < pings:
                yield f'{self._start("engagement")},"engaged_ms":{_ENGAGEMENT_PING_MS}}}'
            if turn < clicks:
                yield self._click()
        if has_page_end:
            scroll = self._load.scroll_permille
            yield f'{self._start("page_end")},"engaged_ms":{rest_ms},"scroll_permille":{scroll}}}'

    def _start(self, kind: str) -> str:
        start = f'{{"type":"{kind}","seq":{self._seq},"age_ms":{self._age_ms},"url":"{self.url}"'
        self._seq += 1
        self._age_ms -= _AGE_STEP_MS
        return start

    def _click(self) -> str:
        # The multiplier of Knuth's MMIX generator: a click's own bits, its high ones the best.
        self._detail = (self._detail * 6364136223846793005 + 1442695040888963407) % 2**64
        bits = self._detail >> 24
        across, down = (bits & 1023) * 1000 >> 10, (bits >> 10 & 1023) * 1000 >> 10
        role, label = _ROLES[bits >> 20 & 3], _LABELS[bits >> 22 & 7]
        return (
            f'{self._start("click")},"target_role":"{role}","target_label":"{label}",'
            f'"x_permille":{across},"y_permille":{down}}}'
        )
