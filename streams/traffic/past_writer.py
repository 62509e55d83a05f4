"""Past visits as the collector would have encoded them, under keys that a second run repeats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final, NamedTuple

from streams.collector.channels import Channels
from streams.collector.client import Client
from streams.collector.encode import EventEncoder
from streams.collector.minimise import AgentClassifier, CountryLookup, pack_address
from streams.collector.pages import PageReducer
from streams.collector.redact import RedactionKind, Redactor
from streams.collector.salt import Salt, SaltKeeper
from streams.collector.sites import Site
from streams.collector.stamp import Browser, Minimiser, Sender, Stamp, Stamper
from streams.traffic.audience import Visitor
from streams.traffic.past_visits import BackfillPlan, Visit

SOURCE: Final = "import"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PAGE_LOAD_BYTES: Final = 8
_WIDE_BYTES: Final = 64
_PERSON: Final = b"hmara backfill"
_NOBODY: Final = bytes(4)


class Written(NamedTuple):
    """A request's events as bytes; `page_load_id` decides their partition."""

    page_load_id: int
    events: bytes
    how_many: int


class PastWriter:
    """Encodes visits for one site, day after day."""

    def __init__(self, plan: BackfillPlan, countries: CountryLookup, salts: SaltKeeper) -> None:
        self._plan = plan
        self._stamper = Stamper(Minimiser(countries, AgentClassifier(), salts))
        redactor = Redactor(_count_nothing)
        pages = PageReducer(redactor, Channels.load())
        self._encoder = EventEncoder(pages, redactor, _is_no_spam)
        self._random: Salt | None = None
        self._repeatable: Salt | None = None

    def write(self, visit: Visit) -> Iterator[Written]:
        """Encode a visit's requests.

        Raises:
            SaltError: the day's salt can not be kept.
        """
        site: Site = self._plan.site
        sender = _to_sender(visit.visitor)
        for post in visit.posts:
            received_at = _EPOCH + timedelta(microseconds=post.received_at_us)
            stamp = self._stamper.stamp(site, sender, received_at)
            keyed = Stamp(site, self._repeat_keys(stamp.salt), post.received_at_us, stamp.request)
            page_load_id = post.page_load_id.to_bytes(_PAGE_LOAD_BYTES, "big")
            encoded = self._encoder.encode(post.events, page_load_id, keyed)
            yield Written(post.page_load_id, encoded, len(post.events))

    def _repeat_keys(self, salt: Salt) -> Salt:
        """Return the salt with row keys that hang on site, seed and day and on nothing random.

        Visitors and page loads stay hashed under what was drawn.
        """
        if self._repeatable is None or salt is not self._random:
            wide = blake2b(digest_size=_WIDE_BYTES, person=_PERSON)
            wide.update(f"{self._plan.site.id}\0{self._plan.seed}\0{salt.day}\0".encode())
            self._random, self._repeatable = salt, replace(salt, _keyed_wide=wide)
        return self._repeatable


def _to_sender(visitor: Visitor) -> Sender:
    client = Client(pack_address(visitor.address) or _NOBODY, visitor.user_agent, "")
    browser = Browser(visitor.language, visitor.screen, visitor.viewport, visitor.keyboard)
    return Sender(client, SOURCE, browser)


def _count_nothing(kind: RedactionKind) -> None:
    del kind


def _is_no_spam(host: str) -> bool:
    del host
    return False
