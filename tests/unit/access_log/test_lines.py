"""Lines out of blocks, plain or compressed, in bounded memory."""

from __future__ import annotations

import gzip
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.access_log.errors import LogFileError
from streams.access_log.lines import cut_lines, open_log
from streams.access_log.parse import MAX_LINE_BYTES

if TYPE_CHECKING:
    from pathlib import Path


def _lines(blocks: list[bytes]) -> list[bytes]:
    return list(chain.from_iterable(cut_lines(blocks)))


def _content(path: Path) -> bytes:
    with open_log(path) as content:
        return b"".join(content.blocks())


@given(
    lines=st.lists(st.binary(max_size=30).filter(lambda line: not {10, 13} & set(line))),
    feed=st.sampled_from([b"\n", b"\r\n"]),
    cuts=st.lists(st.integers(0, 400)),
)
def test_blocks_may_be_cut_anywhere(lines: list[bytes], feed: bytes, cuts: list[int]) -> None:
    """However the content is cut into blocks, its lines are the same."""
    content = b"".join(line + feed for line in lines)
    ends = [*sorted(min(cut, len(content)) for cut in cuts), len(content)]
    blocks = [content[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    assert _lines(blocks) == lines


def test_what_follows_the_last_line_feed_is_a_line() -> None:
    """A log cut off in mid-line ends with that piece; one that ends properly has none."""
    assert _lines([b"a\nb"]) == [b"a", b"b"]
    assert _lines([b"a\nb\n"]) == [b"a", b"b"]


@pytest.mark.parametrize("tail", [b"x", b"\r", b"xx\r", b"x" * 400_000])
def test_an_endless_line_is_cut(tail: bytes) -> None:
    """A line that is too long stays recognisable as such and takes no more than its bound."""
    block = b"x" * (MAX_LINE_BYTES - 1)
    lines = _lines([block, b"xx", tail, b"\nshort\n"])
    assert lines[1] == b"short"
    assert len(lines[0]) == MAX_LINE_BYTES + 1


def test_a_line_of_the_largest_length_is_whole() -> None:
    """64 KiB and a carriage return, cut anywhere, are a line of 64 KiB."""
    line = b"x" * MAX_LINE_BYTES
    assert _lines([line, b"\r", b"\n"]) == [line]


def test_compression_is_told_by_the_first_bytes(tmp_path: Path) -> None:
    """Names do not matter: a gzip called .log and a plain file called .gz are both read."""
    (tmp_path / "a.log").write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    (tmp_path / "b.gz").write_bytes(b"one\ntwo\n")
    assert _content(tmp_path / "a.log") == _content(tmp_path / "b.gz") == b"one\ntwo\n"


@pytest.mark.parametrize("damage", ["cut", "header", "middle", "checksum"])
def test_damaged_compression_names_the_file(tmp_path: Path, damage: str) -> None:
    """A gzip that is cut off or altered is an error with the file's name."""
    whole = bytearray(gzip.compress(bytes(range(256)) * 40))
    if damage == "cut":
        del whole[-20:]
    else:
        whole[{"header": 2, "middle": len(whole) // 2, "checksum": -6}[damage]] ^= 0xFF
    path = tmp_path / "damaged.gz"
    path.write_bytes(whole)
    with pytest.raises(LogFileError, match=r"reading .*damaged\.gz: ."):
        _content(path)


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """A missing file and a folder are errors with the name and the system's reason."""
    with pytest.raises(LogFileError, match="absent: No such file"):
        _content(tmp_path / "absent")
    with pytest.raises(LogFileError, match="Is a directory"):
        _content(tmp_path)
