"""Is a service ready? Asked of the service itself, and only after the port is known to be its own.

Another home's broker would answer too, and another home's libchdb would die of our password.
"""

from __future__ import annotations

import http.client
import logging
from typing import Final

from clickhouse_driver import Client
from clickhouse_driver.errors import Error as ClickHouseError
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from streams.embedded.credentials import Credentials, read_credentials
from streams.embedded.home import KAFKA, Home
from streams.embedded.kafka import read_cluster_id
from streams.embedded.listeners import is_listening
from streams.embedded.ports import LOOPBACK, Ports, recall
from streams.embedded.processes import Process

_TIMEOUT_MS: Final = 5_000
_TIMEOUT_S: Final = 5


def is_ready(home: Home, service: str, process: Process) -> bool:
    """Tell whether the service of this home answers, and answers from this process."""
    ports = recall(home)
    if ports is None or not process.is_running:
        return False
    if service == KAFKA:
        return is_kafka_ready(process.pid, ports, read_cluster_id(home))
    return is_clickhouse_ready(process.pid, ports, read_credentials(home))


def is_kafka_ready(pid: int, ports: Ports, cluster_id: str | None) -> bool:
    """Tell whether this process is a broker of our cluster that answers a stock client."""
    if not is_listening(pid, ports.kafka):
        return False
    # What fails here is a broker that is not ready yet: no line of the client's log is worth it.
    log = logging.getLogger("kafka")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        cluster = _describe_cluster(ports.kafka)
    except (KafkaError, OSError):
        return False
    finally:
        log.setLevel(level)
    return bool(cluster["brokers"]) and cluster["cluster_id"] == cluster_id


def is_clickhouse_ready(pid: int, ports: Ports, credentials: Credentials) -> bool:
    """Tell whether this process answers a ping over HTTP and a query over the native protocol."""
    if not all(
        is_listening(pid, port) for port in (ports.clickhouse_native, ports.clickhouse_http)
    ):
        return False
    try:
        return _ping(ports.clickhouse_http) and bool(
            ask_version(ports.clickhouse_native, credentials)
        )
    except (ClickHouseError, OSError, http.client.HTTPException):
        return False


def ask_version(native_port: int, credentials: Credentials) -> str:
    """Return ClickHouse's own version() over the native protocol."""
    with Client(
        LOOPBACK, native_port, user=credentials.service_user, password=credentials.service_password,
        connect_timeout=_TIMEOUT_S, send_receive_timeout=_TIMEOUT_S,
    ) as client:  # fmt: skip
        return str(client.execute("SELECT version()")[0][0])


def _describe_cluster(port: int) -> dict[str, object]:
    client = KafkaAdminClient(
        bootstrap_servers=f"{LOOPBACK}:{port}", client_id="hmara-readiness",
        request_timeout_ms=_TIMEOUT_MS, bootstrap_timeout_ms=_TIMEOUT_MS,
    )  # fmt: skip
    try:
        cluster: dict[str, object] = client.describe_cluster()
    finally:
        client.close()
    return cluster


def _ping(http_port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, http_port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().read() == b"Ok.\n"
    finally:
        connection.close()
