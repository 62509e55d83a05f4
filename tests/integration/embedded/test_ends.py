"""What is killed comes back with its data, or ends with what it depends on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from clickhouse_driver.errors import Error as ClickHouseError

from streams.embedded.services import Services, read_status, start_services
from tests.integration.embedded.asking import (
    ask,
    await_up,
    find_processes,
    make_topic,
    open_clickhouse,
    put_record,
    read_records,
)
from tests.integration.embedded.conftest import ANY_PORTS

pytestmark = pytest.mark.integration

# Starts services that are tied to itself, says so, and does nothing more.
LAUNCHER = """
import signal, sys
from pathlib import Path
from streams.embedded.ports import Ports
from streams.embedded.services import Tuning, start_services
start_services(Path(sys.argv[1]), Path(sys.argv[2]), tie_to_parent=True,
               tuning=Tuning(usual_ports=Ports(0, 0, 0, 0)))
print("ready", flush=True)
signal.pause()
"""


def _restarts(services: Services) -> dict[str, int]:
    return {each.name: each.restarts for each in read_status(services.home).services}


def test_killed_services_are_served_again(running: Services) -> None:
    """After SIGKILL of both, each comes back under its address, with its data."""
    topic = make_topic(running)
    put_record(running, topic, b"before")
    ask(running, "CREATE DATABASE kept")
    ask(running, "CREATE TABLE kept.t (a UInt8) ENGINE = MergeTree ORDER BY a")
    ask(running, "INSERT INTO kept.t VALUES (7)")
    before = find_processes(running.home)
    for name in ("kafka", "clickhouse"):
        before[name].send(signal.SIGKILL)
        assert before[name].wait_end(10)
    await_up(running)
    after = find_processes(running.home)
    assert after["supervisor"] == before["supervisor"]
    assert _restarts(running) == {"kafka": 1, "clickhouse": 1}
    assert ask(running, "SELECT a FROM kept.t") == [(7,)]
    assert read_records(running, topic) == [b"before"]


def test_a_wrong_password_costs_a_restart_at_most(running: Services) -> None:
    """A known limit of libchdb: a refused login ends the process; it is served again at once."""
    before = find_processes(running.home)["clickhouse"]
    with (
        pytest.raises(ClickHouseError, match="Authentication failed"),
        open_clickhouse(running, "service", "wrong") as client,
    ):
        client.execute("SELECT 1")
    library = Path(f"/proc/{before.pid}/maps")
    if library.exists() and "libchdb" in library.read_text():
        assert before.wait_end(30)
    await_up(running)
    assert ask(running, "SELECT 1", user="service") == [(1,)]


def test_a_restart_keeps_data_and_addresses(home: Path, lib: Path) -> None:
    """Stopped and started again, the ports, passwords, a Kafka record and a row are as before."""
    with start_services(home, lib, tuning=ANY_PORTS) as first:
        topic = make_topic(first)
        put_record(first, topic, b"kept")
        ask(first, "CREATE DATABASE kept")
        ask(first, "CREATE TABLE kept.t (a UInt8) ENGINE = MergeTree ORDER BY a")
        ask(first, "INSERT INTO kept.t VALUES (7)")
        processes = find_processes(home)
    assert not [process for process in processes.values() if process.is_running]
    assert read_status(home).supervisor_pid is None
    with start_services(home, lib, tuning=ANY_PORTS) as second:
        assert (second.ports, second.credentials) == (first.ports, first.credentials)
        assert read_records(second, topic) == [b"kept"]
        assert ask(second, "SELECT a FROM kept.t") == [(7,)]


def test_nothing_outlives_a_killed_launcher(home: Path, lib: Path) -> None:
    """SIGKILL of the process that started tied services ends them; the next start joins none."""
    command = [sys.executable, "-c", LAUNCHER, str(home), str(lib)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as launcher:
        assert launcher.stdout is not None
        assert launcher.stdout.readline() == b"ready\n"
        assert read_status(home).launcher_pid == launcher.pid
        old = find_processes(home)
        launcher.kill()
    # At once: the old ones may not have noticed yet.
    with start_services(home, lib, tuning=ANY_PORTS) as services:
        assert not services.was_running
        assert set(old) == {"supervisor", "kafka", "clickhouse"}
        assert [name for name, process in old.items() if process.is_running] == []
    assert find_processes(home) == {}


def test_nothing_outlives_a_killed_supervisor(home: Path, lib: Path) -> None:
    """SIGKILL of the supervisor takes its children along, and the next start finds no obstacle."""
    start_services(home, lib, tuning=ANY_PORTS)
    processes = find_processes(home)
    processes["supervisor"].send(signal.SIGKILL)
    assert [name for name, process in processes.items() if not process.wait_end(10)] == []
    assert not read_status(home).is_up
    with start_services(home, lib, tuning=ANY_PORTS) as again:
        assert not again.was_running
        assert set(find_processes(home).values()).isdisjoint(processes.values())
