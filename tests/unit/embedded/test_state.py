"""What the supervisor writes down is read back, and tells whether it will last."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from streams.embedded.home import Home
from streams.embedded.processes import Process
from streams.embedded.state import ChildState, Phase, State, read_state, write_state

GONE = Process(os.getpid(), 1)


def _me() -> Process:
    found = Process.of(os.getpid())
    assert found is not None
    return found


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with its folders."""
    made = Home(tmp_path)
    made.make()
    return made


def test_state_survives_the_file(home: Home) -> None:
    """Every field that was written is read."""
    state = State(
        _me(), Phase.RUNNING, GONE, "why", {"kafka": ChildState(GONE, 2, -9), "x": ChildState()}
    )
    write_state(home, state)
    assert read_state(home) == state


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"supervisor": 1}'])
def test_a_spoilt_state_counts_as_none(home: Home, text: str) -> None:
    """A state that makes no sense is as good as no state."""
    assert read_state(home) is None
    home.state_file.write_text(text)
    assert read_state(home) is None


def test_who_is_about_to_end_does_not_last() -> None:
    """A supervisor that is dead, stopping, failed, or whose launcher is dead, is not joined."""
    running = State(_me(), Phase.RUNNING)
    assert running.is_lasting
    assert dataclasses.replace(running, launcher=_me()).is_lasting
    assert not dataclasses.replace(running, launcher=GONE).is_lasting
    assert not dataclasses.replace(running, supervisor=GONE).is_lasting
    assert not dataclasses.replace(running, phase=Phase.STOPPING).is_lasting
    assert not dataclasses.replace(running, phase=Phase.FAILED).is_lasting
