"""The supervisor seen from outside: found if it runs, started if not, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Final

from streams.embedded import prerequisites
from streams.embedded.errors import EmbeddedError
from streams.embedded.home import SUPERVISOR, Home, open_private
from streams.embedded.ports import USUAL, Ports
from streams.embedded.processes import Process, read_pid_file
from streams.embedded.service_logs import tail_logs
from streams.embedded.state import read_state
from streams.embedded.supervisor import ALREADY_RUNNING

_POLL_S: Final = 0.1
_SPAWN_TIMEOUT_S: Final = 60.0
_STOP_TIMEOUT_S: Final = 70.0
_KILL_TIMEOUT_S: Final = 10.0
_SHOWN_LINES: Final = 15
_MODULE: Final = "streams.embedded.supervisor"


@dataclass(frozen=True, slots=True)
class Tuning:
    """What seldom changes: the longest wait, lines for server.properties, ports to try first."""

    wait_s: float = 90.0
    kafka_settings: Mapping[str, str] = field(default_factory=dict)
    usual_ports: Ports = USUAL


def find_supervisor(home: Home) -> Process | None:
    """Return the running supervisor of this home; a stale pid file is none."""
    return read_pid_file(home.pid_file(SUPERVISOR))


def find_or_spawn(
    home: Home, lib: Path, tuning: Tuning, *, tie_to_parent: bool
) -> tuple[Process, bool]:
    """Return the supervisor, and whether it ran before; one that is about to end is waited for.

    Raises:
        EmbeddedError: it can not be started.
    """
    deadline = time.monotonic() + _STOP_TIMEOUT_S
    while time.monotonic() < deadline:
        running = find_supervisor(home)
        if running is None:
            spawned = _spawn(home, lib, tuning, tie_to_parent=tie_to_parent)
            if spawned is not None:
                return spawned, False
        elif _will_last(home, running):
            return running, True
        time.sleep(_POLL_S)
    message = f"starting services: another supervisor of {home.root} has the lock and does not end"
    raise EmbeddedError(message)


def stop(home: Home, supervisor: Process) -> None:
    """Ask the supervisor to stop its services and itself, and wait; kill it if it does not.

    Raises:
        EmbeddedError: a process can not be ended.
    """
    state = read_state(home)
    supervisor.send(signal.SIGTERM)
    if supervisor.wait_end(_STOP_TIMEOUT_S):
        return
    supervisor.send(signal.SIGKILL)  # the kernel kills its children with it
    children = [child.process for child in state.services.values()] if state else []
    for process in (supervisor, *children):
        if process is not None and not process.wait_end(_KILL_TIMEOUT_S):
            message = f"stopping services: process {process.pid} does not end"
            raise EmbeddedError(message)


def _will_last(home: Home, supervisor: Process) -> bool:
    state = read_state(home)
    # One that has only just been started has not written its state yet.
    return state is None or state.supervisor != supervisor or state.is_lasting


def _spawn(home: Home, lib: Path, tuning: Tuning, *, tie_to_parent: bool) -> Process | None:
    """Start a supervisor and return it; None if another one has the lock."""
    prerequisites.find_java()  # missing, it is better said here than by a process in the background
    command = [sys.executable, "-P", "-m", _MODULE, "--home", str(home.root), "--lib", str(lib)]
    launcher = Process.of(os.getpid()) if tie_to_parent else None
    if launcher is not None:
        command += ["--launcher", f"{launcher.pid}:{launcher.start_ticks}"]
    for name, value in tuning.kafka_settings.items():
        command += ["--kafka", f"{name}={value}"]
    command += ["--usual-ports", ",".join(map(str, astuple(tuning.usual_ports)))]
    # The packages may be installed or lie in a checkout: the supervisor finds them where we did.
    packages = str(Path(__file__).resolve().parents[2])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(
        filter(None, (packages, os.environ.get("PYTHONPATH"))))}  # fmt: skip
    with open_private(home.out_file(SUPERVISOR)) as out:
        done = subprocess.run(
            command, cwd=home.root, env=env, stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, timeout=_SPAWN_TIMEOUT_S, check=False,
        )  # fmt: skip
    if done.returncode == ALREADY_RUNNING:
        return None
    if done.returncode != 0:
        lines = tail_logs(home.root, SUPERVISOR, _SHOWN_LINES)
        message = f"starting the supervisor: exit code {done.returncode}\n" + "\n".join(lines)
        raise EmbeddedError(message)
    # Gone already means that it has failed, and its state says why.
    state = read_state(home)
    return find_supervisor(home) or (state.supervisor if state else None)
