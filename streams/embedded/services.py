"""Start, stop and ask the embedded services: what `hmara up`, the demo and the tests call."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final, Self

from streams.embedded import ports as port_choice
from streams.embedded.credentials import Credentials, read_credentials, to_env
from streams.embedded.errors import EmbeddedError
from streams.embedded.fetch import Progress, fetch
from streams.embedded.home import CLICKHOUSE, KAFKA, SERVICES, SUPERVISOR, Home
from streams.embedded.launch import Tuning, find_or_spawn, find_supervisor, stop
from streams.embedded.ports import LOOPBACK, Ports
from streams.embedded.processes import Process
from streams.embedded.readiness import is_ready
from streams.embedded.service_logs import follow_logs, tail_logs
from streams.embedded.state import ChildState, read_state
from streams.embedded.status import Status, read_status

__all__ = [
    "Services", "Status", "Tuning", "follow_logs", "read_status", "start_services",
    "stop_services", "tail_logs",
]  # fmt: skip

_POLL_S: Final = 0.1
_ATTEMPTS: Final = 3
_HOPELESS_ENDS: Final = 3
_SHOWN_LINES: Final = 15
TITLES: Final = {KAFKA: "Kafka", CLICKHOUSE: "ClickHouse"}


@dataclass(frozen=True, slots=True)
class Services:
    """Services that were ready when this was made; leaving the `with` block stops own ones."""

    home: Path
    lib: Path
    ports: Ports
    credentials: Credentials
    was_running: bool

    @property
    def kafka_bootstrap_servers(self) -> str:
        """The broker's address, host:port."""
        return f"{LOOPBACK}:{self.ports.kafka}"

    @property
    def env_file(self) -> Path:
        """The file that the other commands read."""
        return Home(self.home).services_env

    @property
    def env(self) -> dict[str, str]:
        """The variables that run/services.env holds."""
        return to_env(self.ports, self.credentials)

    def stop(self) -> None:
        """Stop the services, unless they ran before."""
        if not self.was_running:
            stop_services(self.home)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _stay_silent(_: str) -> None:
    return


def start_services(
    home: Path,
    lib: Path,
    *,
    tie_to_parent: bool = False,
    on_progress: Progress = _stay_silent,
    tuning: Tuning | None = None,
) -> Services:
    """Fetch what is missing, start Kafka and ClickHouse, and return when both answer.

    Services of this home that run already are waited for and returned as they are. With
    `tie_to_parent` they stop when this process ends, however it ends.

    Raises:
        PrerequisiteError: a program must be installed first.
        EmbeddedError: something did not become ready; the message ends with its log's last lines.
    """
    layout, lib, tuning = Home(home.absolute()), lib.absolute(), tuning or Tuning()
    layout.make()
    fetch(lib, on_progress)
    for attempt in range(1, _ATTEMPTS + 1):
        supervisor, was_running = find_or_spawn(layout, lib, tuning, tie_to_parent=tie_to_parent)
        on_progress(
            "asking whether they answer" if was_running else "starting Kafka and ClickHouse"
        )
        try:
            _await_ready(layout, supervisor, tuning.wait_s, on_progress)
        except BaseException as error:  # an interrupted start leaves nothing behind either
            if was_running:
                raise
            stop(layout, supervisor)
            if not isinstance(error, EmbeddedError):
                raise
            if attempt == _ATTEMPTS or not _was_port_taken(layout):
                raise
            on_progress("a port was taken meanwhile, choosing again")
        else:
            return _describe(layout, lib, was_running=was_running)
    raise AssertionError  # the last attempt returns or raises


def stop_services(home: Path) -> bool:
    """Stop the services of this home and wait until they are gone; False if none ran.

    Raises:
        EmbeddedError: they can not be stopped.
    """
    layout = Home(home.absolute())
    supervisor = find_supervisor(layout)
    if supervisor is None:
        return False
    stop(layout, supervisor)
    return True


def _await_ready(home: Home, supervisor: Process, wait_s: float, on_progress: Progress) -> None:
    deadline = time.monotonic() + wait_s
    waiting = set(SERVICES)
    ends_before = {name: child.restarts for name, child in _ask_state(home, supervisor).items()}
    while waiting:
        children = _ask_state(home, supervisor)
        _check_hope(home, supervisor, children, ends_before)
        for name in sorted(waiting):
            process = children.get(name, ChildState()).process
            if process is not None and is_ready(home, name, process):
                waiting.discard(name)
                on_progress(f"{TITLES[name]} is ready")
        if waiting and time.monotonic() > deadline:
            raise _failure(home, waiting, f"not ready after {wait_s:g} s")
        if waiting:
            time.sleep(_POLL_S)


def _ask_state(home: Home, supervisor: Process) -> Mapping[str, ChildState]:
    """Return what this very supervisor says of its children; nothing before it has spoken."""
    state = read_state(home)
    return state.services if state is not None and state.supervisor == supervisor else {}


def _check_hope(
    home: Home,
    supervisor: Process,
    children: Mapping[str, ChildState],
    ends_before: Mapping[str, int],
) -> None:
    """Raise as soon as it is sure that waiting longer is of no use."""
    if not supervisor.is_running:
        state = read_state(home)
        if state is not None and state.supervisor == supervisor and state.error:
            message = f"starting services: {state.error}"
        else:
            lines = tail_logs(home.root, SUPERVISOR, _SHOWN_LINES)
            message = "\n".join(["starting services: the supervisor has ended", *lines])
        raise EmbeddedError(message)
    for name, child in children.items():
        ends = child.restarts - ends_before.get(name, 0)
        if ends >= _HOPELESS_ENDS:
            raise _failure(home, {name}, f"ended {ends} times, exit code {child.last_exit}")


def _failure(home: Home, names: set[str], reason: str) -> EmbeddedError:
    lines = [f"starting {_name(names)}: {reason}; the last lines of the log:"]
    for name in sorted(names):
        lines += tail_logs(home.root, name, _SHOWN_LINES)
    return EmbeddedError("\n".join(lines))


def _name(services: set[str]) -> str:
    return " and ".join(TITLES[name] for name in SERVICES if name in services)


def _was_port_taken(home: Home) -> bool:
    """Tell whether, between the choice of a port and its use, another program has taken it."""
    ports = port_choice.recall(home)
    return ports is not None and not all(map(port_choice.is_free, astuple(ports)))


def _describe(home: Home, lib: Path, *, was_running: bool) -> Services:
    ports = port_choice.recall(home)
    if ports is None:
        message = f"reading {home.ports_file}: it is gone"
        raise EmbeddedError(message)
    return Services(home.root, lib, ports, read_credentials(home), was_running)
