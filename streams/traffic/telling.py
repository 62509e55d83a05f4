"""What the tag of one page load tells, in order: the collector's own events, with their ages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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
from streams.traffic.actions import Bits, find_custom, find_form, find_place, find_target
from streams.traffic.catalogue import with_campaign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.traffic.catalogue import Page, Source
    from streams.traffic.visits import PageLoad

_PING_MS = 10_000
_FIRST_POST_MS = 1_000
_SINGLE_POST_ENGAGED_MS = 3_000  # who leaves sooner is told of in one post
_IDLE_LIMIT_MS = 30_000


class Told(NamedTuple):
    """One post: when it is sent, since the page load began, and its events."""

    sent_ms: int
    events: list[Event]


class PageTag:
    """The tag of one page load; once `posts` has ended, `url` and `left_ms` say where and when."""

    def __init__(self, load: PageLoad, origin: str) -> None:
        self.url = ""
        self.left_ms = 0
        self._load = load
        self._origin = origin
        self._bits = Bits(load.detail)
        self._seq = 0

    def posts(self, came_from: Source | str) -> Iterator[Told]:
        """Tell the load in one to three posts; `came_from` is a source or the page before."""
        load = self._load
        has_page_end = load.is_end_seen or load.goes_on_to is not None
        self.left_ms = leaves_ms = load.engaged_ms + self._idle_ms()
        if load.engaged_ms < _SINGLE_POST_ENGAGED_MS:
            view = self._arrive(load.page, came_from, leaves_ms)
            stay = self._stay(load, leaves_ms, has_page_end=has_page_end)
            yield Told(leaves_ms, [view, *stay])
        else:
            yield Told(_FIRST_POST_MS, [self._arrive(load.page, came_from, _FIRST_POST_MS)])
            stay = self._stay(load, leaves_ms - _FIRST_POST_MS, has_page_end=has_page_end)
            if rest := list(stay):
                yield Told(leaves_ms, rest)
        if load.goes_on_to is not None:
            yield self._go_on(load, load.goes_on_to)

    def _go_on(self, load: PageLoad, page: Page) -> Told:
        """Tell of the second page of a load: one click, half of the time."""
        engaged_ms = load.engaged_ms // 2
        stays_ms = engaged_ms + self._idle_ms()
        self.left_ms += stays_ms
        events: list[Event] = [self._arrive(page, self.url, stays_ms)]
        events += self._click(stays_ms // 2)
        if load.is_end_seen:
            events.append(self._end(engaged_ms))
        return Told(self.left_ms, events)

    def _idle_ms(self) -> int:
        return self._bits.draw() * _IDLE_LIMIT_MS >> 40

    def _number(self) -> int:
        seq = self._seq
        self._seq += 1
        return seq

    def _arrive(self, page: Page, came_from: Source | str, age_ms: int) -> PageView:
        if isinstance(came_from, str):
            referrer, path = came_from, page.path
        else:
            referrer = came_from.referrer or ""
            path = with_campaign(page.path, came_from.campaign)
        self.url = self._origin + path
        return PageView(
            seq=self._number(), url=self.url, age_ms=age_ms, referrer=referrer, title=page.title
        )

    def _stay(self, load: PageLoad, stays_ms: int, *, has_page_end: bool) -> Iterator[Event]:
        """Tell of a stay that ends as it is told: what was seen, clicked and filled in."""
        pings, rest_ms = divmod(load.engaged_ms, _PING_MS)
        turns = max(load.clicks, pings)
        for turn in range(turns):
            age_ms = stays_ms * (turns - turn) // (turns + 1)
            if turn < pings:
                yield Engagement(
                    seq=self._number(), url=self.url, age_ms=age_ms, engaged_ms=_PING_MS
                )
            if turn < load.clicks:
                yield from self._click(age_ms - age_ms // 10)  # a little after the ping
        yield from self._fill_in(load.page, stays_ms // (2 * turns + 3))
        if has_page_end:
            yield self._end(rest_ms)

    def _click(self, age_ms: int) -> Iterator[Event]:
        """Tell of a click, and of where it leads to if that is another site or a file."""
        bits = self._bits.draw()
        target, link = find_target(bits)
        across, down = find_place(target, bits)
        yield Click(
            seq=self._number(),
            url=self.url,
            age_ms=age_ms,
            target_role=target.role,
            target_label=target.label,
            x_permille=across,
            y_permille=down,
        )
        if link.startswith("/"):
            link = self._origin + link
            yield Download(seq=self._number(), url=self.url, age_ms=age_ms, link=link)
        elif link:
            yield Outbound(seq=self._number(), url=self.url, age_ms=age_ms, link=link)

    def _fill_in(self, page: Page, age_ms: int) -> Iterator[Event]:
        """Tell of a form that was sent, and of what the page reports by itself."""
        bits = self._bits.draw()
        form = find_form(page.path, bits)
        if form:
            yield FormSubmit(seq=self._number(), url=self.url, age_ms=age_ms, form_name=form)
        custom = find_custom(self._bits.draw())
        if custom is not None:
            name, properties = custom
            yield Custom(
                seq=self._number(), url=self.url, age_ms=age_ms, name=name, properties=properties
            )

    def _end(self, engaged_ms: int) -> PageEnd:
        return PageEnd(
            seq=self._number(),
            url=self.url,
            engaged_ms=engaged_ms,
            scroll_permille=self._load.scroll_permille,
        )
