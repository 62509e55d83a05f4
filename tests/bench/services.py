"""Kafka and ClickHouse of a benchmark: an installation of its own, emptied between runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import NewTopic, OffsetSpec

from schemas.topics import WEB_EVENT
from sinks.clickhouse.client import open_native
from streams.settings import HOME_VARIABLE, ClickHouseSettings, KafkaSettings, home_dir, lib_dir
from streams.topic_admin import apply_topics, open_admin, plan_topics
from tests.bench.errors import BenchError
from tests.bench.processes import find_listener, read_cpu_s

SINGLE_TOPIC: Final = "bench.single.v1"
"""One event per record, for the stock consumer; no part of hmara reads it."""
_HOME: Final = Path(".hmara") / "bench"
_MARKER: Final = "benchmark"
_TOPIC_TIMEOUT_S: Final = 30.0
_STEP_S: Final = 0.1
HMARA: Final = str(Path(sys.executable).parent / "hmara")


@dataclass(frozen=True, slots=True)
class Services:
    """Where the two services are, and their processes if they run on this machine."""

    kafka: KafkaSettings
    clickhouse: ClickHouseSettings
    kafka_pid: int | None
    clickhouse_pid: int | None

    def read_cpu_s(self) -> tuple[float, float]:
        """Return the CPU seconds of Kafka and of ClickHouse so far; 0 for one that is elsewhere."""
        kafka, clickhouse = (
            read_cpu_s(pid) if pid else 0.0 for pid in (self.kafka_pid, self.clickhouse_pid)
        )
        return kafka, clickhouse


@contextmanager
def open_services(*, use_running: bool) -> Iterator[Services]:
    """Give a benchmark its services.

    Args:
        use_running: take the ones the environment names, else start embedded ones whose data lie
            under `.hmara/bench`, and stop them in the end.

    Raises:
        BenchError: they can not be had, or hold events that no benchmark wrote.
    """
    if use_running:
        yield _connect()
        return
    os.environ.setdefault("HMARA_LIB_DIR", str(lib_dir()))
    os.environ[HOME_VARIABLE] = str(_HOME.absolute())
    _call("up")
    try:
        _call("migrate")
        yield _connect()
    finally:
        _call("down")


def _call(verb: str) -> None:
    result = subprocess.run([HMARA, verb], check=False)
    if result.returncode:
        message = f"preparing the benchmark: `hmara {verb}` ended with {result.returncode}"
        raise BenchError(message)


def _connect() -> Services:
    kafka, clickhouse = KafkaSettings.load(), ClickHouseSettings.load()
    services = Services(
        kafka,
        clickhouse,
        find_listener(int(kafka.bootstrap_servers.split(",")[0].rpartition(":")[2])),
        find_listener(clickhouse.native_port),
    )
    marker = home_dir() / _MARKER
    if not marker.exists() and (_count_records(kafka) or count_rows(services)):
        message = (
            "preparing the benchmark: these services hold events that no benchmark wrote, and it"
            " would delete them; give it an empty installation"
        )
        raise BenchError(message)
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
    return services


def _count_records(kafka: KafkaSettings) -> int:
    with open_admin(kafka.bootstrap_servers) as admin:
        if WEB_EVENT.name not in admin.list_topics():
            return 0
        partitions = [TopicPartition(WEB_EVENT.name, n) for n in range(WEB_EVENT.partitions)]
        ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
        starts = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
    return sum(ends[part].offset - starts[part].offset for part in partitions)


def empty_topic(services: Services, topic: str) -> None:
    """Make a topic new: `web.event.v1` as declared, another one in the same shape."""
    with open_admin(services.kafka.bootstrap_servers) as admin:
        if topic in admin.list_topics():
            admin.delete_topics([topic])
            _wait_until_gone(admin, topic)
        if topic == WEB_EVENT.name:
            apply_topics(admin, plan_topics(admin))
        else:
            settings = WEB_EVENT.settings()
            admin.create_topics([NewTopic(topic, WEB_EVENT.partitions, 1, topic_configs=settings)])


def _wait_until_gone(admin: KafkaAdminClient, topic: str) -> None:
    deadline = time.monotonic() + _TOPIC_TIMEOUT_S
    while topic in admin.list_topics():
        if time.monotonic() > deadline:
            message = f"preparing the benchmark: {topic} was not deleted in {_TOPIC_TIMEOUT_S:g} s"
            raise BenchError(message)
        time.sleep(_STEP_S)


def empty_table(services: Services) -> None:
    """Forget every hit."""
    with open_native(services.clickhouse.as_admin()) as client:
        client.execute("TRUNCATE TABLE staging.hit")


def count_rows(services: Services) -> int:
    """Count the hits as their readers do."""
    with open_native(services.clickhouse.as_service()) as client:
        if not client.execute("EXISTS TABLE staging.hit")[0][0]:
            return 0
        return int(client.execute("SELECT count() FROM staging.hit FINAL")[0][0])


def read_version(services: Services) -> str:
    """Return ClickHouse's version."""
    with open_native(services.clickhouse.as_service()) as client:
        return str(client.execute("SELECT version()")[0][0])
