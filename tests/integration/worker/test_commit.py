"""Offsets are committed after the insert, whatever hangs, dies or joins: Faust's faults stay out.

The unit tests of streams/transport.py hold each of its commit faults; here the real broker,
the real Faust and the real database take part.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import urllib.request

import pytest

from streams.demo.children import Child
from tests.support.collector import CHROME
from tests.support.services import Stack
from tests.support.stalling import StallingProxy
from tests.support.waiting import stays_true, wait_until

pytestmark = pytest.mark.integration

MORE = 40
COMMIT_S = 1.0
"""How often the worker commits."""


def post(stack: Stack, url: str, seq: int = 0) -> None:
    """Send one page view of a new page load, and expect it to be accepted."""
    event = {"type": "page_view", "seq": seq, "url": f"{stack.origin}/page"}
    body = {"site": stack.site, "page_load_id": secrets.token_hex(8), "events": [event]}
    headers = {"Content-Type": "text/plain", "Origin": stack.origin, "User-Agent": CHROME}
    data = json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/v1/events", data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=15) as answer:
        assert answer.status == 202


def kill(worker: Child) -> None:
    """SIGKILL a worker by its pid."""
    os.kill(worker.pid, signal.SIGKILL)
    worker.stop(10)


def test_an_event_whose_insert_hangs_is_read_again_after_a_kill(stack: Stack) -> None:
    """No offset from a hanging insert on is committed, and the next worker stores it all."""
    url = stack.start_collector()
    with StallingProxy(stack.services.ports.clickhouse_http) as proxy:
        worker = stack.start_worker(HMARA_CLICKHOUSE_HTTP_PORT=str(proxy.port))
        post(stack, url)
        stack.wait_for_lag()
        assert stack.count() == 1, "through the proxy, while it passes bytes on"
        proxy.stall()
        for _ in range(MORE):
            post(stack, url)
        assert proxy.held.wait(20), "an insert hangs"
        # Each post waited for its acknowledgement, so each is a record of its own.
        stays_true(lambda: stack.lag() == MORE, "the hanging records are uncommitted", 4 * COMMIT_S)
        assert stack.count() == 1
        kill(worker)
    stack.start_worker()
    stack.wait_for_lag()
    assert stack.count() == 1 + MORE


def test_a_worker_takes_over_from_one_that_is_killed(stack: Stack) -> None:
    """Two workers share the partitions; one is killed, and the other stores what it had."""
    url = stack.start_collector()
    first = stack.start_worker()
    second = stack.start_worker(wait=False)
    for _ in range(MORE):
        post(stack, url)
    kill(first)
    for _ in range(MORE):
        post(stack, url)
    stack.wait_for_lag()
    assert stack.count() == 2 * MORE
    second.check()


def test_a_new_group_starts_from_the_beginning_and_changes_no_count(stack: Stack) -> None:
    """Reading the topic twice, by another group, leaves every count as it was."""
    url = stack.start_collector()
    worker = stack.start_worker()
    for _ in range(MORE):
        post(stack, url)
    stack.wait_for_lag()
    worker.stop(30)
    before = stack.ask(PER_ROW)
    again = f"{stack.group}-again"
    assert stack.lag(again) > 0, "to the new group, everything is unread"
    stack.start_worker(HMARA_WORKER_GROUP=again)
    wait_until(lambda: stack.lag(again) == 0, "the new group has stored everything again", 60)
    assert stack.ask(PER_ROW) == before
    assert len(before) == MORE


PER_ROW = """
SELECT hit_key, visitor_hash, received_at, event_time, path, site_hour
FROM staging.hit FINAL WHERE site = {site:String} ORDER BY hit_key
"""
