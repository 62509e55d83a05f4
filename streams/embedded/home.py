"""The layout of HMARA_HOME: where data, logs and the state of the running services live."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

PRIVATE_DIR_MODE: Final = 0o700
PRIVATE_FILE_MODE: Final = 0o600
_HOME_MODE: Final = 0o755

KAFKA: Final = "kafka"
CLICKHOUSE: Final = "clickhouse"
SUPERVISOR: Final = "supervisor"
SERVICES: Final = (KAFKA, CLICKHOUSE)


@dataclass(frozen=True, slots=True)
class Home:
    """The paths inside one HMARA_HOME; `root` is absolute."""

    root: Path

    @property
    def run(self) -> Path:
        """Pid files, ports, credentials and written configuration; readable by the owner only."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """Each process's `<name>.log` (bounded, rolled) and `<name>.out` (what it printed)."""
        return self.root / "logs"

    @property
    def data(self) -> Path:
        """What survives a restart, one folder per service."""
        return self.root / "data"

    @property
    def lock_file(self) -> Path:
        """Locked by the supervisor as long as it lives."""
        return self.run / "supervisor.lock"

    @property
    def state_file(self) -> Path:
        """What the supervisor says about itself and its children."""
        return self.run / "supervisor.json"

    @property
    def ports_file(self) -> Path:
        """The ports of the last start."""
        return self.run / "ports.json"

    @property
    def credentials_file(self) -> Path:
        """The passwords of this home, made once."""
        return self.run / "credentials.json"

    @property
    def services_env(self) -> Path:
        """Addresses and credentials for every other command."""
        return self.run / "services.env"

    def pid_file(self, service: str) -> Path:
        """Return the pid file of a service or of the supervisor."""
        return self.run / f"{service}.pid"

    def log_file(self, service: str) -> Path:
        """Return the log that a service keeps and rolls itself."""
        return self.logs / f"{service}.log"

    def out_file(self, service: str) -> Path:
        """Return the file with what a service printed."""
        return self.logs / f"{service}.out"

    def make(self) -> None:
        """Create the folders; data, logs and run are closed to everyone but the owner."""
        self.root.mkdir(mode=_HOME_MODE, parents=True, exist_ok=True)
        for folder in (self.run, self.logs, self.data):
            folder.mkdir(mode=PRIVATE_DIR_MODE, exist_ok=True)
            folder.chmod(PRIVATE_DIR_MODE)


def open_private(path: Path) -> BinaryIO:
    """Open a file for writing from its beginning that only the owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE_MODE)
    return os.fdopen(descriptor, "wb")


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically by one that only the owner can read.

    A reader sees the old text or the new one, never a part.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)  # of a writer that was killed: its mode may be any
    with open_private(draft) as file:
        file.write(text.encode())
    draft.replace(path)
