"""Page requests in chunks, and the counts beside them."""

from __future__ import annotations

import gzip
import tracemalloc
from collections import Counter
from datetime import UTC
from typing import TYPE_CHECKING

import pytest

from streams.access_log.digest import inspect_logs
from streams.access_log.errors import LogChangedError, LogFileError
from streams.access_log.read import CHUNK_PAGES, UNREADABLE_KEPT, ImportCounts, read_pages
from streams.access_log.reasons import SkipReason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streams.access_log.parse import LogLine
    from streams.access_log.read import PageChunk


def _judge(line: LogLine) -> SkipReason | None:
    return SkipReason.BOT if "bot" in (line.user_agent or "") else None


def _read(*paths: Path) -> tuple[list[PageChunk], ImportCounts]:
    counts = ImportCounts()
    files = inspect_logs(paths, UTC).files
    return list(read_pages(files, _judge, counts)), counts


def test_pages_are_counted_as_by_hand(log_path: Path, a_line: Callable[..., bytes]) -> None:
    """Pages per path and hour equal those that splitting at blanks finds; nothing is lost."""
    lines = [
        a_line(
            ("/", "/a", "/b?x=1", "/logo.png", "/robots.txt")[number % 5],
            time=f"{1 + number // 5_000:02}/Oct/2025:{number % 24:02}:00:{number % 60:02} +0000",
            status=(200, 304, 404, 301)[number % 4],
            user_agent=("Mozilla/5.0", "Mozilla/5.0", "somebot/1.0")[number % 3],
        )
        for number in range(12_000)
    ]
    log_path.write_bytes(b"\n".join(lines) + b"\n")
    chunks, counts = _read(log_path)
    expected: Counter[tuple[str, str]] = Counter()
    for words in (line.decode().split() for line in lines):
        if words[8] in {"200", "304"} and "." not in words[6] and "bot" not in words[-1]:
            expected[words[6], words[3][1:15]] += 1
    pages = [page for chunk in chunks for page in chunk.pages]
    found = Counter((page.target, f"{page.received_at:%d/%b/%Y:%H}") for page in pages)
    assert found == expected
    assert counts.pages == len(pages)
    assert counts.lines == 12_000
    assert set(counts.skipped) == {
        SkipReason.ASSET,
        SkipReason.BOT,
        SkipReason.NOT_A_PAGE,
        SkipReason.REDIRECT,
        SkipReason.STATUS_ERROR,
    }


def test_chunks_are_bounded_and_in_order(log_path: Path, a_line: Callable[..., bytes]) -> None:
    """No chunk has more than 5,000 pages; line numbers rise; bytes add up to the file."""
    log_path.write_bytes((a_line() + b"\n") * 12_001)
    chunks, _ = _read(log_path)
    assert [len(chunk.pages) for chunk in chunks] == [CHUNK_PAGES, CHUNK_PAGES, 2_001]
    numbers = [page.line_number for chunk in chunks for page in chunk.pages]
    assert numbers == list(range(1, 12_002))
    assert sum(chunk.content_bytes for chunk in chunks) == log_path.stat().st_size


def test_a_log_and_its_gzip_twin_give_the_same_pages(
    log_path: Path, a_line: Callable[..., bytes]
) -> None:
    """Digest and line number, the row key of an import, do not depend on compression."""
    twin = log_path.with_suffix(".gz")
    log_path.write_bytes(b"".join(a_line(f"/{number}") + b"\n" for number in range(6_000)))
    twin.write_bytes(gzip.compress(log_path.read_bytes()))
    keys = [
        [
            (chunk.file.sha256, page.line_number, page.target)
            for chunk in chunks
            for page in chunk.pages
        ]
        for chunks, _ in (_read(log_path), _read(twin))
    ]
    assert keys[0] == keys[1]


