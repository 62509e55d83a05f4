"""What is compared: hmara's worker, a stock Faust app, and a loop without Faust; each a process."""

from __future__ import annotations

import json
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from tests.bench.errors import BenchError
from tests.bench.processes import read_cpu_s, read_peak_rss_bytes, running
from tests.bench.services import HMARA, Services, count_rows, empty_table

_START_S: Final = 60.0
_LONGEST_S: Final = 900.0
_LOOK_S: Final = 0.02
_LONGEST_LOOK_S: Final = 0.5
_READY_LOOK_S: Final = 0.01
_ROWS: Final = 'hmara_worker_rows_stored_total{sink="staging.hit"}'
_CHUNKS: Final = "hmara_worker_chunk_events_count"
_CHUNK_EVENTS: Final = "hmara_worker_chunk_events_sum"
_DEAD: Final = "hmara_worker_dead_letters_total"
_STEP: Final = "hmara_worker_step_seconds_sum"


@dataclass(frozen=True, slots=True)
class Run:
    """One consumer emptying one topic: wall time from ready to the last row's insert answered."""

    events: int
    wall_s: float
    cpu_s: float
    kafka_cpu_s: float
    clickhouse_cpu_s: float
    peak_rss_bytes: int
    chunk_events: float
    wall_by_step_s: dict[str, float]

    @property
    def events_per_s(self) -> float:
        """Throughput."""
        return self.events / self.wall_s

    def per_event_us(self, seconds: float) -> float:
        """Return microseconds per event."""
        return seconds / self.events * 1e6


@dataclass(slots=True)
class Watch:
    """Seconds that passed during a run: on the clock, and of CPU by process."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    kafka_cpu_s: float = 0.0
    clickhouse_cpu_s: float = 0.0

    def to_run(
        self, events: int, peak_rss_bytes: int, chunk_events: float, steps: dict[str, float]
    ) -> Run:
        """Return the run."""
        return Run(
            events,
            self.wall_s,
            self.cpu_s,
            self.kafka_cpu_s,
            self.clickhouse_cpu_s,
            peak_rss_bytes,
            chunk_events,
            steps,
        )


def run_worker(services: Services, events: int) -> Run:
    """Let `hmara worker` empty `web.event.v1` into a new table."""
    port = find_free_port()
    variables = {
        "HMARA_WORKER_GROUP": f"bench-{secrets.token_hex(4)}",
        "HMARA_WORKER_METRICS_PORT": str(port),
    }
    empty_table(services)
    with running([HMARA, "worker"], variables) as process:
        _wait_until_ready(port, process.poll)
        with _watching(services, process.pid) as watch:
            found = _wait_for_rows(port, events)
        peak_rss_bytes = read_peak_rss_bytes(process.pid)
    if dead := sum(value for name, value in found.items() if name.startswith(_DEAD)):
        message = f"running the worker: {dead:.0f} dead letters"
        raise BenchError(message)
    _check_rows(services, events)
    steps = {
        name.partition('step="')[2].rstrip('"}'): value
        for name, value in found.items()
        if name.startswith(_STEP)
    }
    chunk_events = found[_CHUNK_EVENTS] / found[_CHUNKS]
    return watch.to_run(events, peak_rss_bytes, chunk_events, steps)


def run_module(services: Services, module: str, topic: str, events: int) -> Run:
    """Let another consumer empty a topic into a new table.

    It says `ready` on a line when it has its partitions, and a line of JSON when it has stored
    all events: how many inserts that took.
    """
    empty_table(services)
    group = f"bench-{secrets.token_hex(4)}"
    command = [sys.executable, "-m", f"tests.bench.{module}", topic, group, str(events)]
    with running(command) as process:
        # Faust's worker writes terminal codes before it.
        if process.stdout is None or not process.stdout.readline().rstrip().endswith("ready"):
            message = f"running {module}: it did not start"
            raise BenchError(message)
        with _watching(services, process.pid) as watch:
            line = process.stdout.readline()
        if not line:
            message = f"running {module}: it ended early"
            raise BenchError(message)
        peak_rss_bytes = read_peak_rss_bytes(process.pid)
    _check_rows(services, events)
    return watch.to_run(events, peak_rss_bytes, events / json.loads(line)["inserts"], {})


@contextmanager
def _watching(services: Services, pid: int) -> Iterator[Watch]:
    """Yield what holds, afterwards, the seconds that passed meanwhile."""
    found = Watch()
    kafka_s, clickhouse_s = services.read_cpu_s()
    own_s, start_s = read_cpu_s(pid), time.monotonic()
    yield found
    found.wall_s = time.monotonic() - start_s
    found.cpu_s = read_cpu_s(pid) - own_s
    kafka_end_s, clickhouse_end_s = services.read_cpu_s()
    found.kafka_cpu_s = kafka_end_s - kafka_s
    found.clickhouse_cpu_s = clickhouse_end_s - clickhouse_s


def _check_rows(services: Services, events: int) -> None:
    rows = count_rows(services)
    if rows != events:
        message = f"checking the table: {rows} rows of {events} events"
        raise BenchError(message)


def find_free_port() -> int:
    """Return a local port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _wait_until_ready(port: int, poll: object) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            if time.monotonic() > deadline or (callable(poll) and poll() is not None):
                message = "running the worker: it is not ready"
                raise BenchError(message) from None
        time.sleep(_READY_LOOK_S)


def _wait_for_rows(port: int, events: int) -> dict[str, float]:
    """Wait until so many rows are stored, looking seldom: each look costs the worker CPU."""
    start_s = time.monotonic()
    while True:
        found = _scrape(port)
        rows, past_s = found.get(_ROWS, 0.0), time.monotonic() - start_s
        if rows >= events:
            return found
        if past_s > _LONGEST_S:
            message = f"running the worker: stuck at {rows:.0f} of {events} rows"
            raise BenchError(message)
        left_s = past_s * (events - rows) / rows if rows else _LONGEST_LOOK_S
        time.sleep(min(max(left_s / 2, _LOOK_S), _LONGEST_LOOK_S))


def _scrape(port: int) -> dict[str, float]:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if line.startswith("hmara_"))
    return {name: float(value) for name, _, value in pairs}
