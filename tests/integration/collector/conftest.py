"""One collector for every bad request, with a body timeout short enough to be waited for.

All requests of these tests come from one address, so its rate is not limited here.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from streams.embedded.services import Services
from tests.support.collector import WRITE_KEY
from tests.support.services import Stack

BODY_TIMEOUT_S = "1"
UNLIMITED = {"HMARA_COLLECTOR_REQUESTS_PER_S": "0"}


@dataclass(frozen=True, slots=True)
class Collecting:
    """A running collector."""

    stack: Stack
    url: str
    pid: int

    def read_log(self) -> str:
        """Return what the processes of this stack have logged."""
        logs = sorted((self.stack.folder / "logs").glob("*.log"))
        return "".join(log.read_text("utf-8", "replace") for log in logs)


@pytest.fixture(scope="session")
def collecting(
    services: Services, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Collecting]:
    """Start the collector that the tests of this folder share."""
    folder = tmp_path_factory.mktemp("collector")
    stack = Stack(services, folder, f"site-{secrets.token_hex(4)}", "http://127.0.0.1:8081")
    stack.write_sites("UTC")
    with (folder / "sites.toml").open("a", encoding="utf-8") as sites:
        sites.write(f'write_keys = ["{hashlib.sha256(WRITE_KEY.encode()).hexdigest()}"]\n')
    url = stack.start_collector(HMARA_COLLECTOR_BODY_TIMEOUT_S=BODY_TIMEOUT_S, **UNLIMITED)
    yield Collecting(stack, url, stack.children[-1].pid)
    stack.stop()
