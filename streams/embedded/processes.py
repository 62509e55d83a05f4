"""Processes told apart for certain: a pid with its start time, and death together with a parent."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from streams.embedded.home import write_private

_PROC: Final = Path("/proc")
_PR_SET_PDEATHSIG: Final = 1
_STATE_FIELD: Final = 0
_PARENT_FIELD: Final = 1
_START_FIELD: Final = 19
_POLL_S: Final = 0.05
# Loaded at import: between fork and exec nothing may take a lock that another thread held.
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Process:
    """A process of this boot: pids come again, a pid with its start time does not."""

    pid: int
    start_ticks: int

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """Return the running process with this pid, or None."""
        fields = _stat(pid)
        return cls(pid, int(fields[_START_FIELD])) if fields else None

    @property
    def is_running(self) -> bool:
        """Tell whether this very process runs; one that only waits to be reaped does not."""
        return Process.of(self.pid) == self

    def wait_end(self, timeout_s: float) -> bool:
        """Wait until the process is gone; return False if it is still there."""
        deadline = time.monotonic() + timeout_s
        while self.is_running:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless the process is gone."""
        if self.is_running:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


def parent_of(pid: int) -> int | None:
    """Return the parent's pid of a running process."""
    fields = _stat(pid)
    return int(fields[_PARENT_FIELD]) if fields else None


def write_pid_file(path: Path, process: Process) -> None:
    """Write the pid on the first line, where every tool looks, and the start time on the second."""
    write_private(path, f"{process.pid}\n{process.start_ticks}\n")


def read_pid_file(path: Path) -> Process | None:
    """Return the process that a pid file names if that very one runs; else the file is stale."""
    try:
        pid, start_ticks = path.read_text(encoding="ascii").split()
        process = Process(int(pid), int(start_ticks))
    except (OSError, ValueError):
        return None
    return process if process.is_running else None


def die_with_parent(parent_pid: int) -> None:
    """Let the kernel kill this process when its parent's thread ends, however it ends.

    For a child between fork and exec, started from the parent's main thread. A parent that died
    before the call is noticed by the second look.
    """
    if _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0 or os.getppid() != parent_pid:
        os._exit(1)


def _stat(pid: int) -> list[str] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in brackets, and may hold brackets and spaces itself.
    fields = text[text.rindex(")") + 2 :].split()
    return None if fields[_STATE_FIELD] in "ZX" else fields
