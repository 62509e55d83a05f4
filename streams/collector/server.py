"""The collector's process: builds the parts, serves until told to stop, answers what it took."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from schemas.catalogue import Catalogue
from schemas.errors import HmaraError
from schemas.topics import WEB_EVENT
from streams import metrics
from streams.collector.app import CollectorApp
from streams.collector.avro_writer import check_field_order
from streams.collector.bots import DataCenters
from streams.collector.compose import Options, make_service
from streams.collector.edge import make_edge
from streams.collector.gather import Gatherer, NotDurableError
from streams.collector.listeners import Server, listen
from streams.collector.minimise import AgentClassifier, CountryLookup
from streams.collector.producer import KafkaRecordSink
from streams.collector.salt import SaltKeeper
from streams.collector.service import CollectorService
from streams.collector.sites import load_sites
from streams.collector.stamp import Minimiser
from streams.collector.tag_file import TagFile
from streams.settings import (
    CollectorSettings,
    KafkaSettings,
    find_asn_folder,
    find_geo_file,
    volatile_dir,
)
from streams.version import VERSION

_EXPIRE_GATHERED_S: Final = 0.25
_EXPIRE_SALTS_S: Final = 10.0
_FORGET_S: Final = 600.0
_READINESS_S: Final = 1.0
_GC_THRESHOLDS: Final = (20_000, 50, 100)
"""Requests under way are no garbage: looking at them every 700 objects costs a tenth of the CPU."""
log = structlog.get_logger(__name__)


class CollectorError(HmaraError):
    """The collector can not start."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What one process is made of."""

    app: CollectorApp
    service: CollectorService
    gatherer: Gatherer
    sink: KafkaRecordSink
    salts: SaltKeeper


def build(settings: CollectorSettings, kafka: KafkaSettings) -> Parts:
    """Build the parts; runs on the event loop and asks Kafka for the topic.

    Raises:
        CollectorError: Kafka does not answer, or has no such topic.
        HmaraError: a file that the settings name is missing or wrong.
    """
    schema = Catalogue.load().newest(WEB_EVENT.name)
    check_field_order(schema)
    sites = load_sites(settings.sites_file)
    salts = SaltKeeper(volatile_dir() / "salts")
    minimiser = Minimiser(CountryLookup(find_geo_file(settings)), AgentClassifier(), salts)
    tag = TagFile()
    edge = make_edge(settings)
    sink = KafkaRecordSink(kafka.bootstrap_servers, WEB_EVENT.name, settings.ack_timeout_s)
    try:
        partitions = sink.count_partitions()
    except NotDurableError as error:
        sink.close()
        message = f"starting collector: Kafka at {kafka.bootstrap_servers}: {error}"
        raise CollectorError(message) from None
    if not partitions:
        sink.close()
        message = f"starting collector: no topic {WEB_EVENT.name}; run `hmara topics apply`"
        raise CollectorError(message)
    gatherer = Gatherer(
        sink,
        partitions=partitions,
        schema_id=schema.schema_id,
        collector=f"hmara-collector/{VERSION}",
        max_waiting_bytes=settings.max_gathered_bytes,
        ack_timeout_s=settings.ack_timeout_s,
    )
    metrics.COLLECTOR_HELD_BYTES.set_function(lambda: gatherer.held_bytes)
    options = Options(DataCenters.load(find_asn_folder()), settings.phone_regions)
    service = make_service(sites, minimiser, gatherer, _read_clock, options)
    app = CollectorApp(service, sites, tag, edge, _readiness(sink))
    return Parts(app, service, gatherer, sink, salts)


async def serve(settings: CollectorSettings, kafka: KafkaSettings) -> None:
    """Serve until SIGTERM or SIGINT; then answer what was taken, and let go of the salts."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # an image of us would hold a living salt
    listeners = listen(settings)
    parts = build(settings, kafka)
    server = Server(parts.app, listeners)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.handle_exit, number, None)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    async with _housekeeping(parts):
        log.info("collector_started", **listeners.describe(), version=VERSION)
        try:
            await server.serve(listeners.sockets)
        finally:
            await parts.gatherer.drain()
            parts.sink.close()
            parts.salts.forget()
            log.info("collector_stopped")


def _read_clock() -> datetime:
    return datetime.now(UTC)


def _readiness(sink: KafkaRecordSink) -> Callable[[], Awaitable[bool]]:
    """Ask Kafka whether it is there, at most once a second however many ask us."""
    asked: list[tuple[float, asyncio.Future[bool]]] = []

    def ask() -> bool:
        try:
            return sink.count_partitions() > 0
        except NotDurableError:
            return False

    async def is_ready() -> bool:
        loop = asyncio.get_running_loop()
        if not asked or loop.time() - asked[0][0] > _READINESS_S:
            asked[:] = [(loop.time(), loop.run_in_executor(None, ask))]
        return await asyncio.shield(asked[0][1])

    return is_ready


@contextlib.asynccontextmanager
async def _housekeeping(parts: Parts) -> AsyncIterator[None]:
    """Fail what waits too long, destroy the salts of days that are over, forget what was seen."""

    async def expire_gathered() -> None:
        while True:
            await asyncio.sleep(_EXPIRE_GATHERED_S)
            parts.gatherer.expire()

    async def expire_salts() -> None:
        while True:
            try:
                gone = parts.salts.expire(_read_clock())
            except (OSError, ValueError) as error:  # whatever it is, the next round tries again
                log.warning("salt_not_destroyed", cause=type(error).__name__)
            else:
                metrics.COLLECTOR_SALTS_DESTROYED.inc(gone)
            await asyncio.sleep(_EXPIRE_SALTS_S)

    async def forget() -> None:
        while True:
            await asyncio.sleep(_FORGET_S)
            parts.service.forget()

    tasks = [asyncio.create_task(each()) for each in (expire_gathered, expire_salts, forget)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
