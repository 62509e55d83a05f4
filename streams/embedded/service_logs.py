"""The logs of the services: the last lines, and the lines that are yet to come."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from streams.embedded.home import Home

_POLL_S: Final = 0.25
_CHUNK_BYTES: Final = 64 << 10


def tail_logs(home: Path, service: str, lines: int) -> list[str]:
    """Return the last lines of a service's log, then as many of what it printed outside of it."""
    layout = Home(home.absolute())
    return [
        line
        for path in (layout.log_file(service), layout.out_file(service))
        for line in _tail(path, lines)
    ]


def follow_logs(
    home: Path, service: str, *, is_wanted: Callable[[], bool] = lambda: True
) -> Iterator[str]:
    """Return the lines that are written to a service's log after this call, through its rolling.

    Ends when `is_wanted` says no; asked whenever nothing new is there.
    """
    path = Home(home.absolute()).log_file(service)
    return _follow(path, _identify(path), is_wanted)


def _follow(path: Path, start: tuple[int, int], is_wanted: Callable[[], bool]) -> Iterator[str]:
    identity, position = start
    while True:
        now, size = _identify(path)
        if now != identity or size < position:  # rolled: the rest of the old file is in another
            identity, position = now, 0
        lines, position = _read_lines(path, position) if size > position else ([], position)
        yield from lines
        if not lines:
            if not is_wanted():
                return
            time.sleep(_POLL_S)


def _read_lines(path: Path, position: int) -> tuple[list[str], int]:
    """Return the whole lines behind a position, and the position behind them."""
    with path.open("rb") as file:
        file.seek(position)
        whole, end, _ = file.read().rpartition(b"\n")
    return whole.decode(errors="replace").splitlines(), position + len(whole) + len(end)


def _identify(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_ino, status.st_size


def _tail(path: Path, lines: int) -> list[str]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - max(_CHUNK_BYTES, lines * 400)))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return list(deque(text.splitlines(), maxlen=lines))
