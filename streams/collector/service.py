"""What the collector decides: which requests it takes, and what becomes of their events."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs, quote

from processors.reasons import DropReason
from streams.collector.bodies import parse_body, parse_server_body
from streams.collector.bots import BotRules
from streams.collector.client import Client
from streams.collector.encode import EventEncoder, InvalidUrlError, ReferrerSpamError
from streams.collector.gather import Gatherer
from streams.collector.minimise import pack_address
from streams.collector.payload import MAX_URL_CHARS, Custom, Event, PageView, Payload
from streams.collector.problems import Problem, Reason
from streams.collector.server_events import ServerEvent, ServerPayload, ServerView
from streams.collector.sites import Site, Sites
from streams.collector.stamp import Browser, Sender, Stamp, Stamper

_PAGE_LOAD_BYTES: Final = 8
_PIXEL_FIELDS: Final = 10
_PATH_SIGNS: Final = "/!$&'()*+,;=:@~"
"""What stands in a path as it is (RFC 3986, 3.3): a pixel names a page as the tag does."""
_A_SERVER: Final = Sender(Client(b"", "", ""), "server")
"""The one visitor that stands for a site's servers."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A taken request: how many events, and what is done when they are durable (None: no wait)."""

    site: str
    count: int
    durable: asyncio.Future[None] | None
    dropped: dict[DropReason, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the service decides by.

    `read_clock` returns aware UTC; `count_signal` hears of each request with `gpc` or `dnt`.
    """

    sites: Sites
    bots: BotRules
    read_clock: Callable[[], datetime]
    count_signal: Callable[[str], None]


class CollectorService:
    """Checks, minimises and hands over; knows neither HTTP nor Kafka.

    Each method that takes a request raises `NotDurableError` if too much is waiting for Kafka
    already, and `SaltError` if the day's salt can not be kept.
    """

    def __init__(
        self, rules: Rules, stamper: Stamper, encoder: EventEncoder, gatherer: Gatherer
    ) -> None:
        self._rules = rules
        self._stamper = stamper
        self._encoder = encoder
        self._gatherer = gatherer

    def forget(self) -> None:
        """Let go of every user agent and text that is remembered to save work."""
        self._encoder.forget()
        self._stamper.forget()
        self._rules.bots.forget()

    def accept(self, body: bytes, client: Client) -> Accepted:
        """Take the body of `POST /v1/events`.

        Raises:
            Problem: the request is refused; nothing of it is kept.
        """
        payload = parse_body(body)
        self._encoder.begin()
        site = self._find_site(payload.site)
        if not site.has_origin(client.origin):
            raise Problem(Reason.WRONG_ORIGIN)
        if payload.gpc or payload.dnt or client.has_gpc or client.has_dnt:
            self._count_signals(client, payload)
        reason = (
            DropReason.OPTED_OUT
            if payload.choice
            else self._rules.bots.judge(client, site, webdriver=payload.webdriver)
        )
        if reason is not None:
            return _drop(site, payload.events, reason)
        _check_unlike([event.seq for event in payload.events], "seq")
        browser = Browser(payload.language, payload.screen, payload.viewport, payload.keyboard)
        stamp = self._stamp(site, Sender(client, "tag", browser))
        return self._take(payload.events, bytes.fromhex(payload.page_load_id), stamp)

    def accept_pixel(self, query: bytes, client: Client) -> Accepted:
        """Take the query of `GET /v1/pixel.gif`: a page view of a browser that runs no script.

        The page load is drawn here, since such a request is not repeated. The origin is that of the
        Referer, and may be missing.

        Raises:
            Problem: the request is refused; nothing of it is kept.
        """
        try:
            found = parse_qs(query.decode("ascii"), max_num_fields=_PIXEL_FIELDS, errors="strict")
        except ValueError:
            raise Problem(Reason.INVALID_FIELD, "the query can not be read") from None
        self._encoder.begin()
        site = self._find_site(found.get("site", [""])[0])
        if client.origin and not site.has_origin(client.origin):
            raise Problem(Reason.WRONG_ORIGIN)
        path = quote(found.get("path", [""])[0], safe=_PATH_SIGNS)
        if not path.startswith("/") or len(path) > MAX_URL_CHARS:
            raise Problem(Reason.INVALID_URL, "path")
        self._count_signals(client)
        page = client.origin or "https://page"
        # Where its visitor came from is not known, which is not the same as from nowhere.
        view = PageView(seq=0, url=f"{page}{path}", referrer=page)
        reason = self._rules.bots.judge(client, site)
        if reason is not None:
            return _drop(site, [view], reason)
        stamp = self._stamp(site, Sender(client, "pixel"))
        return self._take([view], secrets.token_bytes(_PAGE_LOAD_BYTES), stamp)

    def accept_server_events(self, body: bytes, key: str) -> Accepted:
        """Take the body of `POST /v1/server-events`, with one of the site's write keys.

        Raises:
            Problem: the request is refused; nothing of it is kept.
        """
        payload = parse_server_body(body)
        self._encoder.begin()
        site = self._authorize(payload, key)
        _check_unlike([event.id for event in payload.events if event.id is not None], "id")
        dropped: Counter[DropReason] = Counter()
        by_partition: dict[int, list[bytes]] = defaultdict(list)
        for position, event in enumerate(payload.events):
            found = self._encode_server_event(event, site, position)
            if isinstance(found, DropReason):
                dropped[found] += 1
            else:
                by_partition[found[0]].append(found[1])
        waits = self._gatherer.put_all(
            (partition, len(encoded), b"".join(encoded))
            for partition, encoded in by_partition.items()
        )
        durable = asyncio.ensure_future(_wait_for_all(waits)) if waits else None
        count = len(payload.events) - dropped.total()
        return Accepted(site.id, count, durable, dict(dropped))

    def _find_site(self, site_id: str) -> Site:
        site = self._rules.sites.by_id.get(site_id)
        if site is None:
            raise Problem(Reason.UNKNOWN_SITE)
        return site

    def _count_signals(self, client: Client, payload: Payload | None = None) -> None:
        """Count what the browser asks for, by its headers or in the tag's words."""
        if client.has_gpc or (payload is not None and payload.gpc):
            self._rules.count_signal("gpc")
        if client.has_dnt or (payload is not None and payload.dnt):
            self._rules.count_signal("dnt")

    def _authorize(self, payload: ServerPayload, key: str) -> Site:
        """Return the site if the key is one of its; an unknown site and a wrong key look alike."""
        site = self._rules.sites.by_id.get(payload.site)
        digest = hashlib.sha256(key.encode(errors="replace")).digest()
        known_keys = site.write_keys if site is not None else ()
        matches = [hmac.compare_digest(digest, known) for known in known_keys]
        if site is None or not any(matches):
            raise Problem(Reason.UNAUTHORIZED)
        return site

    def _encode_server_event(
        self, event: ServerEvent, site: Site, position: int
    ) -> DropReason | tuple[int, bytes]:
        """Return the partition and the bytes of an event, or why it is dropped."""
        place = f"$.events[{position}]"
        if event.id is None:
            raise Problem(Reason.MISSING_ID, f"{place}.id")
        sender = _A_SERVER
        if event.client is not None:
            address = pack_address(event.client.address)
            if address is None:
                raise Problem(Reason.INVALID_FIELD, f"{place}.client.address is no IP address")
            client = Client(address, event.client.user_agent, "")
            sender = Sender(client, "server", Browser(event.client.language))
            reason = self._rules.bots.judge(client, site)
            if reason is not None:
                return reason
        stamp = self._stamp(site, sender)
        try:
            encoded = self._encode([_to_event(event)], event.id.bytes, stamp)
        except ReferrerSpamError:
            return DropReason.REFERRER_SPAM
        except Problem as problem:
            detail = problem.detail.replace("$.events[0]", place, 1)
            raise Problem(problem.reason, detail) from None
        return event.id.int % self._gatherer.partitions, encoded

    def _stamp(self, site: Site, sender: Sender) -> Stamp:
        return self._stamper.stamp(site, sender, self._rules.read_clock())

    def _take(self, events: Sequence[Event], page_load_id: bytes, stamp: Stamp) -> Accepted:
        try:
            encoded = self._encode(events, page_load_id, stamp)
        except ReferrerSpamError:
            return _drop(stamp.site, events, DropReason.REFERRER_SPAM)
        partition = int.from_bytes(page_load_id, "big") % self._gatherer.partitions
        count = len(events)
        return Accepted(stamp.site.id, count, self._gatherer.put(partition, count, encoded))

    def _encode(self, events: Sequence[Event], page_load_id: bytes, stamp: Stamp) -> bytes:
        try:
            return self._encoder.encode(events, page_load_id, stamp)
        except InvalidUrlError as error:
            raise Problem(Reason.INVALID_URL, error.field) from None
        except UnicodeEncodeError:
            raise Problem(Reason.INVALID_FIELD, "a text is not valid Unicode") from None


def _check_unlike(ids: Sequence[object], name: str) -> None:
    """Refuse a request in which two events have one id: they would be one row.

    Raises:
        Problem: names the first that repeats another.
    """
    if len(set(ids)) != len(ids):
        place = next(place for place, each in enumerate(ids) if each in ids[:place])
        raise Problem(Reason.INVALID_FIELD, f"$.events[{place}].{name} repeats another's")


def _drop(site: Site, events: Sequence[Event], reason: DropReason) -> Accepted:
    return Accepted(site.id, 0, None, {reason: len(events)})


def _to_event(event: ServerEvent) -> Event:
    if isinstance(event, ServerView):
        return PageView(
            seq=0, url=event.url, age_ms=event.age_ms, title=event.title, referrer=event.referrer
        )
    return Custom(
        seq=0, url=event.url, age_ms=event.age_ms, name=event.name, properties=event.properties
    )


async def _wait_for_all(waits: Sequence[asyncio.Future[None]]) -> None:
    await asyncio.gather(*waits)
