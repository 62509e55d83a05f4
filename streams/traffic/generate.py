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

import msgspec

from streams.traffic.audience import Audience
from streams.traffic.catalogue import Catalogue
from streams.traffic.telling import PageTag
from streams.traffic.visits import draw_sessions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.collector.payload import Event
    from streams.traffic.audience import Visitor
    from streams.traffic.catalogue import Source
    from streams.traffic.user_agents import UserAgentRow
    from streams.traffic.visits import Session

_SESSIONS_AT_FIRST = 32  # few, so that a short run has whole sessions too
_SESSIONS_AT_MOST = 256
_POSTS_PER_NEW_SESSION = 16
_write = msgspec.json.Encoder().encode


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
    events: tuple[Event, ...]

    def body(self) -> bytes:
        """Put the JSON body together."""
        return b"%b%b]}" % (self.head.encode(), b",".join(map(_write, self.events)))


def generate_posts(plan: TrafficPlan, user_agents: Sequence[UserAgentRow]) -> Iterator[Post]:
    """Make posts without end; equal arguments make equal bytes, whatever else is done with them."""
    audience = Audience(plan.seed, user_agents)
    sessions = draw_sessions(plan.seed, audience, Catalogue())
    site, origin = json.dumps(plan.site), plan.origin
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
        f'"viewport":[{visitor.viewport[0]},{visitor.viewport[1]}],'
        f'"keyboard":"{visitor.keyboard}","events":['
    )
    came_from: Source | str = session.source
    for load in session.loads:
        head = f'{{"site":{site},"page_load_id":"{load.page_load_id:016x}",{about}'
        tag = PageTag(load, origin)
        for told in tag.posts(came_from):
            yield Post(visitor, head, tuple(_compress(told.events)))
        came_from = tag.url


def _compress(events: Sequence[Event]) -> Iterator[Event]:
    """Let the events of a post follow each other by a millisecond."""
    for age_ms, event in zip(range(len(events), 0, -1), events, strict=True):
        yield msgspec.structs.replace(event, age_ms=age_ms)
