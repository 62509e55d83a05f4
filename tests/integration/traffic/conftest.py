"""A synthetic site in Kyiv, and the command line that knows it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest

from streams.embedded.services import Services
from tests.integration.cli.calling import Hmara, call_main
from tests.integration.collector.records import skip_to_end
from tests.support.services import Stack

__all__ = ["call_main", "hmara", "past_stack", "storing"]

ZONE = "Europe/Kyiv"


@pytest.fixture(scope="module")
def storing(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a worker that stores what the tests of a module send."""
    folder = tmp_path_factory.mktemp("backfill")
    stack = Stack(services, folder, f"site-{secrets.token_hex(4)}", "http://127.0.0.1:8081")
    skip_to_end(stack)
    stack.start_worker()
    yield stack
    stack.stop()


@pytest.fixture
def past_stack(make_stack: Callable[..., Stack]) -> Stack:
    """Return a synthetic site of this test's own."""
    stack = make_stack(ZONE)
    stack.write_sites(ZONE, "synthetic = true")
    return stack


@pytest.fixture
def hmara(past_stack: Stack, call_main: Hmara, monkeypatch: pytest.MonkeyPatch) -> Hmara:
    """Call the command line with this test's site."""
    for name, value in past_stack.env.items():
        monkeypatch.setenv(name, value)
    return call_main
