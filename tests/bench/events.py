"""Events as the collector encodes them: synthetic visits through the real service."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from schemas.catalogue import Catalogue
from schemas.topics import WEB_EVENT
from streams.collector.avro_writer import write_long
from streams.collector.client import Client
from streams.collector.compose import make_service
from streams.collector.gather import Gatherer, RecordSink
from streams.collector.minimise import AgentClassifier, CountryLookup, pack_address
from streams.collector.salt import SaltKeeper, destroy_file
from streams.collector.service import CollectorService
from streams.collector.sites import Site, Sites
from streams.collector.stamp import Minimiser
from streams.settings import CollectorSettings, find_geo_file, lib_dir, volatile_dir
from streams.traffic.generate import Post, TrafficPlan, generate_posts
from streams.traffic.user_agents import read_user_agents

SITE: Final = "bench"
ORIGIN: Final = "http://127.0.0.1:8081"
SCHEMA_ID: Final = Catalogue.load().newest(WEB_EVENT.name).schema_id
_NOBODY: Final = bytes(4)
_KEY_BITS: Final = 63


def read_posts(seed: int) -> Iterator[Post]:
    """Draw synthetic posts without end; same seed, same posts."""
    return generate_posts(TrafficPlan(SITE, ORIGIN, seed), read_user_agents(lib_dir()))


def make_gatherer(sink: RecordSink) -> Gatherer:
    """Build the collector's gatherer with its own settings' defaults."""
    settings = CollectorSettings.load()
    return Gatherer(
        sink,
        partitions=WEB_EVENT.partitions,
        schema_id=SCHEMA_ID,
        collector="hmara-collector/bench",
        max_waiting_bytes=settings.max_gathered_bytes,
        ack_timeout_s=settings.ack_timeout_s,
    )


@contextmanager
def open_service(gatherer: Gatherer) -> Iterator[CollectorService]:
    """Build the collector's service around a gatherer, for one site with a salt of its own."""
    folder = volatile_dir() / "bench-salts"
    site = Site(SITE, frozenset({ORIGIN}), ZoneInfo("UTC"), synthetic=True)
    geo_file = find_geo_file(CollectorSettings.load())
    minimiser = Minimiser(CountryLookup(geo_file), AgentClassifier(), SaltKeeper(folder))
    sites = Sites({SITE: site})
    try:
        yield make_service(sites, minimiser, gatherer, lambda: datetime.now(UTC))
    finally:
        for path in (folder / SITE).glob("*"):
            destroy_file(path)


def to_client(post: Post) -> Client:
    """Return who sends a post."""
    visitor = post.visitor
    return Client(pack_address(visitor.address) or _NOBODY, visitor.user_agent, ORIGIN)


class _Catcher(Gatherer):
    """Keeps the encoded events instead of sending them."""

    def __init__(self, sink: RecordSink) -> None:
        super().__init__(
            sink,
            partitions=WEB_EVENT.partitions,
            schema_id=SCHEMA_ID,
            collector="",
            max_waiting_bytes=0,
            ack_timeout_s=0,
        )
        self.caught: list[bytes] = []

    def put(self, partition: int, count: int, events: bytes) -> asyncio.Future[None]:
        del partition, count
        self.caught.append(events)
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


class _NoSink:
    def send(self, partition: int, value: bytes, acknowledge: object) -> None:
        """Take nothing: the catcher keeps all."""


def make_events(count: int, seed: int) -> list[bytes]:
    """Return `count` distinct encoded events, in the order in which visits would send them."""

    async def catch() -> list[bytes]:
        catcher = _Catcher(_NoSink())
        with open_service(catcher) as service:
            for post in read_posts(seed):
                for event in post.events:  # one by one, so that each is caught by itself
                    service.accept(replace(post, events=(event,)).body(), to_client(post))
                if len(catcher.caught) >= count:
                    break
        return catcher.caught[:count]

    return asyncio.run(catch())


def with_new_keys(events: list[bytes]) -> Iterator[bytes]:
    """Repeat events as other hits: each gets a new hit key, its first field."""
    for event in events:
        end = next(place for place, byte in enumerate(event) if byte < 0x80) + 1
        yield write_long(secrets.randbits(_KEY_BITS)) + event[end:]


def take_posts(seed: int, events: int) -> list[Post]:
    """Return posts that hold at least `events` events together."""
    posts: list[Post] = []
    left = events
    for post in read_posts(seed):
        posts.append(post)
        left -= len(post.events)
        if left <= 0:
            break
    return posts
