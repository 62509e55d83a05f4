"""What visitors do: sessions of page loads, drawn in blocks because single draws are slow."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from streams.traffic.catalogue import SOURCE_STEPS, SOURCES, Catalogue, Page, Source
from streams.traffic.dice import Dice, cumulative

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.traffic.audience import Audience, Visitor

_PURPOSE = 3
_BLOCK_SESSIONS = 256

_LOADS_STEPS = cumulative((44, 18, 12, 8, 5, 4, 3, 2, 1.5, 1, 0.8, 0.7))  # of 1, 2, … page loads
_CLICKS_STEPS = cumulative((48, 27, 14, 7, 4))
_NAVIGATES_SHARE = 0.12
_LEAVES_UNSEEN_SHARE = 0.08
_ENGAGED_MEDIAN_MS = 9_000
_ENGAGED_LIMIT_MS = 64_000  # at most six reports of 10 s and a rest
_SCROLLS_TO_END_SHARE = 0.2
_PERMILLE = 1000


@dataclass(frozen=True, slots=True)
class PageLoad:
    """One load of a page in a browser, and what its tag will have to tell."""

    page_load_id: int
    page: Page
    clicks: int
    engaged_ms: int
    scroll_permille: int
    detail: int  # 64 random bits for what is not worth a column of its own
    goes_on_to: Page | None  # without a new load, as single-page sites do
    is_end_seen: bool


@dataclass(frozen=True, slots=True)
class Session:
    """One visitor's page loads in a row."""

    visitor: Visitor
    source: Source
    loads: tuple[PageLoad, ...]


def draw_sessions(seed: int, audience: Audience, catalogue: Catalogue) -> Iterator[Session]:
    """Draw sessions without end; the same arguments draw the same ones."""
    dice = Dice(seed, _PURPOSE)
    while True:
        visitors = audience.draw(dice, _BLOCK_SESSIONS).tolist()
        yield from draw_block(dice, visitors, audience, catalogue)


def draw_block(
    dice: Dice, visitors: Sequence[int], audience: Audience, catalogue: Catalogue
) -> Iterator[Session]:
    """Draw one session for each of the visitors, in their order."""
    sources = dice.pick(SOURCE_STEPS, len(visitors)).tolist()
    lengths = dice.pick(_LOADS_STEPS, len(visitors)) + 1
    loads = _draw_loads(dice, catalogue, int(lengths.sum()))
    for visitor, source, length in zip(visitors, sources, lengths.tolist(), strict=True):
        yield Session(audience.visitor(visitor), SOURCES[source], tuple(islice(loads, length)))


def _draw_loads(dice: Dice, catalogue: Catalogue, count: int) -> Iterator[PageLoad]:
    pages = catalogue.pages
    ids = dice.words(count).tolist()
    places = catalogue.draw(dice, count).tolist()
    clicks = dice.pick(_CLICKS_STEPS, count).tolist()
    engaged = dice.long_tail(_ENGAGED_MEDIAN_MS, _ENGAGED_LIMIT_MS, count).tolist()
    scroll = dice.below(int(_PERMILLE / (1 - _SCROLLS_TO_END_SHARE)), count).tolist()
    details = dice.words(count).tolist()
    next_places = catalogue.draw(dice, count).tolist()
    navigates = (dice.uniform(count) < _NAVIGATES_SHARE).tolist()
    is_end_seen = (dice.uniform(count) >= _LEAVES_UNSEEN_SHARE).tolist()
    for index in range(count):
        yield PageLoad(
            page_load_id=ids[index],
            page=pages[places[index]],
            clicks=clicks[index],
            engaged_ms=engaged[index],
            scroll_permille=min(scroll[index], _PERMILLE),
            detail=details[index],
            goes_on_to=pages[next_places[index]] if navigates[index] else None,
            is_end_seen=is_end_seen[index],
        )
