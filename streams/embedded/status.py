"""What runs now, read from the files of a home and asked of the services themselves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from streams.embedded.home import CLICKHOUSE, KAFKA, SERVICES, Home
from streams.embedded.launch import find_supervisor
from streams.embedded.ports import LOOPBACK, Ports, recall
from streams.embedded.readiness import is_ready
from streams.embedded.state import ChildState, read_state

_RESIDENT_KEY: Final = "VmRSS:"


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service: `addresses` by protocol; `resident_bytes` is 0 if it does not run."""

    name: str
    pid: int | None
    is_ready: bool
    addresses: dict[str, str]
    restarts: int
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class Status:
    """All services of a home; `launcher_pid` is the process whose end ends them."""

    home: str
    supervisor_pid: int | None
    launcher_pid: int | None
    services: tuple[ServiceStatus, ...]

    @property
    def is_up(self) -> bool:
        """Tell whether every service answers."""
        return all(service.is_ready for service in self.services)


def read_status(home: Path) -> Status:
    """Return what runs of this home; nothing is started, changed or waited for."""
    layout = Home(home.absolute())
    supervisor = find_supervisor(layout)
    state = read_state(layout)
    if supervisor is None or state is None or state.supervisor != supervisor:
        state = None
    ports = recall(layout)
    children = {name: state.services.get(name, ChildState()) if state else ChildState()
                for name in SERVICES}  # fmt: skip
    return Status(
        home=str(layout.root),
        supervisor_pid=supervisor.pid if supervisor else None,
        launcher_pid=state.launcher.pid if state and state.launcher else None,
        services=tuple(_ask(layout, name, child, ports) for name, child in children.items()),
    )


def _ask(home: Home, name: str, child: ChildState, ports: Ports | None) -> ServiceStatus:
    process = child.process if child.process and child.process.is_running else None
    return ServiceStatus(
        name=name,
        pid=process.pid if process else None,
        is_ready=process is not None and is_ready(home, name, process),
        addresses=list_addresses(ports).get(name, {}) if ports else {},
        restarts=child.restarts,
        resident_bytes=_read_resident_bytes(process.pid) if process else 0,
    )


def list_addresses(ports: Ports) -> dict[str, dict[str, str]]:
    """Return each service's addresses by protocol."""
    return {
        KAFKA: {"bootstrap": f"{LOOPBACK}:{ports.kafka}"},
        CLICKHOUSE: {
            "native": f"{LOOPBACK}:{ports.clickhouse_native}",
            "http": f"http://{LOOPBACK}:{ports.clickhouse_http}",
        },
    }


def _read_resident_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    kib = next((line.split()[1] for line in lines if line.startswith(_RESIDENT_KEY)), "0")
    return int(kib) * 1024
