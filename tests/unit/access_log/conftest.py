"""Lines and files of made-up access logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def a_line() -> Callable[..., bytes]:
    """Write one line, without its line feed: a GET by a browser unless the test wants otherwise."""

    def write(
        target: str = "/",
        *,
        time: str = "01/Oct/2025:12:00:00 +0000",
        status: int = 200,
        user_agent: str = "Mozilla/5.0",
    ) -> bytes:
        return (
            f'192.0.2.7 - - [{time}] "GET {target} HTTP/1.1" {status} 512'
            f' "https://example.org/" "{user_agent}"'
        ).encode()

    return write


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    """Where a test writes its log."""
    return tmp_path / "access.log"
