"""A 202 means stored, once, whichever collector answers and whatever happens to Kafka or to it."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from streams.embedded.home import KAFKA, Home
from streams.embedded.processes import Process, read_pid_file
from streams.embedded.services import Services
from streams.settings import volatile_dir
from tests.integration.collector.conftest import UNLIMITED
from tests.integration.collector.page_loads import (
    PLANTED_ADDRESS,
    PLANTED_AGENT,
    draw_page_load,
    make_body,
    make_event,
    post,
    write_post,
)
from tests.integration.collector.raw_http import Answer, exchange, write_request
from tests.integration.collector.records import skip_to_end
from tests.support.services import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

ACK_TIMEOUT_S = "2"
CLIENTS = 16
POSTS = 1_500
POSTS_BEFORE_STOP = 100


@dataclass(frozen=True, slots=True)
class Pair:
    """Two collectors of one installation, and a worker behind them."""

    stack: Stack
    urls: tuple[str, str]

    def count(self) -> int:
        """Return the hits of the site, each once, after all that was accepted is stored."""
        self.stack.wait_for_lag()
        return self.stack.count()


@pytest.fixture(scope="module")
def pair(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Start two collectors of one home, and a worker."""
    folder = tmp_path_factory.mktemp("durability")
    stack = Stack(services, folder, f"site-{secrets.token_hex(4)}", "http://127.0.0.1:8081")
    stack.write_sites("UTC")
    skip_to_end(stack)
    worker = stack.start_worker(wait=False)
    first, second = (
        stack.start_collector(HMARA_COLLECTOR_ACK_TIMEOUT_S=ACK_TIMEOUT_S, **UNLIMITED)
        for _ in range(2)
    )
    worker.check()
    yield Pair(stack, (first, second))
    stack.stop()


def test_two_collectors_draw_one_salt(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two collectors asked for a day's first salt at once, both use the one that is kept."""
    stack, before = pair.stack, pair.count()
    monkeypatch.setenv("HMARA_HOME", stack.env["HMARA_HOME"])
    folder = volatile_dir() / "salts" / stack.site
    assert not folder.exists()
    with ThreadPoolExecutor(CLIENTS) as clients:
        loads = [(url, draw_page_load()) for _ in range(CLIENTS // 2) for url in pair.urls]
        answers = clients.map(
            lambda load: post(stack, load[0], make_body(stack.site, load[1])), loads
        )
        assert {answer.status for answer in answers} == {202}
    assert len(list(folder.iterdir())) == 1
    assert pair.count() == before + len(loads)
    sql = "SELECT uniqExact(salt_segment), uniqExact(visitor_hash) FROM staging.hit"
    assert stack.ask(f"{sql} WHERE site = {{site:String}}") == [(1, 1)]


def test_a_retry_through_another_collector_counts_once(pair: Pair) -> None:
    """The same page load and seq, sent again to another collector, are the same row."""
    body, before = make_body(pair.stack.site, draw_page_load(), 5), pair.count()
    for url in (*pair.urls, *pair.urls):
        assert post(pair.stack, url, body).json == {"accepted": 5, "dropped": {}}
    assert pair.count() == before + 5


def test_without_kafka_the_client_is_told_to_come_again(pair: Pair) -> None:
    """While Kafka does not answer: 503 with Retry-After; the retry is accepted and stored once."""
    stack, url = pair.stack, pair.urls[0]
    body, before = make_body(stack.site, draw_page_load(), 3), pair.count()
    with frozen_kafka(stack.services):
        refused = post(stack, url, body)
        assert (refused.status, refused.reason) == (503, "not_durable")
        assert int(refused.headers["retry-after"]) > 0
        assert get(url, "/readyz").reason == "not_ready"
        assert get(url, "/healthz").status == 200
    wait_until(lambda: post(stack, url, body).status == 202, "Kafka takes the retry", 60)
    assert pair.count() == before + 3


def test_an_asked_stop_keeps_its_promises(pair: Pair) -> None:
    """SIGTERM while requests are under way: each one that got its 202 is stored."""
    stack = pair.stack
    url = stack.start_collector(**UNLIMITED)
    collector = psutil.Process(stack.children[-1].pid)
    paths: set[str] = set()
    with ThreadPoolExecutor(CLIENTS) as clients:
        posts = [clients.submit(post_path, stack, url, f"/stop/{n}") for n in range(POSTS)]
        for number, done in enumerate(as_completed(posts)):
            paths |= {path for path in [done.result()] if path}
            if number == POSTS_BEFORE_STOP:
                collector.send_signal(signal.SIGTERM)
    assert POSTS_BEFORE_STOP <= len(paths) < POSTS, "the stop came while requests were under way"
    stack.wait_for_lag()
    rows = stack.ask(
        "SELECT path FROM staging.hit WHERE site = {site:String} AND path LIKE '/stop/%'"
    )
    assert paths <= {str(path) for (path,) in rows}
    assert not collector.is_running() or collector.status() == psutil.STATUS_ZOMBIE


def test_the_log_names_nobody(pair: Pair) -> None:
    """No line of a collector's or the worker's log holds an address, an agent or a path."""
    assert post_path(pair.stack, pair.urls[0], "/stop/here")
    pair.stack.wait_for_lag()
    logs = sorted((pair.stack.folder / "logs").glob("*.log"))
    text = "".join(log.read_text("utf-8", "replace") for log in logs)
    assert "collector_started" in text
    assert "worker_started" in text
    for planted in (PLANTED_ADDRESS, PLANTED_AGENT, "PlantedBrowser", "/stop/"):
        assert planted not in text


def post_path(stack: Stack, url: str, path: str) -> str:
    """Send one page view; return its path if it was accepted."""
    events = [make_event(url=f"https://example.org{path}")]
    request = write_post(stack, make_body(stack.site, draw_page_load(), events=events))
    try:
        answer = exchange(url, request)
    except ConnectionError:
        return ""
    return path if answer is not None and answer.status == 202 else ""


def get(url: str, path: str) -> Answer:
    """Ask for a path."""
    answer = exchange(url, write_request("GET", path))
    assert answer is not None
    return answer


def states_of_threads(pid: int) -> set[str]:
    """Return the states that a process's threads are in, as the kernel's letters (proc(5))."""
    stats = [
        path.read_text("ascii", "replace") for path in Path(f"/proc/{pid}/task").glob("*/stat")
    ]
    return {stat.rpartition(") ")[2][0] for stat in stats}


@contextmanager
def frozen_kafka(services: Services) -> Iterator[None]:
    """Stop Kafka's process as a hung machine would, and let it go on afterwards."""
    kafka = read_pid_file(Home(services.home).pid_file(KAFKA))
    assert isinstance(kafka, Process)
    assert Path(f"/proc/{kafka.pid}/exe").readlink().name == "java"
    os.kill(kafka.pid, signal.SIGSTOP)
    try:
        # A thread on the other core runs on until the first to notice has stopped them all.
        wait_until(lambda: states_of_threads(kafka.pid) == {"T"}, "Kafka stands still", 10)
        yield
    finally:
        os.kill(kafka.pid, signal.SIGCONT)
