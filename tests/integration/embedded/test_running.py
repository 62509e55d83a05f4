"""What the running services give, to whom, and where."""

from __future__ import annotations

import stat
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from clickhouse_driver.errors import Error as ClickHouseError
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from streams.embedded.home import Home
from streams.embedded.kafka import read_cluster_id
from streams.embedded.listeners import listening_addresses
from streams.embedded.services import Services, read_status, start_services
from tests.integration.embedded.asking import (
    ask,
    find_processes,
    make_topic,
    open_clickhouse,
    put_record,
    read_records,
    refusal,
)

pytestmark = pytest.mark.integration

NOT_ENOUGH_PRIVILEGES = 497
UNKNOWN_TABLE = 60
SESSION_LIMIT_EXCEEDED = "USER_SESSION_LIMIT_EXCEEDED"


MIGRATION = (
    "CREATE DATABASE migrated",
    """CREATE TABLE migrated.t (a UInt8, t DateTime) ENGINE = ReplacingMergeTree ORDER BY a
    TTL t + INTERVAL 1 DAY""",
    "CREATE VIEW migrated.v AS SELECT a FROM migrated.t",
    "ALTER TABLE migrated.t ADD COLUMN b String",
    "ALTER TABLE migrated.t DELETE WHERE a = 1 SETTINGS mutations_sync = 2",
    "OPTIMIZE TABLE migrated.t FINAL",
    "DROP DATABASE migrated",
)


@pytest.fixture(scope="module")
def table(running: Services) -> None:
    """Create the table `staging.one`, as a migration would."""
    ask(running, "CREATE DATABASE IF NOT EXISTS staging")
    ask(running, "CREATE TABLE staging.one (a UInt64, s String) ENGINE = MergeTree ORDER BY a")


def _ask_http(services: Services, sql: str, user: str, password: str) -> tuple[int, str]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{services.ports.clickhouse_http}/",
        data=sql.encode(),
        headers={"X-ClickHouse-User": user, "X-ClickHouse-Key": password},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_kafka_is_a_real_broker(running: Services) -> None:
    """A stock client reads versions and metadata from a broker of this home's own cluster."""
    admin = KafkaAdminClient(bootstrap_servers=running.kafka_bootstrap_servers)
    try:
        cluster = admin.describe_cluster()
    finally:
        admin.close()
    assert cluster["cluster_id"] == read_cluster_id(Home(running.home))
    assert len(cluster["brokers"]) == 1
    command = Path(f"/proc/{find_processes(running.home)['kafka'].pid}/cmdline").read_bytes()
    assert b"kafka.Kafka" in command.split(b"\0")


def test_kafka_keeps_records_and_makes_no_topic_by_itself(running: Services) -> None:
    """A declared topic takes records and gives them back; an undeclared one is refused."""
    topic = make_topic(running)
    put_record(running, topic, b"one")
    assert read_records(running, topic) == [b"one"]
    with pytest.raises(KafkaError):
        put_record(running, f"{topic}.misspelt", b"two", within_s=2)


def test_kafka_settings_reach_the_broker(running: Services) -> None:
    """A line that the caller gave is in force: here, a log cleaner that looks every second."""
    admin = KafkaAdminClient(bootstrap_servers=running.kafka_bootstrap_servers)
    try:
        broker = ConfigResource(ConfigResourceType.BROKER, "1")
        found = admin.describe_configs([broker], config_filter="all")["broker"]["1"]
    finally:
        admin.close()
    assert found["log.cleaner.backoff.ms"]["value"] == "1000"
    assert found["auto.create.topics.enable"]["value"] == "false"


def test_clickhouse_answers_over_both_protocols(running: Services) -> None:
    """The native protocol and HTTP answer with the same version."""
    version = str(ask(running, "SELECT version()", user="service")[0][0])
    password = running.credentials.service_password
    assert _ask_http(running, "SELECT version()", "service", password) == (200, f"{version}\n")
    assert int(version.partition(".")[0]) >= 25


