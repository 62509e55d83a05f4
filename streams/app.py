"""The worker's Faust app: its settings, its pipeline, its agents."""

from __future__ import annotations

from concurrent.futures import Executor
from datetime import UTC, datetime

import faust

from processors.columns import Context
from schemas.catalogue import Catalogue
from schemas.codec import EventCodec
from sinks.clickhouse.sink import ClickHouseSink
from sinks.dead_letter import DeadLetterSink
from streams.agents.web_event import add_web_event_agent
from streams.dead_letter_limit import DeadLetterLimit
from streams.runner import Runner, Sinks
from streams.settings import ClickHouseSettings, KafkaSettings, WorkerSettings, home_dir
from streams.topology import WEB_EVENTS


def read_clock() -> datetime:
    """Return the time now, aware, UTC."""
    return datetime.now(UTC)


def build_runner(
    settings: WorkerSettings, kafka: KafkaSettings, clickhouse: ClickHouseSettings
) -> Runner:
    """Build the pipeline of web events with its sinks."""
    catalogue = Catalogue.load()
    address = clickhouse.as_service()
    sinks = Sinks(
        tuple(
            ClickHouseSink(address, outlet.database, outlet.table) for outlet in WEB_EVENTS.outlets
        ),
        DeadLetterSink(kafka.bootstrap_servers, catalogue),
    )
    limit = DeadLetterLimit(settings.dead_letter_max_share, settings.dead_letter_min_events)
    return Runner(WEB_EVENTS, EventCodec(catalogue), sinks, limit, read_clock)


def build_app(
    settings: WorkerSettings, kafka: KafkaSettings, runner: Runner, executor: Executor
) -> faust.App:
    """Build the Faust app; importing this module builds nothing.

    `stream_wait_empty` is off, or a rebalance would wait as long as ClickHouse is away. The
    session timeout bounds how long a killed worker's partitions stand still.
    """
    datadir = home_dir() / "data" / "worker"
    datadir.mkdir(parents=True, exist_ok=True)
    app = faust.App(
        settings.group,
        broker=[f"hmara://{server.strip()}" for server in kafka.bootstrap_servers.split(",")],
        datadir=str(datadir),
        store="memory://",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=settings.fetch_bytes,
        stream_buffer_maxsize=settings.chunk_lists,
        stream_wait_empty=False,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.session_timeout_s / 5,
        broker_commit_interval=1.0,
        worker_redirect_stdouts=False,
    )
    ctx = Context(policy_version="0")
    add_web_event_agent(app, settings, lambda lists: runner.run(lists, ctx), executor)
    return app
