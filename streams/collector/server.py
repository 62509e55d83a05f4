"""The collector's process: builds the parts, serves until told to stop, answers what it took."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog
import uvicorn

from schemas.catalogue import Catalogue
from schemas.errors import HmaraError
from schemas.topics import WEB_EVENT
from streams import metrics
from streams.collector.app import CollectorApp, Limits
from streams.collector.avro_writer import check_field_order
from streams.collector.client import parse_networks
from streams.collector.connection import bound_protocol
from streams.collector.gather import Gatherer, NotDurableError
from streams.collector.minimise import AgentClassifier, CountryLookup
from streams.collector.producer import KafkaRecordSink
from streams.collector.salt import SaltKeeper
from streams.collector.service import CollectorService, Minimiser
from streams.collector.sites import load_sites
from streams.collector.tag_file import TagFile
from streams.settings import CollectorSettings, KafkaSettings, find_geo_file, volatile_dir
from streams.version import VERSION

_EXPIRE_GATHERED_S: Final = 0.25
_EXPIRE_SALTS_S: Final = 10.0
_SHUTDOWN_S: Final = 10
_GC_THRESHOLDS: Final = (20_000, 50, 100)
"""Requests under way are no garbage: looking at them every 700 objects costs a tenth of the CPU."""
_BACKLOG: Final = 2_048
log = structlog.get_logger(__name__)


class CollectorError(HmaraError):
    """The collector can not start."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What one process is made of."""

    app: CollectorApp
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
    trusted = parse_networks(settings.trusted_proxies)
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
    service = CollectorService(sites, minimiser, gatherer, _read_clock)
    limits = Limits(settings.max_body_bytes, settings.body_timeout_s, trusted)
    app = CollectorApp(service, sites, tag, limits, _readiness(sink))
    return Parts(app, gatherer, sink, salts)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers, which would end the process before our `finally`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `serve`."""
        yield


async def serve(settings: CollectorSettings, kafka: KafkaSettings) -> None:
    """Serve until SIGTERM or SIGINT; then answer what was taken, and let go of the salts."""
    parts = build(settings, kafka)
    listener = _listen(settings)
    host, port = listener.getsockname()[:2]
    config = uvicorn.Config(
        parts.app,
        loop="uvloop",
        http=bound_protocol(settings.max_body_bytes),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        limit_concurrency=settings.max_connections,
        timeout_graceful_shutdown=_SHUTDOWN_S,
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.handle_exit, number, None)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    async with _housekeeping(parts):
        log.info("collector_started", host=host, port=port, version=VERSION)
        try:
            await server.serve([listener])
        finally:
            await parts.gatherer.drain()
            parts.sink.close()
            parts.salts.forget()
            log.info("collector_stopped")


def _read_clock() -> datetime:
    return datetime.now(UTC)


def _listen(settings: CollectorSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        message = f"listening on {settings.host}:{settings.port}: {error.strerror}"
        raise CollectorError(message) from None


def _readiness(sink: KafkaRecordSink) -> Callable[[], Awaitable[bool]]:
    def ask() -> bool:
        try:
            return sink.count_partitions() > 0
        except NotDurableError:
            return False

    return lambda: asyncio.get_running_loop().run_in_executor(None, ask)


@contextlib.asynccontextmanager
async def _housekeeping(parts: Parts) -> AsyncIterator[None]:
    """Fail what waits too long, and destroy the salts of days that are over."""

    async def expire_gathered() -> None:
        while True:
            await asyncio.sleep(_EXPIRE_GATHERED_S)
            parts.gatherer.expire()

    async def expire_salts() -> None:
        while True:
            try:
                gone = parts.salts.expire(_read_clock())
            except OSError as error:
                log.warning("salt_not_destroyed", cause=error.strerror)
            else:
                metrics.COLLECTOR_SALTS_DESTROYED.inc(gone)
            await asyncio.sleep(_EXPIRE_SALTS_S)

    tasks = [asyncio.create_task(expire_gathered()), asyncio.create_task(expire_salts())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
