"""One child of the supervisor: started, watched, started again, stopped."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from streams.embedded.errors import EmbeddedError
from streams.embedded.processes import Process, die_with_parent

_MAX_OUT_BYTES: Final = 1 << 20
_FIRST_DELAY_S: Final = 0.2
_LONGEST_DELAY_S: Final = 10.0
_MAX_DOUBLINGS: Final = 10
_STEADY_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run: the environment is complete, nothing is inherited."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    folder: Path
    out_file: Path
    stop_grace_s: float


@dataclass(slots=True)
class Child:
    """A process that ought to run; `due_s` (monotonic) is when it may be started again."""

    spec: ChildSpec
    process: Process | None = None
    restarts: int = 0
    last_exit: int | None = None
    due_s: float = 0.0
    _popen: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _started_s: float = 0.0
    _quick_ends: int = 0

    def start(self) -> Process:
        """Start the process; must be called from the main thread, whose end would end it too.

        Raises:
            EmbeddedError: the program can not be run.
        """
        spec = self.spec
        if spec.out_file.exists() and spec.out_file.stat().st_size > _MAX_OUT_BYTES:
            spec.out_file.replace(spec.out_file.with_name(f"{spec.out_file.name}.1"))
        parent = os.getpid()
        try:
            with spec.out_file.open("ab") as out:
                self._popen = subprocess.Popen(
                    spec.command, env=dict(spec.env), cwd=spec.folder, stdin=subprocess.DEVNULL,
                    stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                    preexec_fn=lambda: die_with_parent(parent),  # noqa: PLW1509 - one thread only
                )  # fmt: skip
        except OSError as error:
            message = f"starting {spec.name}: {error}"
            raise EmbeddedError(message) from error
        self._started_s = time.monotonic()
        # A child that is over already has no start time to read: 0 is that of no process.
        self.process = Process.of(self._popen.pid) or Process(self._popen.pid, 0)
        return self.process

    def note_end(self) -> bool:
        """Tell whether the process has ended since the last look, and set when to start it again.

        One that ran for a while comes back at once; one that ends again and again waits longer
        each time, up to 10 s.
        """
        if self._popen is None or self._popen.poll() is None:
            return False
        now = time.monotonic()
        self.last_exit = self._popen.returncode
        self._popen = self.process = None
        self._quick_ends = 0 if now - self._started_s > _STEADY_S else self._quick_ends + 1
        self.due_s = now + restart_delay_s(self._quick_ends)
        self.restarts += 1
        return True

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        self._signal(signal.SIGTERM)

    def await_stop(self) -> None:
        """Wait for the end as long as the spec grants, then kill."""
        if self._popen is None:
            return
        try:
            self.last_exit = self._popen.wait(self.spec.stop_grace_s)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self.last_exit = self._popen.wait()
        self._popen = self.process = None

    def _signal(self, number: signal.Signals) -> None:
        if self._popen is not None:
            self._popen.send_signal(number)


def restart_delay_s(quick_ends: int) -> float:
    """Return how long to wait before the next start after so many short lives in a row."""
    doublings = min(max(quick_ends - 1, 0), _MAX_DOUBLINGS)
    return min(_LONGEST_DELAY_S, math.ldexp(_FIRST_DELAY_S, doublings))
