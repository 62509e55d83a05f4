"""The demo's own processes: collector, worker and site, each with a log file, none left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import httpx

from schemas.errors import HmaraError
from streams.embedded.processes import die_with_parent

_POLL_S: Final = 0.1
_LOG_LINES: Final = 15


class DemoError(HmaraError):
    """A process of the demo that does not start or has ended; the message has its last lines."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run as `python -m …`, and where its log goes."""

    name: str
    module: tuple[str, ...]
    log_file: Path
    env: Mapping[str, str]


class Child:
    """One running process. The kernel kills it if this process dies, however it dies."""

    def __init__(self, spec: ChildSpec) -> None:
        self._spec = spec
        spec.log_file.parent.mkdir(parents=True, exist_ok=True)
        parent = os.getpid()
        with spec.log_file.open("ab") as log:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", *spec.module],
                env={**os.environ, **spec.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C goes to the demo alone, which ends its children in order.
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(parent),  # noqa: PLW1509 - prctl only
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    def check(self) -> None:
        """Look whether the process still runs.

        Raises:
            DemoError: it has ended; its last lines are in the message.
        """
        if self._popen.poll() is not None:
            self._fail(f"ended with exit code {self._popen.returncode}")

    def wait_ready(self, url: str, within_s: float) -> None:
        """Wait until `url` answers 200.

        Raises:
            DemoError: the process ended, or the time is over.
        """
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            self.check()
            try:
                if httpx.get(url, timeout=2.0).status_code == httpx.codes.OK:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(_POLL_S)
        self._fail(f"not ready within {within_s:g} s")

    def stop(self, within_s: float) -> None:
        """Ask the process to end, and make it end."""
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(within_s)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def _fail(self, what: str) -> NoReturn:
        lines = self._spec.log_file.read_text("utf-8", "replace").splitlines()[-_LOG_LINES:]
        tail = "\n  ".join(lines)
        message = f"starting {self._spec.name}: {what}; {self._spec.log_file} ends with:\n  {tail}"
        raise DemoError(message)


def stop_all(children: Sequence[Child], within_s: float) -> None:
    """Stop processes one after the other, in the order given."""
    for child in children:
        child.stop(within_s)
