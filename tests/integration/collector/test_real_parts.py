"""What the other tests run on is the real thing."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from clickhouse_driver import Client
from kafka import KafkaAdminClient

from streams.embedded.services import Services

pytestmark = pytest.mark.integration

PRODUCE, FETCH, API_VERSIONS = 0, 1, 18


def test_kafka_is_a_jvm_that_speaks_kafka(services: Services) -> None:
    """A stock client reads ApiVersions from the broker, and behind its port runs Java."""
    admin = KafkaAdminClient(bootstrap_servers=services.kafka_bootstrap_servers)
    try:
        brokers = admin.describe_cluster()["brokers"]
        versions = admin.get_broker_version_data(brokers[0]["broker_id"]).api_versions
    finally:
        admin.close()
    assert [broker["port"] for broker in brokers] == [services.ports.kafka]
    assert {PRODUCE, FETCH, API_VERSIONS} <= set(versions)
    assert find_program(services.ports.kafka).name == "java"


def test_clickhouse_is_clickhouse(services: Services) -> None:
    """A stock client reads version() over TCP, and it is 26 or newer."""
    with Client(
        "127.0.0.1",
        services.ports.clickhouse_native,
        user=services.credentials.service_user,
        password=services.credentials.service_password,
    ) as client:
        ((version,),) = client.execute("SELECT version()")
    assert int(version.partition(".")[0]) >= 26


def find_program(port: int) -> Path:
    """Return the program of the process that listens on a port."""
    pids = [
        connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
    ]
    return Path(f"/proc/{pids[0]}/exe").readlink()
