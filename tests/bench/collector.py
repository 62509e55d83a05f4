"""Throughput and latency of the collector on one core, with Kafka, without, and parsing alone."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final
from urllib.request import urlopen

from confluent_kafka import Producer

from schemas.topics import WEB_EVENT
from streams.collector.avro_writer import write_batch
from tests.bench.collector_server import VARIANTS
from tests.bench.consumers import find_free_port
from tests.bench.errors import BenchError
from tests.bench.events import ORIGIN, SCHEMA_ID, SITE, make_events
from tests.bench.load import EVENTS_PER_POST, Load, find_wrk, pin, put_load
from tests.bench.processes import running
from tests.bench.report import Page, Table, console, describe_machine, judge
from tests.bench.services import Services, empty_topic, read_version

CONNECTIONS: Final = (32, 256)
_GOAL_SHARE: Final = 0.4
_GOAL_ROUND_TRIPS: Final = 3.0
_CORES: Final = 2
_START_S: Final = 30.0
_LOOK_S: Final = 0.05
_WARM_UP_S: Final = 1.0
_SERVER_CORE: Final = 0

Loads = dict[tuple[str, int], list[Load]]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    runs: int
    seconds: float
    round_trips: int


FULL: Final = Plan(runs=3, seconds=4.0, round_trips=1_000)
QUICK: Final = Plan(runs=1, seconds=2.0, round_trips=200)


@dataclass(frozen=True, slots=True)
class Server:
    """One variant, serving."""

    port: int
    pid: int


def measure(services: Services, plan: Plan) -> Page:
    """Run everything and return the page."""
    find_wrk()
    if (os.cpu_count() or 1) < _CORES:
        message = "measuring the collector: it needs two cores, one for wrk"
        raise BenchError(message)
    machine = describe_machine(read_version(services))
    page = Page("collector", "Acknowledged POSTs on one core", machine)
    empty_topic(services, WEB_EVENT.name)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(_serving(name)) for name in VARIANTS}
        loads = _put_loads(servers, plan)
        lone_ms, trips_ms = [], []
        for _ in range(plan.runs):
            lone_ms.append(_lone(servers["kafka"], plan))
            trips_ms.append(measure_round_trip_ms(services, plan.round_trips))
        halves = [_put_half_load(servers["kafka"], loads, plan) for _ in range(plan.runs)]
    page.add(_loads_table(loads))
    page.add(_lone_table(lone_ms, trips_ms))
    page.add(_half_table(halves))
    for connections in CONNECTIONS:
        whole, parsing = loads["kafka", connections], loads["validate", connections]
        share = _median(whole, _rate) / _median(parsing, _rate)
        cpu_share = _median(parsing, _cpu_us) / _median(whole, _cpu_us)
        what = f"POSTs/s against parsing alone, {connections} connections"
        page.goals.append(judge(what, share, _GOAL_SHARE, note=f"by CPU per POST {cpu_share:.2g}"))
    trips = median(lone_ms) / median(trips_ms)
    what = "A lone POST in Kafka round trips (p50)"
    page.goals.append(judge(what, trips, _GOAL_ROUND_TRIPS, at_most=True))
    page.observations += _OBSERVATIONS
    return page


_OBSERVATIONS: Final = f"""\
wrk posts {EVENTS_PER_POST} events (1.2 KB) at a time, each POST with another page load, as fast \
as answers come. The server is pinned to core 0 and wrk to core 1; Kafka runs where there is \
room, mostly beside wrk. Medians; the range of the runs stands in brackets; the variants take \
turns.
`kafka` is the collector as it is, with everything on (rate limit, robots, data centres, \
redaction, channels): 202 after acks=all. `instant` does everything but send: its sink \
acknowledges at once. `validate` parses and bounds the body, and answers.
CPU per POST is that of all threads of the server, librdkafka's among them.
Half the load is put by {CONNECTIONS[-1]} connections with random pauses.
A lone POST comes from one connection that waits for each answer. The round trip is one \
confluent-kafka produce with acks=all of the record that such a POST becomes, and the wait for \
its report.
Every answer was 202: after another one, or a broken connection, there is no page.
""".splitlines()


@contextmanager
def _serving(variant: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        sites = Path(folder) / "sites.toml"
        sites.write_text(f'[[sites]]\nid = "{SITE}"\norigins = ["{ORIGIN}"]\n', "utf-8")
        port = find_free_port()
        module = [sys.executable, "-m", "tests.bench.collector_server"]
        command = pin(_SERVER_CORE, [*module, variant, str(sites), str(port)])
        with running(command) as process:
            _wait_until_up(port, process.poll)
            yield Server(port, process.pid)


def _wait_until_up(port: int, poll: Callable[[], int | None]) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=_START_S):
                return
        except OSError:
            if poll() is not None or time.monotonic() > deadline:
                message = "measuring the collector: it did not start"
                raise BenchError(message) from None
        time.sleep(_LOOK_S)


def _put_loads(servers: dict[str, Server], plan: Plan) -> Loads:
    found: Loads = {(name, count): [] for count in CONNECTIONS for name in servers}
    for server in servers.values():
        put_load(server.port, server.pid, connections=CONNECTIONS[0], seconds=_WARM_UP_S)
    for turn in range(plan.runs):
        console.print(f"posting, run {turn + 1} of {plan.runs}")
        for name, connections in found:
            server = servers[name]
            load = put_load(server.port, server.pid, connections=connections, seconds=plan.seconds)
            found[name, connections].append(load)
    return found


def _put_half_load(server: Server, loads: Loads, plan: Plan) -> Load:
    """Load the collector with about half of what it can take, by pauses on each connection."""
    connections = CONNECTIONS[-1]
    half_per_s = _median(loads["kafka", connections], _rate) / 2
    pause_ms = round(connections / half_per_s * 1e3)
    return put_load(
        server.port,
        server.pid,
        connections=connections,
        seconds=plan.seconds,
        pause_ms=pause_ms,
    )


def _lone(server: Server, plan: Plan) -> float:
    return put_load(server.port, server.pid, connections=1, seconds=plan.seconds).p50_ms


def measure_round_trip_ms(services: Services, count: int) -> float:
    """Return the median time of one acknowledged produce, with none beside it."""
    producer = Producer(
        {
            "bootstrap.servers": services.kafka.bootstrap_servers,
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 0,
            "compression.type": "lz4",
        }
    )
    value = write_batch(
        SCHEMA_ID, "hmara-collector/bench", EVENTS_PER_POST, make_events(EVENTS_PER_POST, 1)
    )
    times_s = []
    for number in range(count):
        start_s = time.perf_counter()
        producer.produce(WEB_EVENT.name, value, partition=number % WEB_EVENT.partitions)
        if producer.flush(_START_S):
            message = "measuring the round trip: Kafka did not answer"
            raise BenchError(message)
        times_s.append(time.perf_counter() - start_s)
    return median(times_s) * 1e3


def _median(loads: list[Load], read: Callable[[Load], float]) -> float:
    return median(read(load) for load in loads)


def _rate(load: Load) -> float:
    return load.posts_per_s


def _cpu_us(load: Load) -> float:
    return load.cpu_per_post_us


def _loads_table(loads: Loads) -> Table:
    rows = []
    for (name, connections), found in loads.items():
        rates = sorted(load.posts_per_s for load in found)
        rows.append(
            (
                name,
                str(connections),
                f"{median(rates):,.0f}",
                f"{rates[0]:,.0f}-{rates[-1]:,.0f}",
                f"{_median(found, _cpu_us):.0f}",
                f"{_median(found, lambda load: load.p50_ms):.1f}",
                f"{_median(found, lambda load: load.p99_ms):.1f}",
            )
        )
    columns = ("server", "connections", "POST/s", "range", "CPU us/POST", "p50 ms", "p99 ms")
    return Table("Answered POSTs of five events, server on one core", columns, rows)


def _half_table(halves: list[Load]) -> Table:
    row = (
        f"{_median(halves, _rate):,.0f}",
        f"{_median(halves, lambda load: load.p50_ms):.1f}",
        f"{_median(halves, lambda load: load.p99_ms):.1f}",
    )
    return Table("Half the load", ("POST/s", "p50 ms", "p99 ms"), [row])


def _lone_table(lone_ms: list[float], trips_ms: list[float]) -> Table:
    rows = [
        ("lone POST", f"{median(lone_ms):.2f}", f"{min(lone_ms):.2f}-{max(lone_ms):.2f}"),
        ("Kafka round trip", f"{median(trips_ms):.2f}", f"{min(trips_ms):.2f}-{max(trips_ms):.2f}"),
    ]
    return Table("One request at a time", ("", "p50 ms", "range of the runs"), rows)


if __name__ == "__main__":
    from tests.bench.__main__ import main

    sys.exit(main(["collector", *sys.argv[1:]]))
