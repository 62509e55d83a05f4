"""The one process that starts Kafka and ClickHouse, starts them again and stops them.

`python -m streams.embedded.supervisor --home … --lib …` takes the home's lock, goes into the
background and leaves its pid in run/supervisor.pid. Its children die with it, however it ends.
"""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import FrameType
from typing import IO, Final

import structlog

from schemas.errors import HmaraError
from streams.embedded import credentials, ports
from streams.embedded.child import Child
from streams.embedded.clickhouse import prepare_clickhouse
from streams.embedded.home import SERVICES, SUPERVISOR, Home
from streams.embedded.kafka import prepare_kafka
from streams.embedded.processes import Process, write_pid_file
from streams.embedded.state import ChildState, Phase, State, write_state

ALREADY_RUNNING: Final = 3
_FAILED: Final = 1
_LOOK_AT_LAUNCHER_S: Final = 0.5
_MAX_LOG_BYTES: Final = 1 << 20
_PRIVATE_UMASK: Final = 0o077


@dataclass(frozen=True, slots=True)
class Orders:
    """What the command line asks for."""

    home: Home
    lib: Path
    launcher: Process | None
    kafka_settings: dict[str, str]
    usual_ports: ports.Ports


class Supervisor:
    """The loop: wait for a signal, a child's end, or the launcher's."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._me = Process(os.getpid(), _start_ticks())
        self._children: list[Child] = []
        self._phase = Phase.PREPARING
        self._error = ""
        self._stop_asked = False
        self._log = _open_log(orders.home)
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_reader, False)
        os.set_blocking(self._wake_writer, False)

    def run(self) -> int:
        """Serve until asked to stop; return the exit code."""
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note_stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, _ignore)  # a handler, so that the wake-up pipe is written
        self._report()
        try:
            self._prepare()
            self._phase = Phase.RUNNING
            while not self._must_stop():
                self._tend()
                self._wait()
        except HmaraError as error:
            self._error = str(error)
            self._log.error("supervisor_failed", reason=self._error)
        self._stop()
        return _FAILED if self._error else 0

    def _prepare(self) -> None:
        orders = self._orders
        chosen = ports.choose(orders.usual_ports, ports.recall(orders.home))
        ports.remember(orders.home, chosen)
        secrets = credentials.keep_credentials(orders.home)
        specs = (
            prepare_clickhouse(orders.home, orders.lib, chosen, secrets),
            prepare_kafka(orders.home, orders.lib, chosen, orders.kafka_settings),
        )
        credentials.write_env(orders.home, chosen, secrets)
        self._children = [Child(spec) for spec in specs]

    def _tend(self) -> None:
        """Note who has ended, and start who is due."""
        changed = False
        for child in self._children:
            if child.note_end():
                changed = True
                self._log.warning("service_ended", service=child.spec.name, code=child.last_exit)
            if child.process is None and child.due_s <= time.monotonic():
                changed = True
                process = child.start()
                write_pid_file(self._orders.home.pid_file(child.spec.name), process)
                self._log.info(
                    "service_started",
                    service=child.spec.name,
                    pid=process.pid,
                    restarts=child.restarts,
                )
        if changed:
            self._report()

    def _wait(self) -> None:
        now = time.monotonic()
        limits = [max(0.0, child.due_s - now) for child in self._children if child.process is None]
        if self._orders.launcher is not None:
            limits.append(_LOOK_AT_LAUNCHER_S)
        select.select([self._wake_reader], [], [], min(limits, default=None))
        try:
            os.read(self._wake_reader, 4096)
        except BlockingIOError:
            return

    def _must_stop(self) -> bool:
        launcher = self._orders.launcher
        if not self._stop_asked and launcher is not None and not launcher.is_running:
            self._log.info("launcher_ended", pid=launcher.pid)
            return True
        return self._stop_asked

    def _stop(self) -> None:
        self._phase = Phase.STOPPING
        self._report()
        for child in self._children:
            child.ask_to_stop()
        for child in self._children:
            child.await_stop()
            self._log.info("service_stopped", service=child.spec.name, code=child.last_exit)
        for name in (*SERVICES, SUPERVISOR):
            self._orders.home.pid_file(name).unlink(missing_ok=True)
        if self._error:
            self._phase = Phase.FAILED
        self._report()

    def _report(self) -> None:
        children = {
            child.spec.name: ChildState(child.process, child.restarts, child.last_exit)
            for child in self._children
        }
        write_state(self._orders.home, State(
            self._me, self._phase, self._orders.launcher, self._error, children
        ))  # fmt: skip

    def _note_stop(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._stop_asked = True
        self._log.info("stop_asked", signal=signal.Signals(number).name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Take the lock, go into the background, supervise."""
    orders = _read_orders(arguments)
    os.umask(_PRIVATE_UMASK)
    orders.home.make()
    lock = _take_lock(orders.home)
    if lock is None:
        return ALREADY_RUNNING
    child = os.fork()
    if child:
        # Written before this process ends: who started it can read it as soon as it has waited.
        process = Process.of(child)
        if process is not None:
            write_pid_file(orders.home.pid_file(SUPERVISOR), process)
        os._exit(0)  # the lock is shared with the child and stays locked
    os.setsid()
    with lock:
        return Supervisor(orders).run()


def _take_lock(home: Home) -> IO[str] | None:
    file = home.lock_file.open("a", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _read_orders(arguments: Sequence[str] | None) -> Orders:
    parser = argparse.ArgumentParser(prog="streams.embedded.supervisor", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--lib", type=Path, required=True)
    parser.add_argument("--launcher", help="pid:start of the process whose end ends this one")
    parser.add_argument("--kafka", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--usual-ports", help="four numbers with commas; 0 takes any")
    given = parser.parse_args(arguments)
    launcher = Process(*map(int, given.launcher.split(":"))) if given.launcher else None
    usual = (
        ports.Ports(*map(int, given.usual_ports.split(","))) if given.usual_ports else ports.USUAL
    )
    settings = dict(setting.split("=", 1) for setting in given.kafka)
    return Orders(Home(given.home), given.lib, launcher, settings, usual)


def _open_log(home: Home) -> structlog.stdlib.BoundLogger:
    handler = RotatingFileHandler(home.log_file(SUPERVISOR), maxBytes=_MAX_LOG_BYTES, backupCount=1)
    target = logging.getLogger(__name__)
    target.setLevel(logging.INFO)
    target.handlers[:] = [handler]
    target.propagate = False
    log: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        target,
        wrapper_class=structlog.stdlib.BoundLogger,
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )
    return log


def _start_ticks() -> int:
    process = Process.of(os.getpid())
    return process.start_ticks if process is not None else 0


def _ignore(number: int, frame: FrameType | None) -> None:
    del number, frame


if __name__ == "__main__":
    sys.exit(main())
