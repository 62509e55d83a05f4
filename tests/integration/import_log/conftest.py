"""The command line with a site in Kyiv."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.cli.calling import Hmara, call_main
from tests.support.services import Stack

__all__ = ["call_main", "hmara", "log_stack"]

ZONE = "Europe/Kyiv"


@pytest.fixture
def log_stack(make_stack: Callable[..., Stack]) -> Stack:
    """Return a site of this test's own, in Kyiv."""
    return make_stack(ZONE)


@pytest.fixture
def hmara(log_stack: Stack, call_main: Hmara, monkeypatch: pytest.MonkeyPatch) -> Hmara:
    """Call the command line with this test's site."""
    for name, value in log_stack.env.items():
        monkeypatch.setenv(name, value)
    return call_main
