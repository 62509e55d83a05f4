"""What the supervisor says about itself: its phase, its children, and whom it is tied to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from streams.embedded.home import Home, write_private
from streams.embedded.processes import Process


class Phase(StrEnum):
    """How far the supervisor is."""

    PREPARING = "preparing"
    RUNNING = "running"
    STOPPING = "stopping"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ChildState:
    """One service: its process if it runs, how often it ended by itself, and how the last time."""

    process: Process | None = None
    restarts: int = 0
    last_exit: int | None = None


@dataclass(frozen=True, slots=True)
class State:
    """One supervisor: `launcher` is the process whose end ends it, if it is tied to one."""

    supervisor: Process
    phase: Phase
    launcher: Process | None = None
    error: str = ""
    services: Mapping[str, ChildState] = field(default_factory=dict)

    @property
    def is_lasting(self) -> bool:
        """Tell whether the supervisor runs and will go on, as far as it knows."""
        return (
            self.supervisor.is_running
            and self.phase in {Phase.PREPARING, Phase.RUNNING}
            and (self.launcher is None or self.launcher.is_running)
        )


def write_state(home: Home, state: State) -> None:
    """Replace the state file."""
    write_private(home.state_file, json.dumps(asdict(state), indent=2) + "\n")


def read_state(home: Home) -> State | None:
    """Return what the newest supervisor wrote, whether it still runs or not; None if none did."""
    try:
        return _parse(json.loads(home.state_file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _parse(found: dict[str, Any]) -> State:
    return State(
        supervisor=Process(**found["supervisor"]),
        phase=Phase(found["phase"]),
        launcher=_parse_process(found["launcher"]),
        error=str(found["error"]),
        services={
            name: ChildState(
                _parse_process(child["process"]), child["restarts"], child["last_exit"]
            )
            for name, child in found["services"].items()
        },
    )


def _parse_process(found: dict[str, int] | None) -> Process | None:
    return None if found is None else Process(**found)
