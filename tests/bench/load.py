"""Load on a collector by wrk, and what it says."""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.errors import BenchError
from tests.bench.processes import read_cpu_s

EVENTS_PER_POST: Final = 5
_SCRIPT: Final = Path(__file__).parent / "post.lua"
_UNITS_MS: Final = {"us": 1e-3, "ms": 1.0, "s": 1e3}
_PERCENTILE: Final = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)\s*$", re.MULTILINE)
_TOTAL: Final = re.compile(r"^\s+(\d+) requests in ([\d.]+)(ms|s)", re.MULTILINE)
_TROUBLE: Final = re.compile(r"^\s+(Non-2xx.*|Socket errors.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Load:
    """One run of wrk: answered POSTs, how long they took, what each cost the server."""

    posts_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_per_post_us: float


def find_wrk() -> str:
    """Return wrk's path.

    Raises:
        BenchError: it is not installed.
    """
    path = shutil.which("wrk")
    if path is None:
        message = "measuring the collector: wrk is missing (Debian package wrk)"
        raise BenchError(message)
    return path


def pin(core: int, command: list[str]) -> list[str]:
    """Return a command that runs on one core."""
    return ["taskset", "-c", str(core), *command]


def put_load(
    port: int, server_pid: int, *, connections: int, seconds: float, pause_ms: int = 0
) -> Load:
    """Post as fast as answers come, or with a mean pause on each connection.

    Raises:
        BenchError: an answer was not 2xx, or a connection broke.
    """
    command = [
        find_wrk(),
        "-t1",
        f"-c{connections}",
        f"-d{seconds:g}s",
        "--latency",
        "--timeout=10s",
    ]
    arguments = [secrets.token_hex(4), str(pause_ms)]
    command += ["-s", str(_SCRIPT), f"http://127.0.0.1:{port}", "--", *arguments]
    cpu_s = read_cpu_s(server_pid)
    result = subprocess.run(pin(1, command), capture_output=True, text=True, check=False)
    cpu_s = read_cpu_s(server_pid) - cpu_s
    text = result.stdout
    total, trouble = _TOTAL.search(text), _TROUBLE.search(text)
    if result.returncode or total is None or trouble is not None:
        what = trouble[1] if trouble else f"wrk ended with {result.returncode}: {result.stderr}"
        message = f"measuring the collector: {what}"
        raise BenchError(message)
    posts = int(total[1])
    wall_s = float(total[2]) * _UNITS_MS[total[3]] / 1e3
    latency = {found[1]: float(found[2]) * _UNITS_MS[found[3]] for found in _find(text)}
    return Load(posts / wall_s, latency["50"], latency["99"], cpu_s / posts * 1e6)


def _find(text: str) -> list[re.Match[str]]:
    return list(_PERCENTILE.finditer(text))
