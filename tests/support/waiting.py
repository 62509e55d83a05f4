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
