"""The command line with the services of a test."""

from __future__ import annotations

import pytest

from tests.integration.cli.calling import Hmara, call_main
from tests.support.services import Stack

__all__ = ["call_main", "hmara"]


@pytest.fixture
def hmara(stack: Stack, call_main: Hmara, monkeypatch: pytest.MonkeyPatch) -> Hmara:
    """Call the command line with this test's services."""
    for name, value in stack.env.items():
        monkeypatch.setenv(name, value)
    return call_main
