"""The list of real user agents, and what is said when it is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streams.settings import lib_dir as fetched_dir
from streams.traffic.errors import UserAgentFileError
from streams.traffic.user_agents import USER_AGENTS_FILE, UserAgentRow, read_user_agents

if TYPE_CHECKING:
    from pathlib import Path


def test_the_list_is_read_in_its_order(
    lib_dir: Path, user_agents: tuple[UserAgentRow, ...]
) -> None:
    """What was written is what is read."""
    assert read_user_agents(lib_dir) == user_agents


def test_a_missing_list_says_what_to_run(tmp_path: Path) -> None:
    """The error names the file and the commands that fetch it."""
    with pytest.raises(UserAgentFileError, match=r"user-agents\.json is missing; `hmara up`"):
        read_user_agents(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'[{"userAgent": 1}]', b"[]", b"\xff", b'["\xff"]']
)
def test_a_damaged_list_is_refused(lib_dir: Path, content: bytes) -> None:
    """Anything but the list is an error that names the file."""
    (lib_dir / USER_AGENTS_FILE).write_bytes(content)
    with pytest.raises(UserAgentFileError, match=r"user-agents\.json"):
        read_user_agents(lib_dir)


@pytest.mark.integration
def test_the_real_list_has_seven_hundred_user_agents() -> None:
    """The package of npm has at least 700 different user agents, each with a weight."""
    rows = read_user_agents(fetched_dir())
    assert len({row.user_agent for row in rows if row.weight > 0}) >= 700
