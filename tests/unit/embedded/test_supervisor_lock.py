"""Two supervisors never run on one home."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

from streams.embedded.home import Home
from streams.embedded.supervisor import ALREADY_RUNNING


def test_a_locked_home_is_left_alone(tmp_path: Path) -> None:
    """A second supervisor ends at once with its own exit code and touches nothing."""
    home = Home(tmp_path / "a b")
    home.make()
    with home.lock_file.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        command = [sys.executable, "-m", "streams.embedded.supervisor"]
        done = subprocess.run(
            [*command, "--home", str(home.root), "--lib", str(tmp_path)],
            check=False,
            capture_output=True,
        )
    assert done.returncode == ALREADY_RUNNING, done.stderr
    assert [path.name for path in home.run.iterdir()] == [home.lock_file.name]
