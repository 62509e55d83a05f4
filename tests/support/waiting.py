"""Waiting for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable

_POLL_S = 0.1


def wait_until(is_true: Callable[[], bool], what: str, within_s: float = 30.0) -> None:
    """Wait until a condition holds.

    Raises:
        AssertionError: it did not within the time; names what was waited for.
    """
    deadline = time.monotonic() + within_s
    while not is_true():
        assert time.monotonic() < deadline, f"waited {within_s:g} s in vain: {what}"
        time.sleep(_POLL_S)


def stays_true(is_true: Callable[[], bool], what: str, for_s: float) -> None:
    """Look at a condition for a while, to see that it does not end.

    Raises:
        AssertionError: it ended; names what should have stayed.
    """
    deadline = time.monotonic() + for_s
    while time.monotonic() < deadline:
        assert is_true(), f"it did not stay so: {what}"
        time.sleep(_POLL_S)
