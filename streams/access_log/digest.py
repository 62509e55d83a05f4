"""The first pass over log files, before anything is sent: which, how much, of which days."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streams.access_log.clock import parse_time
from streams.access_log.errors import EmptyLogError, NotAnAccessLogError
from streams.access_log.lines import cut_lines, open_log
from streams.access_log.parse import Skip, parse_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date, datetime, tzinfo
    from pathlib import Path

    from streams.access_log.lines import LogContent

_SAMPLE_LINES = 1_000
_LARGEST_UNREADABLE_SHARE = 0.99
# The time stands between the first brackets of a line; nothing before them can be one.
_TIME = re.compile(rb"[^\[]*+\[([ -~]{26})\]")


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log as it was when it was inspected."""

    path: Path
    sha256: str
    """Of the decompressed content, so that a log and its gzip twin are the same import."""
    content_bytes: int
    """Decompressed; what `read_pages` counts its progress in."""
    lines: int
    first_time: datetime
    last_time: datetime
    days: frozenset[date]
    """Every day of the site's time zone that a line of the log falls on."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """The logs of one import."""

    files: tuple[LogFile, ...]
    """In order of their first time, each content once."""
    duplicates: tuple[tuple[Path, Path], ...]
    """Files left out, each with the file of the same content that stays."""


def inspect_logs(
    paths: Sequence[Path], time_zone: tzinfo, on_bytes: Callable[[int], None] | None = None
) -> Inspection:
    """Read every log once and say what is in it.

    `on_bytes` gets the bytes read, as they lie on disk; they add up to the files' sizes.

    Raises:
        LogFileError: one cannot be read, is empty or is no access log; the message names it.

    """
    by_content: dict[str, LogFile] = {}
    duplicates: list[tuple[Path, Path]] = []
    for path in paths:
        log = inspect_log(path, time_zone, on_bytes)
        kept = by_content.setdefault(log.sha256, log)
        if kept is not log:
            duplicates.append((path, kept.path))
    files = sorted(by_content.values(), key=lambda log: (log.first_time, log.path))
    return Inspection(tuple(files), tuple(duplicates))


def inspect_log(
    path: Path, time_zone: tzinfo, on_bytes: Callable[[int], None] | None = None
) -> LogFile:
    """Read one log once and say what is in it; raises and reports as `inspect_logs`."""
    survey = _Survey()
    with open_log(path) as content:
        for lines in cut_lines(_reported(survey.hashed(content), content, on_bytes)):
            survey.look_at(lines, time_zone)
    if survey.content_bytes == 0:
        message = f"inspecting {path}: the file is empty"
        raise EmptyLogError(message)
    looked_at = min(survey.lines, _SAMPLE_LINES)
    first_time, last_time = survey.first_time, survey.last_time
    is_log = survey.unreadable <= looked_at * _LARGEST_UNREADABLE_SHARE
    if not is_log or first_time is None or last_time is None:
        message = (
            f"inspecting {path}: not an access log in Combined Log Format"
            f" ({survey.unreadable:,} of its first {looked_at:,} lines cannot be read)"
        )
        raise NotAnAccessLogError(message)
    return LogFile(
        path=path,
        sha256=survey.digest.hexdigest(),
        content_bytes=survey.content_bytes,
        lines=survey.lines,
        first_time=first_time,
        last_time=last_time,
        days=frozenset(survey.days),
    )


class _Survey:
    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.content_bytes = 0
        self.lines = 0
        self.unreadable = 0
        self.first_time: datetime | None = None
        self.last_time: datetime | None = None
        self.days: set[date] = set()

    def hashed(self, content: LogContent) -> Iterator[bytes]:
        for block in content.blocks():
            self.digest.update(block)
            self.content_bytes += len(block)
            yield block

    def look_at(self, lines: list[bytes], time_zone: tzinfo) -> None:
        for line in lines[: max(_SAMPLE_LINES - self.lines, 0)]:
            self.unreadable += isinstance(parse_line(line), Skip)
        self.lines += len(lines)
        found = {match[1] for line in lines if (match := _TIME.match(line))}
        times = [time for text in found if (time := parse_time(text.decode()))]
        if not times:
            return
        first_time, last_time = min(times), max(times)
        if self.first_time is None or first_time < self.first_time:
            self.first_time = first_time
        if self.last_time is None or last_time > self.last_time:
            self.last_time = last_time
        self.days.update(time.astimezone(time_zone).date() for time in times)


def _reported(
    blocks: Iterator[bytes], content: LogContent, on_bytes: Callable[[int], None] | None
) -> Iterator[bytes]:
    reported = 0
    for block in blocks:
        yield block
        if on_bytes is not None:
            position = content.stored_bytes_read()
            on_bytes(position - reported)
            reported = position
