"""Real user agents with their real weights, from the npm package `user-agents`."""

from __future__ import annotations

from pathlib import Path

import msgspec

from streams.traffic.errors import UserAgentFileError

USER_AGENTS_FILE = Path("node_modules/user-agents/dist/user-agents.json")


class UserAgentRow(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """One observed browser: what it calls itself, its screen and how often it was seen."""

    user_agent: str
    weight: float
    screen_width: int
    screen_height: int
    viewport_width: int
    viewport_height: int
    language: str
    device_category: str


def read_user_agents(lib_dir: Path) -> tuple[UserAgentRow, ...]:
    """Read the package's list under `lib_dir`, in its own order.

    Raises:
        UserAgentFileError: the file is absent, unreadable or not the list it should be.

    """
    path = lib_dir / USER_AGENTS_FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        message = (
            f"reading user agents: {path} is missing; `hmara up` or `make setup` fetches it"
            " (npm package user-agents)"
        )
        raise UserAgentFileError(message) from error
    except OSError as error:
        message = f"reading user agents: {path}: {error.strerror}"
        raise UserAgentFileError(message) from error
    try:
        rows = msgspec.json.decode(content, type=tuple[UserAgentRow, ...])
    except msgspec.DecodeError as error:
        message = f"reading user agents: {path}: {error}"
        raise UserAgentFileError(message) from error
    if not any(row.weight > 0 for row in rows):
        message = f"reading user agents: {path}: no user agent has a weight"
        raise UserAgentFileError(message)
    return rows
