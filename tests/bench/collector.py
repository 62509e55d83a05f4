"""The collector: acknowledged POSTs of five events, beside the same server without its end."""

from __future__ import annotations

import secrets
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final
from urllib.error import URLError
from urllib.request import Request, urlopen

import httpx
from confluent_kafka import Producer

from schemas.topics import WEB_EVENT
from tests.bench.collector_server import VARIANTS
from tests.bench.errors import BenchError
from tests.bench.events import ORIGIN, SITE
from tests.bench.load import EVENTS_PER_POST, Load, pin, put_load
from tests.bench.processes import running
from tests.bench.services import Services, empty_topic

CONNECTIONS: Final = (32, 256)
GOAL_SHARE: Final = 0.4
GOAL_ROUND_TRIPS: Final = 3.0
_WARM_S: Final = 1.0
_READY_S: Final = 60.0
_LONE: Final = 300
_RECORD_BYTES: Final = 250


@dataclass(frozen=True, slots=True)
class CollectorPlan:
    """How long each load lasts, and how often it is put."""

    seconds: float
    repeats: int


FULL: Final = CollectorPlan(4.0, 3)
QUICK: Final = CollectorPlan(1.0, 1)


@dataclass(frozen=True, slots=True)
class CollectorResult:
    """Loads by variant and connections, and the two latencies of a lone request."""

    loads: dict[tuple[str, int], tuple[Load, ...]]
    lone_p50_ms: float
    round_trip_p50_ms: float

    def middle(self, variant: str, connections: int, read: Callable[[Load], float]) -> float:
        """Return the median of a figure."""
        return median(read(load) for load in self.loads[variant, connections])


def measure_collector(services: Services, plan: CollectorPlan) -> CollectorResult:
    """Load each variant in turn, server on one core, wrk on the other."""
    empty_topic(services, WEB_EVENT.name)
    loads: dict[tuple[str, int], list[Load]] = {}
    lone_p50_ms = 0.0
    for _ in range(plan.repeats):
        for variant in VARIANTS:
            with _serving(variant) as (port, pid):
                put_load(port, pid, connections=CONNECTIONS[0], seconds=_WARM_S)
                for connections in CONNECTIONS:
                    load = put_load(port, pid, connections=connections, seconds=plan.seconds)
                    loads.setdefault((variant, connections), []).append(load)
                if variant == VARIANTS[0]:
                    lone_p50_ms = _time_lone_requests(port)
    round_trip_ms = _time_round_trips(services)
    frozen = {key: tuple(value) for key, value in loads.items()}
    return CollectorResult(frozen, lone_p50_ms, round_trip_ms)


@contextmanager
def _serving(variant: str) -> Iterator[tuple[int, int]]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        sites = Path(folder) / "sites.toml"
        sites.write_text(f'[[sites]]\nid = "{SITE}"\norigins = ["{ORIGIN}"]\n', "utf-8")
        module = "tests.bench.collector_server"
        command = pin(0, [sys.executable, "-m", module, variant, str(sites), str(port)])
        with running(command) as process:
            deadline = time.monotonic() + _READY_S
            while not _is_ready(port):
                if time.monotonic() > deadline or process.poll() is not None:
                    message = f"starting the collector ({variant}): it is not ready"
                    raise BenchError(message)
                time.sleep(0.1)
            yield port, process.pid


def _is_ready(port: int) -> bool:
    try:
        with urlopen(Request(f"http://127.0.0.1:{port}/healthz"), timeout=5) as answer:
            return bool(answer.status == httpx.codes.OK)
    except (URLError, OSError):
        return False


def _time_lone_requests(port: int) -> float:
    """Post one event at a time over one connection; return the median time, milliseconds."""
    times = []
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        headers = {"Origin": ORIGIN, "Content-Type": "text/plain", "User-Agent": "Mozilla/5.0"}
        for _ in range(_LONE):
            event = {"type": "page_view", "seq": 0, "url": f"{ORIGIN}/lone"}
            body = {"site": SITE, "page_load_id": secrets.token_hex(8), "events": [event]}
            request = client.build_request("POST", "/v1/events", json=body, headers=headers)
            start_s = time.perf_counter()
            answer = client.send(request)
            times.append(time.perf_counter() - start_s)
            if answer.status_code != httpx.codes.ACCEPTED:
                message = f"posting a lone event: status {answer.status_code}"
                raise BenchError(message)
    return median(times) * 1e3


def _time_round_trips(services: Services) -> float:
    """Produce one record at a time with acks=all; return the median time, milliseconds."""
    servers = services.kafka.bootstrap_servers
    producer = Producer(
        {"bootstrap.servers": servers, "acks": "all", "enable.idempotence": True, "linger.ms": 0}
    )
    times = []
    for _ in range(_LONE):
        start_s = time.perf_counter()
        producer.produce(WEB_EVENT.name, secrets.token_bytes(_RECORD_BYTES), partition=0)
        producer.flush()
        times.append(time.perf_counter() - start_s)
    empty_topic(services, WEB_EVENT.name)
    return median(times) * 1e3


def render_collector(result: CollectorResult, plan: CollectorPlan) -> str:
    """Return the table and what it says of the goals."""
    head = (
        f"POSTs of {EVENTS_PER_POST} events, server on one core, wrk and Kafka on the other;"
        f" medians of {plan.repeats} x {plan.seconds:g} s."
    )
    lines = [
        head,
        "",
        "| server | connections | POST/s | events/s | CPU us/POST | p50 ms | p99 ms |",
        "|---|---|---|---|---|---|---|",
    ]
    names = {
        "kafka": "the collector, acknowledged by Kafka",
        "instant": "the same, a sink that acknowledges at once",
        "validate": "the same, bounding the body and answering",
    }
    for variant, name in names.items():
        for connections in CONNECTIONS:
            rate = result.middle(variant, connections, lambda load: load.posts_per_s)
            cpu = result.middle(variant, connections, lambda load: load.cpu_per_post_us)
            p50 = result.middle(variant, connections, lambda load: load.p50_ms)
            p99 = result.middle(variant, connections, lambda load: load.p99_ms)
            lines.append(
                f"| {name} | {connections} | {rate:,.0f} | {rate * EVENTS_PER_POST:,.0f}"
                f" | {cpu:.0f} | {p50:.1f} | {p99:.1f} |"
            )
    lines.append("")
    for connections in CONNECTIONS:
        share = result.middle("kafka", connections, lambda load: load.posts_per_s)
        share /= result.middle("validate", connections, lambda load: load.posts_per_s)
        lines.append(
            f"- {connections} connections: {share:.2f} of the server that only validates"
            f" (goal {GOAL_SHARE:g})."
        )
    trips = result.lone_p50_ms / result.round_trip_p50_ms
    lines.append(
        f"- A lone request takes {result.lone_p50_ms:.2f} ms at the median, one Kafka round trip"
        f" {result.round_trip_p50_ms:.2f} ms: {trips:.1f} of them (goal {GOAL_ROUND_TRIPS:g})."
    )
    return "\n".join(lines)
