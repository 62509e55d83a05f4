"""Processes under measurement: started, found by port, read from /proc, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

from tests.bench.errors import BenchError

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_END_S: Final = 30.0
_TAIL_CHARS: Final = 800


def read_cpu_s(pid: int) -> float:
    """Return the CPU seconds a process has used, all its threads together (10 ms ticks)."""
    # The name in parentheses may hold spaces; user and system time are fields 14 and 15.
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def read_peak_rss_bytes(pid: int) -> int:
    """Return the most memory a process has had resident."""
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    message = f"reading memory: process {pid} has ended"
    raise BenchError(message)


def find_listener(port: int) -> int | None:
    """Return the process that listens on a local port; None if it is on another machine."""
    for connection in psutil.net_connections("tcp"):
        address = connection.laddr
        if connection.status == psutil.CONN_LISTEN and address and address.port == port:
            return connection.pid
    return None


@contextmanager
def running(
    command: Sequence[str], variables: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a process, its output readable line by line, and end it with SIGTERM.

    Raises:
        BenchError: it ended by itself with an error; the message holds the end of its log.
    """
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **(variables or {})},
        )
        try:
            yield process
        except BaseException:
            process.kill()
            log.seek(0)
            process.wait()
            tail = log.read()[-_TAIL_CHARS:]
            if process.returncode not in {0, -signal.SIGKILL}:
                message = f"running {command[0]}: exit {process.returncode}: {tail}"
                raise BenchError(message) from None
            raise
        finally:
            process.terminate()
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
