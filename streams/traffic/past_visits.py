"""Visits of past days, drawn for each day and visitor by itself: who came when, and did what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from streams.access_log.import_log import find_origin
from streams.collector.payload import Event
from streams.collector.sites import Site
from streams.traffic.audience import Audience, Visitor
from streams.traffic.catalogue import Catalogue, Source
from streams.traffic.dice import Dice
from streams.traffic.rhythm import Hours, count_visitors, make_hours
from streams.traffic.telling import PageTag
from streams.traffic.user_agents import UserAgentRow
from streams.traffic.visits import Session, draw_block

MOST_VISITORS_PER_DAY: Final = 230_000
"""On the busiest day of the week still fewer than there are people."""
_PEOPLE: Final = 1 << 18
_PEOPLE_STEP: Final = 101
"""From one day to the next so many people stay away, and others come."""
_PURPOSE: Final = 6
_BLOCK_VISITORS: Final = 256
_RETURN_SHARE: Final = 0.12
_US_PER_MS: Final = 1_000
_BEFORE_MIDNIGHT_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """What decides every row: which site and days, how many visitors on average, which seed."""

    site: Site
    days: tuple[date, ...]
    visitors_per_day: int
    seed: int

    def count_visitors(self) -> int:
        """Return the visitors of all days together."""
        return sum(count_visitors(day, self.visitors_per_day) for day in self.days)


class PastPost(NamedTuple):
    """One request of a past day."""

    received_at_us: int
    page_load_id: int
    events: list[Event]


class Visit(NamedTuple):
    """A session of one visitor; a visitor comes back within the day at most once."""

    visitor: Visitor
    is_return: bool
    posts: list[PastPost]


class PastVisits:
    """Draws the visits of any day of a plan; more visitors are more visits, not other ones."""

    def __init__(self, plan: BackfillPlan, user_agents: Sequence[UserAgentRow]) -> None:
        self._plan = plan
        self._origin = find_origin(plan.site)
        self._audience = Audience(plan.seed, user_agents, _PEOPLE)
        self._catalogue = Catalogue()

    def draw(self, day: date) -> Iterator[list[Visit]]:
        """Draw a day, a few hundred visitors at a time; all of it lies between its midnights."""
        hours = make_hours(day, self._plan.site.zone)
        count = count_visitors(day, self._plan.visitors_per_day)
        for first in range(0, count, _BLOCK_VISITORS):
            yield list(self._draw_block(day, hours, first, count))

    def _draw_block(self, day: date, hours: Hours, first: int, count: int) -> Iterator[Visit]:
        ordinal = day.toordinal()
        dice = Dice(self._plan.seed, _PURPOSE, ordinal, first)
        comes_back = (dice.uniform(_BLOCK_VISITORS) < _RETURN_SHARE).nonzero()[0].tolist()
        numbers = [first + place for place in (*range(_BLOCK_VISITORS), *comes_back)]
        moments = hours.draw(dice, len(numbers)).tolist()
        people = [(number + ordinal * _PEOPLE_STEP) % _PEOPLE for number in numbers]
        sessions = draw_block(dice, people, self._audience, self._catalogue)
        for place, session in enumerate(sessions):
            if numbers[place] < count:
                is_return = place >= _BLOCK_VISITORS
                posts = self._lay_out(session, moments[place], hours)
                yield Visit(session.visitor, is_return, posts)

    def _lay_out(self, session: Session, starts_us: int, hours: Hours) -> list[PastPost]:
        """Give the posts of a session their times; one that would cross midnight comes earlier."""
        laid: list[tuple[int, int, list[Event]]] = []
        began_ms = 0
        came_from: Source | str = session.source
        for load in session.loads:
            tag = PageTag(load, self._origin)
            laid += [
                (began_ms + told.sent_ms, load.page_load_id, told.events)
                for told in tag.posts(came_from)
            ]
            came_from = tag.url
            began_ms += tag.left_ms
        latest_us = hours.ends_us - _BEFORE_MIDNIGHT_US - began_ms * _US_PER_MS
        starts_us = min(starts_us, latest_us)
        return [
            PastPost(starts_us + sent_ms * _US_PER_MS, page_load_id, events)
            for sent_ms, page_load_id, events in laid
        ]
