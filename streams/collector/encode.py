"""Parsed events to the bytes they travel as: minimised, hashed under the day's salt, stamped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from schemas.errors import HmaraError
from streams.collector.avro_writer import EventPart, write_event
from streams.collector.minimise import ReducedUrl, reduce_referrer, reduce_url
from streams.collector.payload import Click, Engagement, Event, PageEnd, PageView
from streams.collector.salt import Salt

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_US_PER_MS: Final = 1_000
_NOWHERE: Final = -1


class InvalidUrlError(HmaraError):
    """An event's url is no http(s) URL; `field` is its JSON path."""

    def __init__(self, field: str) -> None:
        super().__init__(f"reading url: {field} is no http(s) URL")
        self.field = field


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """What the acceptance of a request gives to each of its events.

    `request` is the encoded part that the events share (`write_request_part`).
    """

    salt: Salt
    received_at_us: int
    request: bytes


def to_us(moment: datetime) -> int:
    """Return microseconds since 1970-01-01 UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def encode_events(events: list[Event], page_load_id: bytes, stamp: Stamp) -> list[bytes]:
    """Encode the events of one page load, in order.

    Raises:
        InvalidUrlError: the url of an event is none.
        UnicodeEncodeError: a text holds half a surrogate pair.
    """
    page_load_hash = stamp.salt.hash_page_load(page_load_id)
    known: dict[str, ReducedUrl] = {}
    encoded = []
    for position, event in enumerate(events):
        url = known.get(event.url)
        if url is None:
            url = reduce_url(event.url)
            if url is None:
                field = f"$.events[{position}].url"
                raise InvalidUrlError(field)
            known[event.url] = url
        hit_key = stamp.salt.hash_hit(page_load_id, event.seq)
        event_time_us = stamp.received_at_us - event.age_ms * _US_PER_MS
        part = _to_part(event, url, (hit_key, page_load_hash), event_time_us)
        encoded.append(write_event(part, stamp.request))
    return encoded


def _to_part(
    event: Event, url: ReducedUrl, hashes: tuple[int, int], event_time_us: int
) -> EventPart:
    shared = (*hashes, event.seq, _TYPE_NAMES[type(event)], event_time_us, url.path)
    if isinstance(event, PageView):
        referrer_host = reduce_referrer(event.referrer, url.host)
        return EventPart(*shared, referrer_host=referrer_host, utm=url.utm)
    if isinstance(event, Click):
        return EventPart(
            *shared,
            target_role=event.target_role,
            target_label=event.target_label,
            x_permille=_NOWHERE if event.x_permille is None else event.x_permille,
            y_permille=_NOWHERE if event.y_permille is None else event.y_permille,
        )
    if isinstance(event, Engagement):
        return EventPart(*shared, engaged_ms=event.engaged_ms)
    scroll = event.scroll_permille
    return EventPart(
        *shared,
        engaged_ms=event.engaged_ms,
        scroll_permille=_NOWHERE if scroll is None else scroll,
    )


_TYPE_NAMES: Final[dict[type[Event], str]] = {
    PageView: "page_view",
    Click: "click",
    Engagement: "engagement",
    PageEnd: "page_end",
}
