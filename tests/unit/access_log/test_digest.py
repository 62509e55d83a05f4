"""The first look at logs: identity, extent, days, and what is refused."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from streams.access_log.digest import inspect_log, inspect_logs
from streams.access_log.errors import EmptyLogError, NotAnAccessLogError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_log_is_described(log_path: Path, a_line: Callable[..., bytes]) -> None:
    """Digest, size, lines, first and last time are those of the content, in whatever order."""
    times = (
        "02/Oct/2025:00:00:01 +0300",
        "01/Oct/2025:10:00:00 +0000",
        "01/Oct/2025:23:00:00 -0500",
    )
    content = b"".join(a_line(time=time) + b"\n" for time in times)
    log_path.write_bytes(content)
    log = inspect_log(log_path, UTC)
    assert log.sha256 == sha256(content).hexdigest()
    assert (log.content_bytes, log.lines) == (len(content), 3)
    assert log.first_time == datetime(2025, 10, 1, 10, tzinfo=UTC)
    assert log.last_time == datetime(2025, 10, 2, 4, tzinfo=UTC)
    assert log.days == {date(2025, 10, 1), date(2025, 10, 2)}


def test_days_are_those_of_the_site(log_path: Path, a_line: Callable[..., bytes]) -> None:
    """An evening in UTC is the next day in Kyiv."""
    log_path.write_bytes(a_line(time="01/Oct/2025:22:30:00 +0000") + b"\n")
    assert inspect_log(log_path, UTC).days == {date(2025, 10, 1)}
    assert inspect_log(log_path, ZoneInfo("Europe/Kyiv")).days == {date(2025, 10, 2)}


def test_a_log_and_its_gzip_twin_are_one_import(
    log_path: Path, a_line: Callable[..., bytes]
) -> None:
    """Both have one digest; given together the second is left out and named."""
    twin = log_path.with_suffix(".gz")
    log_path.write_bytes(a_line() + b"\n")
    twin.write_bytes(gzip.compress(log_path.read_bytes()))
    inspection = inspect_logs([log_path, twin], UTC)
    assert [log.path for log in inspection.files] == [log_path]
    assert inspection.duplicates == ((twin, log_path),)


def test_logs_are_put_in_order_of_time(tmp_path: Path, a_line: Callable[..., bytes]) -> None:
    """Whatever order the files were named in, the earliest comes first."""
    days = {"access.log": "03", "access.log.1": "02", "access.log.2.gz": "01"}
    for name, day in days.items():
        (tmp_path / name).write_bytes(a_line(time=f"{day}/Oct/2025:12:00:00 +0000"))
    inspection = inspect_logs([tmp_path / name for name in days], UTC)
    assert [log.path.name for log in inspection.files] == [*reversed(days)]


def test_progress_adds_up_to_the_files(log_path: Path, a_line: Callable[..., bytes]) -> None:
    """The bytes told are those on disk, compressed ones included."""
    twin = log_path.with_suffix(".gz")
    log_path.write_bytes((a_line() + b"\n") * 9_000)
    twin.write_bytes(gzip.compress(log_path.read_bytes()))
    told: list[int] = []
    inspect_logs([log_path, twin], UTC, told.append)
    assert sum(told) == log_path.stat().st_size + twin.stat().st_size
    assert len(told) > 5


@pytest.mark.parametrize("content", [b"", gzip.compress(b"")])
def test_an_empty_log_is_refused(log_path: Path, content: bytes) -> None:
    """Nothing, compressed or not, is an error that names the file."""
    log_path.write_bytes(content)
    with pytest.raises(EmptyLogError, match=r"access\.log: the file is empty"):
        inspect_log(log_path, UTC)


@pytest.mark.parametrize(
    "content",
    [
        b"\n",
        b"hello\n" * 2_000,
        bytes(range(256)) * 500,
        b'{"status": 200}\n' * 10,
        b'192.0.2.7 - - [2025-10-01T12:00:00Z] "GET / HTTP/1.1" 200 5 "-" "-"\n' * 10,
    ],
)
def test_what_is_no_access_log_is_refused(log_path: Path, content: bytes) -> None:
    """A file hardly any line of which can be read is refused by name."""
    log_path.write_bytes(content)
    with pytest.raises(NotAnAccessLogError, match=r"access\.log: not an access log"):
        inspect_log(log_path, UTC)


@pytest.mark.parametrize(("good", "is_refused"), [(9, True), (10, False)])
def test_one_line_in_a_hundred_is_enough(
    log_path: Path, a_line: Callable[..., bytes], good: int, *, is_refused: bool
) -> None:
    """More than 99 percent malformed of the first thousand lines is refused, 99 is not."""
    log_path.write_bytes(b"junk\n" * (1_000 - good) + (a_line() + b"\n") * (good + 500))
    if is_refused:
        with pytest.raises(NotAnAccessLogError, match=r"991 of its first 1,000"):
            inspect_log(log_path, UTC)
    else:
        assert inspect_log(log_path, UTC).lines == 1_500
