"""Fixtures: the real Kafka and ClickHouse, once per session, and hmara's processes per test."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from schemas.topics import WEB_EVENT
from sinks.clickhouse.client import Address, open_native
from sinks.clickhouse.migrate import apply_migrations, plan_migrations, read_migrations
from streams.demo.children import Child, ChildSpec
from streams.embedded.ports import Ports, find_free
from streams.embedded.services import Services, Tuning, start_services
from streams.lag import read_lag
from streams.settings import lib_dir, volatile_dir
from streams.topic_admin import apply_topics, open_admin, plan_topics
from tests.support.waiting import wait_until

READY_S = 60.0
STOP_S = 30.0


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Start Kafka and ClickHouse in a folder of this session, with topics and migrations applied.

    Every test has its own site, group and collector; rows of others are told apart by the site.
    """
    home = tmp_path_factory.mktemp("hmara home")
    ports = Ports(find_free(), find_free(), find_free(), find_free())
    tuning = Tuning(usual_ports=ports, wait_s=120)
    lib = lib_dir()
    with start_services(home, lib, tie_to_parent=True, tuning=tuning) as running:
        with open_admin(running.kafka_bootstrap_servers) as admin:
            apply_topics(admin, plan_topics(admin))
        with open_native(address_of(running, "hmara_admin")) as client:
            apply_migrations(client, plan_migrations(client, read_migrations()))
        yield running


def address_of(services: Services, user: str) -> Address:
    """Return ClickHouse's address as one of its users."""
    role = {"hmara_admin": "ADMIN"}.get(user, user.upper())
    password = services.env[f"HMARA_CLICKHOUSE_{role}_PASSWORD"]
    ports = services.ports
    return Address("127.0.0.1", ports.clickhouse_native, ports.clickhouse_http, user, password)


@dataclass(frozen=True)
class Stack:
    """hmara as one test runs it: its own site, group, home and logs on the shared services."""

    services: Services
    folder: Path
    site: str
    origin: str
    children: list[Child] = field(default_factory=list)
    metrics_urls: list[str] = field(default_factory=list)

    @property
    def group(self) -> str:
        """The consumer group of this test's workers."""
        return f"test-{self.site}"

    @property
    def env(self) -> dict[str, str]:
        """The environment of this test's processes."""
        return {
            **self.services.env,
            "HMARA_HOME": str(self.folder / "home"),
            "HMARA_LIB_DIR": str(self.services.lib),
            "HMARA_WORKER_GROUP": self.group,
            "HMARA_COLLECTOR_SITES_FILE": str(self.folder / "sites.toml"),
            "HMARA_COLLECTOR_REQUESTS_PER_S": "0",
            "HMARA_COLLECTOR_TRUSTED_PROXIES": json.dumps(["127.0.0.1"]),
        }

    def write_sites(self, time_zone: str, *more: str) -> None:
        """Write the sites file: this test's site alone, with more lines of TOML."""
        (self.folder / "sites.toml").write_text(
            f'[[sites]]\nid = "{self.site}"\norigins = ["{self.origin}"]\n'
            f'time_zone = "{time_zone}"\nkeep_headless = true\nkeep_data_centers = true\n'
            + "".join(f"{line}\n" for line in more),
            "utf-8",
        )

    def start_collector(self, **env: str) -> str:
        """Start a collector and return its address once it is ready."""
        port = find_free()
        url = f"http://127.0.0.1:{port}"
        child = self._start("collector", ("collector", "--port", str(port)), env)
        child.wait_ready(f"{url}/readyz", READY_S)
        self.metrics_urls.append(f"{url}/metrics")
        return url

    def start_worker(self, *, wait: bool = True, **env: str) -> Child:
        """Start a worker; with `wait`, return once it has its partitions."""
        port = find_free()
        child = self._start("worker", ("worker", "--metrics-port", str(port)), env)
        self.metrics_urls.append(f"http://127.0.0.1:{port}/metrics")
        if wait:
            child.wait_ready(f"http://127.0.0.1:{port}/readyz", READY_S)
        return child

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of hmara to its end."""
        return subprocess.run(
            [sys.executable, "-m", "streams.cli", *arguments],
            env={**os.environ, **self.env},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def lag(self, group: str = "") -> int:
        """Return how many records a group, by default this test's, has not committed."""
        with open_admin(self.services.kafka_bootstrap_servers) as admin:
            return read_lag(admin, group or self.group, WEB_EVENT)

    def wait_for_lag(self, within_s: float = 120.0) -> None:
        """Wait until this test's group has committed everything."""
        wait_until(lambda: self.lag() == 0, "the worker has committed every record", within_s)

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        """Ask ClickHouse as the service; `{site:String}` is this test's site."""
        with open_native(address_of(self.services, "service")) as client:
            rows: list[tuple[object, ...]] = client.execute(sql, {"site": self.site})
            return rows

    def count(self) -> int:
        """Return the hits of this test's site, each once."""
        sql = "SELECT count() FROM staging.hit FINAL WHERE site = {site:String}"
        return int(str(self.ask(sql)[0][0]))

    def stop(self) -> None:
        """Stop every process of this test, and take its salts away."""
        for child in self.children:
            child.stop(STOP_S)
        shutil.rmtree(volatile_dir(self.folder / "home"), ignore_errors=True)

    def _start(self, name: str, arguments: tuple[str, ...], env: dict[str, str]) -> Child:
        log = self.folder / "logs" / f"{name}-{len(self.children)}.log"
        child = Child(ChildSpec(name, ("streams.cli", *arguments), log, {**self.env, **env}))
        self.children.append(child)
        return child


@pytest.fixture
def make_stack(services: Services, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Make hmara for this test, with a site of its own; everything is stopped at the end."""
    made: list[Stack] = []

    def make(time_zone: str = "UTC", origin: str = "http://127.0.0.1:8081") -> Stack:
        stack = Stack(services, tmp_path, f"site-{secrets.token_hex(4)}", origin)
        stack.write_sites(time_zone)
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.stop()


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """Return hmara for this test, in UTC."""
    return make_stack()
