"""A process that hashes under one salt and then lets go of it, step by step, as its input says.

It does nothing else, so that nothing else overwrites what it leaves on its stack and heap.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from streams.collector.salt import SaltKeeper
from streams.collector.sites import Site

SITE: Final = Site("demo", frozenset(), ZoneInfo("UTC"))
NINE: Final = datetime(2026, 7, 1, 9, tzinfo=UTC)


def main() -> None:
    """Hash, then end the salt as the command line says; write a line after each step."""
    folder, how = sys.argv[1:]
    keeper = SaltKeeper(Path(folder))
    end: dict[str, Callable[[], object]] = {
        "expire": lambda: keeper.expire(NINE + timedelta(days=2)),
        "forget": keeper.forget,
    }
    hash_some(keeper)
    for step in (end[how], lambda: None):
        sys.stdout.write("done\n")
        sys.stdout.flush()
        sys.stdin.readline()
        step()


def hash_some(keeper: SaltKeeper) -> None:
    """Hash texts that are shorter and longer than a block of the hash."""
    for length in range(400):
        salt = keeper.get(SITE, NINE)
        salt.hash_visitor(b"\xcb\x00\x71\x07", b"x" * length)
        salt.hash_page_load(b"8 bytes.")
        salt.hash_hits(b"8 bytes.", length)


if __name__ == "__main__":
    main()
