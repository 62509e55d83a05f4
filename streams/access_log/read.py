"""The second pass over log files: page requests in chunks, everything else counted by reason."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streams.access_log.classify import classify
from streams.access_log.errors import LogChangedError
from streams.access_log.lines import cut_lines, open_log
from streams.access_log.parse import LogLine, Skip, parse_line
from streams.access_log.reasons import SkipReason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from streams.access_log.digest import LogFile
    from streams.access_log.lines import LogContent

Judge = Callable[[LogLine], SkipReason | None]

CHUNK_PAGES = 5_000
UNREADABLE_KEPT = 20
_CHUNK_BYTES = 8_388_608  # a log of nothing but assets shows progress too


@dataclass(frozen=True, slots=True)
class PageChunk:
    """Page requests of one file in the order of its lines; `pages` may be empty."""

    file: LogFile
    pages: list[LogLine]
    content_bytes: int
    """Decompressed bytes read since the chunk before; they add up to the file's."""


@dataclass(frozen=True, slots=True)
class UnreadableLine:
    """Where a line is that could not be read."""

    path: Path
    line_number: int
    reason: SkipReason


@dataclass(slots=True)
class ImportCounts:
    """What has been read so far: lines = pages + everything skipped."""

    pages: int = 0
    skipped: Counter[SkipReason] = field(default_factory=Counter)
    unreadable: list[UnreadableLine] = field(default_factory=list)
    """The first UNREADABLE_KEPT lines that are malformed or have no time; `skipped` counts all."""

    @property
    def lines(self) -> int:
        """All lines read."""
        return self.pages + self.skipped.total()

    def skip(self, path: Path, line_number: int, reason: SkipReason) -> None:
        """Count a line that is no page request."""
        self.skipped[reason] += 1
        is_unreadable = reason in {SkipReason.MALFORMED, SkipReason.BAD_TIME}
        if is_unreadable and len(self.unreadable) < UNREADABLE_KEPT:
            self.unreadable.append(UnreadableLine(path, line_number, reason))


def read_pages(files: Sequence[LogFile], judge: Judge, counts: ImportCounts) -> Iterator[PageChunk]:
    """Read the logs one after the other, in the order given, and count as lines are read.

    `judge` says of a page request whether it counts, and must always say the same.

    Raises:
        LogFileError: a file cannot be read, or (LogChangedError, once it has been read to its end)
            its content is not what was inspected. What was appended since is left unread.

    """
    for file in files:
        with open_log(file.path) as content:
            yield from _read_file(_Inspected(file, content), judge, counts)


def _read_file(inspected: _Inspected, judge: Judge, counts: ImportCounts) -> Iterator[PageChunk]:
    file = inspected.file
    pages: list[LogLine] = []
    line_number = told_bytes = 0
    for lines in cut_lines(inspected.blocks()):
        for line in lines:
            line_number += 1
            parsed = parse_line(line, line_number)
            reason = parsed.reason if isinstance(parsed, Skip) else classify(parsed, judge)
            if isinstance(parsed, Skip) or reason is not None:
                counts.skip(file.path, line_number, reason or SkipReason.MALFORMED)
                continue
            counts.pages += 1
            pages.append(parsed)
            if len(pages) == CHUNK_PAGES:
                yield PageChunk(file, pages, inspected.bytes_read - told_bytes)
                pages, told_bytes = [], inspected.bytes_read
        if inspected.bytes_read - told_bytes >= _CHUNK_BYTES:
            yield PageChunk(file, pages, inspected.bytes_read - told_bytes)
            pages, told_bytes = [], inspected.bytes_read
    yield PageChunk(file, pages, inspected.bytes_read - told_bytes)


class _Inspected:
    """A file's content as far as it was inspected, checked to be the same once it has been read."""

    def __init__(self, file: LogFile, content: LogContent) -> None:
        self.file = file
        self.bytes_read = 0
        self._content = content

    def blocks(self) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for block in self._content.blocks():
            kept = block[: self.file.content_bytes - self.bytes_read]
            digest.update(kept)
            self.bytes_read += len(kept)
            yield kept
            if self.bytes_read == self.file.content_bytes:
                break
        if digest.hexdigest() != self.file.sha256:
            message = f"reading {self.file.path}: it has changed since it was inspected"
            raise LogChangedError(message)
