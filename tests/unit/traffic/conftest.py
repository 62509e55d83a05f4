"""A list of invented user agents, shaped like npm's, and a folder on tmpfs."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from streams.traffic.user_agents import USER_AGENTS_FILE, UserAgentRow

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def user_agents() -> tuple[UserAgentRow, ...]:
    """Eight hundred browsers; the first alone has half of all weight."""
    return tuple(
        UserAgentRow(
            user_agent=f"Mozilla/5.0 (X11; Linux x86_64; rv:{number}.0) Gecko Firefox/{number}.0",
            weight=0.5 if number == 0 else 0.5 / 799,
            screen_width=1920,
            screen_height=1080,
            viewport_width=1280,
            viewport_height=720 + number,
            language="en-US",
            device_category="desktop",
        )
        for number in range(800)
    )


@pytest.fixture
def lib_dir(tmp_path: Path, user_agents: tuple[UserAgentRow, ...]) -> Path:
    """A directory of fetched packages that holds the invented list."""
    path = tmp_path / USER_AGENTS_FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(msgspec.json.encode(user_agents))
    return tmp_path


@pytest.fixture
def volatile() -> Iterator[Path]:
    """Return an empty folder on tmpfs that only we can read."""
    folder = Path(tempfile.mkdtemp(prefix="hmara-test-", dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
