"""A pid alone proves nothing: a process is a pid with its start time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.embedded.processes import Process, parent_of, read_pid_file, write_pid_file


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits for its standard input to end."""
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as process:
        yield process
        process.kill()


def test_pid_file_names_a_running_process(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    """What was written for a running process is read back, the pid alone on the first line."""
    process = Process.of(sleeper.pid)
    assert process is not None
    write_pid_file(tmp_path / "x.pid", process)
    assert (tmp_path / "x.pid").read_text().splitlines()[0] == str(sleeper.pid)
    assert read_pid_file(tmp_path / "x.pid") == process
    assert parent_of(sleeper.pid) == os.getpid()


def test_a_reused_pid_is_stale(tmp_path: Path) -> None:
    """A pid file from before whose pid belongs to another process now names nobody."""
    me = Process.of(os.getpid())
    assert me is not None
    write_pid_file(tmp_path / "x.pid", Process(me.pid, me.start_ticks - 1))
    assert read_pid_file(tmp_path / "x.pid") is None


def test_a_dead_process_is_stale_before_it_is_reaped(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    """A killed process counts as gone although its parent has not asked for its exit code."""
    process = Process.of(sleeper.pid)
    assert process is not None
    write_pid_file(tmp_path / "x.pid", process)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # dead, and still a zombie
    assert not process.is_running
    assert read_pid_file(tmp_path / "x.pid") is None


@pytest.mark.parametrize("text", ["", "12", "abc def", "1 2 3", "\n\n"])
def test_a_spoilt_pid_file_names_nobody(tmp_path: Path, text: str) -> None:
    """A pid file that makes no sense counts as none, and so does a missing one."""
    path = tmp_path / "x.pid"
    assert read_pid_file(path) is None
    path.write_text(text)
    assert read_pid_file(path) is None


def test_brackets_in_a_program_name_do_not_confuse(tmp_path: Path) -> None:
    """The start time is found although the program's own name holds brackets and spaces."""
    program = tmp_path / "a) R 1 (b"
    program.symlink_to("/bin/cat")
    with subprocess.Popen([str(program)], stdin=subprocess.PIPE) as process:
        assert Process.of(process.pid) is not None
        assert parent_of(process.pid) == os.getpid()
