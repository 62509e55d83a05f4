"""A child is watched, comes back later and later, and is stopped for certain."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from streams.embedded.child import Child, ChildSpec, restart_delay_s
from streams.embedded.errors import EmbeddedError


def _spec(folder: Path, *command: str, stop_grace_s: float = 10.0) -> ChildSpec:
    return ChildSpec("kafka", command, {"ONLY": "this"}, folder, folder / "out", stop_grace_s)


def _await_exit(child: Child) -> None:
    assert child.process is not None
    os.waitid(os.P_PID, child.process.pid, os.WEXITED | os.WNOWAIT)


def test_a_child_that_ends_is_noticed_once(tmp_path: Path) -> None:
    """The end of a process is reported once, with its exit code and a time to come back."""
    child = Child(_spec(tmp_path, sys.executable, "-I", "-c", "raise SystemExit(9)"))
    child.start()
    _await_exit(child)
    assert child.note_end()
    assert (child.process, child.restarts, child.last_exit) == (None, 1, 9)
    assert not child.note_end()


def test_a_child_inherits_nothing(tmp_path: Path) -> None:
    """A service sees its own environment and folder only, whatever the caller's shell has set."""
    script = "import json, os; print(json.dumps([dict(os.environ), os.getcwd()]))"
    child = Child(_spec(tmp_path, sys.executable, "-I", "-c", script))
    child.start()
    child.await_stop()
    env, folder = json.loads((tmp_path / "out").read_text())
    assert {name for name in env if name != "LC_CTYPE"} == {"ONLY"}
    assert folder == str(tmp_path)


def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    """SIGTERM comes first, SIGKILL when the grace is over."""
    script = (
        "import signal, sys; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"
    )
    child = Child(_spec(tmp_path, sys.executable, "-I", "-c", script, stop_grace_s=0.05))
    process = child.start()
    child.ask_to_stop()
    child.await_stop()
    assert not process.is_running
    assert child.last_exit in {-9, -15}  # -15: it was asked before it could refuse


def test_what_a_child_prints_is_bounded(tmp_path: Path) -> None:
    """A start with more than a mebibyte of old output puts it aside, one file of it."""
    (tmp_path / "out").write_bytes(b"x" * (1 << 20) + b"y")
    child = Child(_spec(tmp_path, sys.executable, "-I", "-c", "print('new')"))
    child.start()
    child.await_stop()
    assert (tmp_path / "out").read_text() == "new\n"
    assert (tmp_path / "out.1").stat().st_size == (1 << 20) + 1


def test_a_missing_program_is_an_error(tmp_path: Path) -> None:
    """A command that can not be run is named with its service."""
    with pytest.raises(EmbeddedError, match=r"starting kafka: .*/no/such/program"):
        Child(_spec(tmp_path, "/no/such/program")).start()


def test_waits_grow_and_end() -> None:
    """The first restart is quick, each quick end doubles the wait, ten seconds is the longest."""
    assert [restart_delay_s(ends) for ends in (0, 1, 2, 3, 4)] == [0.2, 0.2, 0.4, 0.8, 1.6]
    assert restart_delay_s(10_000) == 10.0