def test_unreadable_lines_are_named(log_path: Path, a_line: Callable[..., bytes]) -> None:
    """Malformed lines are all counted, the first twenty kept with file, number and reason."""
    bad_time = a_line(time="31/Feb/2025:12:00:00 +0000")
    log_path.write_bytes(
        b"\n".join([a_line(), b"junk", bad_time, b"\xff", b"x" * 70_000, *[b"junk"] * 40, a_line()])
    )
    _, counts = _read(log_path)
    assert counts.pages == 2
    assert counts.skipped == {SkipReason.MALFORMED: 43, SkipReason.BAD_TIME: 1}
    assert len(counts.unreadable) == UNREADABLE_KEPT
    named = [(line.path, line.line_number, line.reason) for line in counts.unreadable[:3]]
    assert named == [
        (log_path, 2, SkipReason.MALFORMED),
        (log_path, 3, SkipReason.BAD_TIME),
        (log_path, 4, SkipReason.MALFORMED),
    ]


def test_files_are_read_in_the_order_given(tmp_path: Path, a_line: Callable[..., bytes]) -> None:
    """Chunks of one file end before those of the next begin, and the counts run on."""
    paths = [tmp_path / f"access.log.{number}" for number in (1, 2)]
    for path, day in zip(paths, ("02", "01"), strict=True):
        path.write_bytes(a_line(time=f"{day}/Oct/2025:12:00:00 +0000") + b"\n")
    chunks, counts = _read(*paths)
    assert [chunk.file.path for chunk in chunks] == [paths[1], paths[0]]
    assert counts.pages == 2


def test_a_log_without_pages_still_makes_progress(
    log_path: Path, a_line: Callable[..., bytes]
) -> None:
    """Chunks come by bytes too, empty ones if need be."""
    log_path.write_bytes((a_line("/logo.png?" + "x" * 4_000) + b"\n") * 5_000)
    chunks, counts = _read(log_path)
    assert len(chunks) > 2
    assert counts.pages == sum(len(chunk.pages) for chunk in chunks) == 0
    assert sum(chunk.content_bytes for chunk in chunks) == log_path.stat().st_size


def test_what_was_appended_since_is_left(log_path: Path, a_line: Callable[..., bytes]) -> None:
    """A log that grows between the two passes is read as far as it was inspected."""
    log_path.write_bytes((a_line() + b"\n") * 10)
    files = inspect_logs([log_path], UTC).files
    with log_path.open("ab") as log:
        log.write(a_line() + b"\n")
    counts = ImportCounts()
    assert sum(len(chunk.pages) for chunk in read_pages(files, _judge, counts)) == 10
    assert counts.lines == 10


@pytest.mark.parametrize("change", ["shorter", "other", "gone"])
def test_a_log_that_changed_is_an_error(
    log_path: Path, a_line: Callable[..., bytes], change: str
) -> None:
    """Content that is not what was inspected is noticed and named."""
    log_path.write_bytes((a_line("/a") + b"\n") * 10)
    files = inspect_logs([log_path], UTC).files
    if change == "gone":
        log_path.unlink()
    else:
        log_path.write_bytes((a_line("/b") + b"\n") * (9 if change == "shorter" else 10))
    with pytest.raises(LogFileError if change == "gone" else LogChangedError, match=r"access\.log"):
        list(read_pages(files, _judge, ImportCounts()))


def test_memory_does_not_grow_with_the_log(log_path: Path, a_line: Callable[..., bytes]) -> None:
    """Reading 16 MB out of a small gzip takes a few megabytes, one chunk at a time."""
    content = b"".join(a_line(f"/{number}?{'x' * 400}") + b"\n" for number in range(30_000))
    log_path.write_bytes(gzip.compress(content, 1))
    files = inspect_logs([log_path], UTC).files
    size = len(content)
    del content
    tracemalloc.start()
    try:
        pages = sum(len(chunk.pages) for chunk in read_pages(files, _judge, ImportCounts()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert pages == 30_000
    assert size > 15_000_000
    assert peak < 12_000_000
