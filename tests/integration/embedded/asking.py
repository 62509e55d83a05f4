"""Asking the embedded services with stock clients, and their files with the kernel's help."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clickhouse_driver import Client
from clickhouse_driver.errors import Error as ClickHouseError
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from streams.embedded.home import SERVICES, SUPERVISOR, Home
from streams.embedded.processes import Process, read_pid_file
from streams.embedded.services import Services, read_status
from tests.support.waiting import wait_until


def make_topic(services: Services) -> str:
    """Create a topic with a name of its own."""
    topic = f"test.{uuid.uuid4().hex}.v1"
    admin = KafkaAdminClient(bootstrap_servers=services.kafka_bootstrap_servers)
    try:
        admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        admin.close()
    return topic


def put_record(services: Services, topic: str, value: bytes, within_s: float = 30.0) -> None:
    """Write one record and wait for its acknowledgement."""
    producer = KafkaProducer(
        bootstrap_servers=services.kafka_bootstrap_servers,
        acks="all",
        max_block_ms=round(within_s * 1000),
    )
    try:
        producer.send(topic, value).get(timeout=within_s)
    finally:
        producer.close()


def read_records(services: Services, topic: str) -> list[bytes]:
    """Return the values of all records of a topic."""
    partition = TopicPartition(topic, 0)
    consumer = KafkaConsumer(bootstrap_servers=services.kafka_bootstrap_servers)
    try:
        consumer.assign([partition])
        end = consumer.end_offsets([partition])[partition]
        consumer.seek_to_beginning(partition)
        values: list[bytes] = []
        while len(values) < end:
            for records in consumer.poll(timeout_ms=1_000).values():
                values += [record.value for record in records]
    finally:
        consumer.close()
    return values


@contextmanager
def open_clickhouse(services: Services, user: str, password: str | None = None) -> Iterator[Client]:
    """Connect over the native protocol, with the user's own password unless another is given."""
    credentials = services.credentials
    passwords = {
        credentials.admin_user: credentials.admin_password,
        credentials.service_user: credentials.service_password,
    }
    with Client(
        "127.0.0.1",
        services.ports.clickhouse_native,
        user=user,
        password=passwords[user] if password is None else password,
        connect_timeout=5,
    ) as client:
        yield client


def ask(services: Services, sql: str, *, user: str = "hmara_admin") -> list[tuple[object, ...]]:
    """Ask ClickHouse one query."""
    with open_clickhouse(services, user) as client:
        rows: list[tuple[object, ...]] = client.execute(sql)
        return rows


def refusal(services: Services, sql: str, *, user: str) -> int:
    """Return the error code with which ClickHouse refuses a query; 0 if it does not."""
    try:
        ask(services, sql, user=user)
    except ClickHouseError as error:
        return int(error.code)
    return 0


def find_processes(home: Path) -> dict[str, Process]:
    """Return the running processes that a home's pid files name."""
    files = {name: Home(home).pid_file(name) for name in (SUPERVISOR, *SERVICES)}
    found = {name: read_pid_file(path) for name, path in files.items()}
    return {name: process for name, process in found.items() if process is not None}


def await_up(services: Services) -> None:
    """Wait until every service answers again."""
    wait_until(lambda: read_status(services.home).is_up, "every service answers", 60)
