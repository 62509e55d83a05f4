"""The demo as a newcomer runs it: it counts right, ends clean, and goes on with its data."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from streams.settings import lib_dir
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

USUAL_PORTS = (8080, 8081, 9092, 8123)
LAST_LINE = re.compile(r"events sent (\d+), rows stored (\d+)")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Return a home with a space in its name; whatever still runs in it at the end is killed."""
    home = tmp_path / "a home"
    yield home
    for process in find_processes(home):
        process.kill()


def find_processes(home: Path) -> list[psutil.Process]:
    """Return the processes that were started with this home."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("HMARA_HOME") == str(home):
                found.append(process)
        except psutil.Error:
            continue
    return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]


def start_demo(home: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start the demo in a process of its own, printing into `demo.out` beside its home."""
    env = {**os.environ, "HMARA_HOME": str(home), "HMARA_LIB_DIR": str(lib_dir())}
    with output_of(home).open("w") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "streams.cli", "demo", *options],
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def output_of(home: Path) -> Path:
    """Return the file that the demo prints into."""
    return home.parent / "demo.out"


def end_demo(demo: subprocess.Popen[bytes], home: Path) -> str:
    """Wait for the demo's end, exit code 0, and return what it printed."""
    code = demo.wait(240)
    output = output_of(home).read_text("utf-8")
    assert code == 0, output
    return output


def read_counts(output: str) -> tuple[int, int]:
    """Return what the last line says was sent and stored."""
    match = LAST_LINE.fullmatch(output.strip().splitlines()[-1])
    assert match is not None, output
    return int(match[1]), int(match[2])


def test_the_demo_counts_what_it_sent_on_taken_ports_and_twice_in_a_row(home: Path) -> None:
    """Every acknowledged event is stored, in both runs; the usual ports are taken meanwhile."""
    with ExitStack() as taken:
        for port in USUAL_PORTS:
            try:
                taken.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue  # taken already, by another program of this machine
        for _ in range(2):
            output = end_demo(start_demo(home, "--duration", "6"), home)
            sent, stored = read_counts(output)
            assert sent == stored > 0
            assert "8080" in output, "it says which usual ports were taken"
            assert not find_processes(home), "every process has ended"


def test_ctrl_c_ends_the_demo_clean_and_loses_nothing(home: Path) -> None:
    """SIGINT while visitors come: the rest is stored and counted, exit code 0, no process left."""
    demo = start_demo(home)
    wait_until(lambda: is_serving(home), "the demo has answered", 180)
    demo.send_signal(signal.SIGINT)
    sent, stored = read_counts(end_demo(demo, home))
    assert sent == stored > 0
    assert not find_processes(home)


def test_no_process_outlives_a_killed_demo(home: Path) -> None:
    """SIGKILL of the demo ends collector, worker, site, Kafka and ClickHouse."""
    demo = start_demo(home)
    wait_until(lambda: is_serving(home), "the demo has answered", 180)
    assert len(find_processes(home)) >= 5
    demo.kill()
    demo.wait(30)
    wait_until(lambda: not find_processes(home), "every process has ended", 60)


def is_serving(home: Path) -> bool:
    """Say whether the first events of this run are stored: the demo has printed its answers."""
    return "Pages seen most today" in output_of(home).read_text("utf-8")
