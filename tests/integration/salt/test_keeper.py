"""What the keeper of salts leaves in the memory of a process that does nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.salt.conftest import ROOT
from tests.integration.salt.lone_keeper import SITE
from tests.integration.salt.secret import has_secret, read_secrets
from tests.support.core_image import scan_process


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return an empty folder on tmpfs that only we can read."""
    made = Path(tempfile.mkdtemp(prefix="hmara-test-", dir="/dev/shm"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.mark.parametrize("how", ["expire", "forget"])
def test_what_a_keeper_lets_go_of_leaves_nothing(folder: Path, how: str) -> None:
    """Neither the secret nor a state as good as it stays on heap or stack, after much hashing.

    The states that hold the secret are overwritten when the last reference to them goes. Hashing
    puts others on the stack, which no later call of the same process is sure to overwrite.
    """
    with run_keeper(folder, how) as keeper:
        (secret,) = read_secrets(folder / SITE.id)
        assert has_secret(secret, scan_process(keeper.pid, secret.needles)), "it has it"
        go_on(keeper)
        assert len(read_secrets(folder / SITE.id)) == (how == "forget"), "its file stays or goes"
        assert not scan_process(keeper.pid, secret.needles)


@contextmanager
def run_keeper(folder: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    """Run a keeper to the point where it has hashed; it ends its salt when told to go on."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.integration.salt.lone_keeper", str(folder), how],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_for_step(process)
            yield process
        finally:
            process.kill()


def go_on(process: subprocess.Popen[str]) -> None:
    """Let the keeper take its next step, and wait until it has."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    wait_for_step(process)


def wait_for_step(process: subprocess.Popen[str]) -> None:
    """Wait for the line after a step."""
    assert process.stdout is not None
    assert process.stdout.readline() == "done\n"