def test_nothing_listens_beyond_loopback(running: Services) -> None:
    """Each process listens on its own ports of 127.0.0.1 and on nothing else."""
    found = {
        name: listening_addresses(process.pid)
        for name, process in find_processes(running.home).items()
    }
    ports = running.ports
    assert found == {
        "supervisor": frozenset(),
        "kafka": {("127.0.0.1", ports.kafka), ("127.0.0.1", ports.kafka_controller)},
        "clickhouse": {
            ("127.0.0.1", ports.clickhouse_native),
            ("127.0.0.1", ports.clickhouse_http),
        },
    }


@pytest.mark.usefixtures("table")
def test_service_writes_and_reads_rows(running: Services) -> None:
    """The worker's user may insert into the four databases and read what it wrote."""
    with open_clickhouse(running, "service") as client:
        client.execute("INSERT INTO staging.one VALUES", [(1, "x")])
        assert client.execute("SELECT a, s FROM staging.one WHERE a = 1") == [(1, "x")]


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE staging.two (a UInt8) ENGINE = Memory",
        "CREATE DATABASE other",
        "DROP TABLE staging.one",
        "TRUNCATE TABLE staging.one",
        "ALTER TABLE staging.one DELETE WHERE 1",
        "DELETE FROM staging.one WHERE 1",
        "OPTIMIZE TABLE staging.one",
        "CREATE USER other",
        "SYSTEM STOP LISTEN TCP",
        "SYSTEM SHUTDOWN",
        "SELECT name FROM system.users",
        "SELECT query FROM system.processes",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    ],
)
def test_service_may_nothing_else(running: Services, sql: str) -> None:
    """The worker's user changes no table, sees no user or query, reads no file or address."""
    assert refusal(running, sql, user="service") == NOT_ENOUGH_PRIVILEGES


def test_admin_migrates_and_makes_no_users(running: Services) -> None:
    """The admin creates, changes and drops in any database, but users come from users.xml alone."""
    for sql in MIGRATION:
        assert refusal(running, sql, user="hmara_admin") == 0, sql
    for sql in ("CREATE USER other", "SELECT * FROM file('/etc/passwd', 'LineAsString')"):
        assert refusal(running, sql, user="hmara_admin") == NOT_ENOUGH_PRIVILEGES


def test_default_user_gets_in_nowhere(running: Services) -> None:
    """Nobody logs in as `default`: libchdb's own session is the only one that it may have."""
    status, text = _ask_http(running, "SELECT 1", "default", "")
    assert status != 200
    assert SESSION_LIMIT_EXCEEDED in text


@pytest.mark.usefixtures("table")
def test_no_log_holds_what_a_query_said(running: Services) -> None:
    """A literal of a failing query comes back to its client and stands in no file of the home."""
    literal = "198.51.100.23"
    failing = f"SELECT throwIf(s = s, '{literal}') FROM staging.one"
    with open_clickhouse(running, "service") as client:
        client.execute("INSERT INTO staging.one VALUES", [(2, "x")])
        with pytest.raises(ClickHouseError, match=literal):
            client.execute(failing)
    password = running.credentials.service_password
    for sql in (failing, f"SELECT '{literal}", f"INSERT INTO staging.one VALUES ('{literal}')"):
        assert literal in _ask_http(running, sql, "service", password)[1]
    folders = (Home(running.home).logs, Home(running.home).data / "clickhouse")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if literal.encode() in path.read_bytes()]
    for name in ("query_log", "text_log", "session_log"):
        assert refusal(running, f"SELECT 1 FROM system.{name}", user="hmara_admin") == UNKNOWN_TABLE


def test_what_the_services_leave_is_private(running: Services) -> None:
    """Whatever the services and their supervisor write is closed to other users of the machine."""
    home = Home(running.home)
    for folder in (home.run, home.logs, home.data):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    open_files = [
        path
        for path in home.run.rglob("*")
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    assert open_files == []


def test_a_second_start_finds_the_first(running: Services, lib: Path) -> None:
    """Starting services that run changes nothing; leaving such a `with` block stops nothing."""
    before = find_processes(running.home)
    with start_services(running.home, lib) as again:
        assert again.was_running
        assert again.ports == running.ports
    assert find_processes(running.home) == before
    status = read_status(running.home)
    assert status.is_up
    assert [service.restarts for service in status.services] == [0, 0]
