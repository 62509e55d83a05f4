"""The bytes of a log file, plain or gzip, cut into numbered lines in bounded memory."""

from __future__ import annotations

import gzip
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from streams.access_log.errors import LogFileError
from streams.access_log.parse import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_GZIP_MAGIC = b"\x1f\x8b"
_BLOCK_BYTES = 262_144


class LogContent:
    """An open log: its decompressed content, and how far the stored file has been read."""

    def __init__(self, path: Path, stored: BinaryIO) -> None:
        self._path = path
        self._stored = stored
        magic = stored.read(len(_GZIP_MAGIC))
        stored.seek(0)
        is_gzip = magic == _GZIP_MAGIC
        self._content = cast("BinaryIO", gzip.GzipFile(fileobj=stored)) if is_gzip else stored

    def stored_bytes_read(self) -> int:
        """Tell how many bytes of the file as it lies on disk have been read."""
        return self._stored.tell()

    def blocks(self) -> Iterator[bytes]:
        """Read the content block by block.

        Raises:
            LogFileError: the file cannot be read to its end, or its compression is damaged.

        """
        while True:
            with _named(self._path):
                block = self._content.read(_BLOCK_BYTES)
            if not block:
                return
            yield block


@contextmanager
def open_log(path: Path) -> Iterator[LogContent]:
    """Open a log, gzip or not: its first bytes tell, not its name.

    Raises:
        LogFileError: it cannot be opened.

    """
    with _named(path):
        stored = path.open("rb")
    with stored:
        with _named(path):
            content = LogContent(path, stored)
        yield content


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        message = f"reading {path}: {cause}"
        raise LogFileError(message) from error


def cut_lines(blocks: Iterable[bytes]) -> Iterator[list[bytes]]:
    r"""Cut blocks into lists of whole lines, in order, without `\n` or `\r\n`.

    A line longer than MAX_LINE_BYTES comes cut to one byte more than that, which is enough to see
    that it is too long. What follows the last line feed is a line too, unless it is nothing.
    """
    rest = b""
    for block in blocks:
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        if len(rest) > MAX_LINE_BYTES:
            rest = rest[: MAX_LINE_BYTES + 2]  # a carriage return may still be cut off it
        yield [_trim(line) for line in lines]
    if rest:
        yield [_trim(rest)]


def _trim(line: bytes) -> bytes:
    if line.endswith(b"\r"):
        line = line[:-1]
    return line[: MAX_LINE_BYTES + 1]
