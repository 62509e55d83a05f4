"""Logs are shown from their end, and followed through their rolling."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.embedded.home import Home
from streams.embedded.service_logs import follow_logs, tail_logs


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with its folders."""
    made = Home(tmp_path)
    made.make()
    return made


def test_tail_shows_the_last_lines_of_log_and_output(home: Home) -> None:
    """The last lines of the log come first, then those that the program printed."""
    assert tail_logs(home.root, "kafka", 3) == []
    home.log_file("kafka").write_text("".join(f"line {i}\n" for i in range(100_000)))
    home.out_file("kafka").write_text("out of memory\n")
    assert tail_logs(home.root, "kafka", 2) == ["line 99998", "line 99999", "out of memory"]


def test_bytes_that_are_no_text_are_shown(home: Home) -> None:
    """A log with broken UTF-8 can still be read."""
    home.log_file("kafka").write_bytes(b"a\xff\n")
    assert tail_logs(home.root, "kafka", 1) == ["a\N{REPLACEMENT CHARACTER}"]


def test_follow_yields_what_is_written_later(home: Home) -> None:
    """Lines from before the call are not repeated, unfinished ones wait for their end."""
    path = home.log_file("kafka")
    path.write_text("old\n")
    lines = follow_logs(home.root, "kafka", is_wanted=lambda: False)
    with path.open("a") as file:
        file.write("new\nhalf")
    assert list(lines) == ["new"]


def test_follow_goes_on_after_rolling(home: Home) -> None:
    """A log that was rolled, or did not exist yet, is read from its beginning."""
    path = home.log_file("kafka")
    path.write_text("old\n")
    lines = follow_logs(home.root, "kafka", is_wanted=lambda: False)
    path.rename(path.with_name("kafka.log.1"))
    path.write_text("first of the new file\n")
    assert list(lines) == ["first of the new file"]
