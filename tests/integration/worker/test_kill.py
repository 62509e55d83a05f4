"""Nothing lost, nothing counted twice, whatever happens to the worker."""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from streams.demo.children import Child
from tests.support.services import Stack
from tests.support.stalling import StallingProxy

pytestmark = pytest.mark.integration

EVENTS = 100_000
KILLS = 5
RATE = 2_000
INSERT_DELAY_S = 0.7


def zone_at_noon() -> str:
    """Return a zone in which it is about noon, so that no run crosses the site's midnight."""
    ahead = 12 - datetime.now(UTC).hour
    # The signs of the Etc zones are reversed: Etc/GMT-2 is two hours ahead of UTC.
    return f"Etc/GMT{-ahead:+d}" if ahead else "UTC"


def test_every_event_is_stored_once_while_the_worker_is_killed(
    make_stack: Callable[..., Stack],
) -> None:
    """100,000 events, one batch in ten sent twice, five SIGKILLs: count() FINAL is 100,000."""
    seed = int(os.environ.get("HMARA_TEST_SEED", secrets.randbits(32)))
    sys.stdout.write(f"HMARA_TEST_SEED={seed}\n")
    draw = random.Random(seed)
    stack = make_stack(zone_at_noon())
    url = stack.start_collector()
    # A slow store, so that a random kill is likely to come while an insert is under way.
    with StallingProxy(stack.services.ports.clickhouse_http, delay_s=INSERT_DELAY_S) as store:
        port = str(store.port)
        worker = stack.start_worker(HMARA_CLICKHOUSE_HTTP_PORT=port)
        sender = start_sender(stack, url, seed)
        for _ in range(KILLS):
            wait_a_while(draw.uniform(0.1, 4.0))
            kill(worker)
            worker = stack.start_worker(HMARA_CLICKHOUSE_HTTP_PORT=port)
        out, err = sender.communicate(timeout=240)
        assert sender.returncode == 0, err
        report = json.loads(out)
        assert report["accepted"] == EVENTS
        assert report["resent_accepted"] > EVENTS // 20, "some batches were really sent twice"
        stack.wait_for_lag()
    assert stack.count() == EVENTS
    raw = stack.ask("SELECT count() FROM staging.hit WHERE site = {site:String}")[0][0]
    sys.stdout.write(f"rows before merging: {raw}\n")


def start_sender(stack: Stack, url: str, seed: int) -> subprocess.Popen[str]:
    """Start `hmara send` in a process of its own."""
    command = [sys.executable, "-m", "streams.cli", "send", "--json"]
    command += ["--events", str(EVENTS), "--rate", str(RATE), "--seed", str(seed)]
    command += ["--site", stack.site, "--collector", url, "--origin", stack.origin]
    command += ["--resend", "0.1"]
    return subprocess.Popen(
        command,
        env={**os.environ, **stack.env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_a_while(seconds: float) -> None:
    """Let the processes run; a random moment is the point here, so there is no condition."""
    threading.Event().wait(seconds)


def kill(worker: Child) -> None:
    """SIGKILL the worker by its pid."""
    os.kill(worker.pid, signal.SIGKILL)
    worker.stop(10)
