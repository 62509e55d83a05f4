"""The course of the demo: start everything, let visitors come, answer, count, stop everything."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from schemas.topics import WEB_EVENT
from sinks.clickhouse.client import open_native
from sinks.clickhouse.migrate import apply_migrations, plan_migrations, read_migrations
from streams.demo.children import Child, ChildSpec, DemoError
from streams.embedded.home import Home
from streams.embedded.ports import find_free, is_free
from streams.embedded.services import Services
from streams.lag import read_lag
from streams.settings import ClickHouseSettings, WorkerSettings
from streams.topic_admin import apply_topics, open_admin, plan_topics

SITE: Final = "demo"
LOOPBACK: Final = "127.0.0.1"
_QUERIES_DIR: Final = Path(__file__).parent / "queries"
_USUAL: Final = {"collector": 8080, "site": 8081, "worker": 6066}
_READY_S: Final = 60.0
_LAG_S: Final = 120.0
_STOP_S: Final = 30.0
_LAG_POLL_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the demo answers, and which usual ports were taken."""

    collector: str
    site: str
    worker_metrics: str
    taken: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Running:
    """The demo's processes, in the order in which they are to be stopped."""

    children: tuple[Child, ...]
    addresses: Addresses

    def check(self) -> None:
        """Raise `DemoError` if one of them has ended."""
        for child in self.children:
            child.check()

    def stop(self) -> None:
        """Stop them all."""
        for child in self.children:
            child.stop(_STOP_S)


def prepare(services: Services) -> None:
    """Bring Kafka and ClickHouse to the declared shape."""
    with open_admin(services.kafka_bootstrap_servers) as admin:
        apply_topics(admin, plan_topics(admin))
    with open_native(ClickHouseSettings.load().as_admin()) as client:
        apply_migrations(client, plan_migrations(client, read_migrations()))


def start_processes(home: Home, on_progress: Callable[[str], None]) -> Running:
    """Start collector, worker and demo site; return when each of them is ready.

    Raises:
        DemoError: one of them is not; those that are have been stopped.
    """
    ports, taken = _choose_ports()
    addresses = Addresses(
        collector=f"http://{LOOPBACK}:{ports['collector']}",
        site=f"http://{LOOPBACK}:{ports['site']}",
        worker_metrics=f"http://{LOOPBACK}:{ports['worker']}",
        taken=taken,
    )
    sites_file = _write_sites(home, addresses.site)
    plans = _plan(home, sites_file, ports, addresses)
    started: list[Child] = []
    try:
        for spec, url in plans:
            on_progress(f"starting {spec.name}")
            child = Child(spec)
            started.append(child)
            child.wait_ready(url, _READY_S)
    except DemoError:
        for child in started:
            child.stop(_STOP_S)
        raise
    return Running(tuple(started), addresses)


def _plan(
    home: Home, sites_file: Path, ports: dict[str, int], addresses: Addresses
) -> tuple[tuple[ChildSpec, str], ...]:
    logs = home.logs
    collector_env = {
        "HMARA_COLLECTOR_SITES_FILE": str(sites_file),
        # The synthetic visitors say by X-Forwarded-For where they are.
        "HMARA_COLLECTOR_TRUSTED_PROXIES": json.dumps([LOOPBACK]),
    }
    collector = ("streams.cli", "collector", "--port", str(ports["collector"]))
    worker = ("streams.cli", "worker", "--metrics-port", str(ports["worker"]))
    site = ("streams.demo_site", "--port", str(ports["site"]), "--site", SITE)
    return (
        (
            ChildSpec("collector", collector, logs / "collector.log", collector_env),
            f"{addresses.collector}/readyz",
        ),
        (
            ChildSpec(
                "demo site",
                (*site, "--collector", addresses.collector),
                logs / "demo-site.log",
                {},
            ),
            f"{addresses.site}/",
        ),
        (
            ChildSpec("worker", worker, logs / "worker.log", {}),
            f"{addresses.worker_metrics}/readyz",
        ),
    )


def wait_for_lag(bootstrap_servers: str, check: Callable[[], None]) -> None:
    """Wait until the worker has committed every record.

    Raises:
        DemoError: a process has ended, or it takes too long.
    """
    group = WorkerSettings.load().group
    deadline = time.monotonic() + _LAG_S
    with open_admin(bootstrap_servers) as admin:
        while read_lag(admin, group, WEB_EVENT):
            check()
            if time.monotonic() > deadline:
                message = f"counting rows: the worker is still behind after {_LAG_S:g} s"
                raise DemoError(message)
            time.sleep(_LAG_POLL_S)


def read_questions() -> Iterator[tuple[str, Path]]:
    """Yield the title and the file of each question that the demo asks."""
    for path in sorted(_QUERIES_DIR.glob("[0-9]_*.sql")):
        yield path.read_text("utf-8").splitlines()[0].removeprefix("-- "), path


def ask(path: Path, **parameters: int) -> list[dict[str, Any]]:
    """Ask ClickHouse in another process, as an analyst at a shell would."""
    given = [f"--param={name}={value}" for name, value in parameters.items()]
    command = [sys.executable, "-m", "streams.cli", "query", "--json", "--file", str(path), *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"asking ClickHouse: {done.stderr.strip()}"
        raise DemoError(message)
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def count_stored(since: datetime) -> int:
    """Count the hits received since a moment, each once."""
    since_us = int(since.timestamp() * 1_000_000)
    return int(ask(_QUERIES_DIR / "count_stored.sql", since_us=since_us)[0]["stored"])


def _choose_ports() -> tuple[dict[str, int], tuple[int, ...]]:
    ports = {name: port if is_free(port) else find_free() for name, port in _USUAL.items()}
    taken: Sequence[int] = [port for name, port in _USUAL.items() if ports[name] != port]
    return ports, tuple(taken)


def _write_sites(home: Home, origin: str) -> Path:
    path = home.root / "demo" / "sites.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "# Made by `hmara demo` at each start.\n"
        f'[[sites]]\nid = "{SITE}"\norigins = ["{origin}"]\ntime_zone = "UTC"\n'
        "synthetic = true\nkeep_headless = true\nkeep_data_centers = true\n",
        "utf-8",
    )
    return path
