"""A search of a running process's memory, as who dumps it would read it.

All that the process can read is searched: heap, stacks of all threads, libraries, mapped files.
What is swapped out is read too. It takes the right to trace the process, which a parent has.
"""

from __future__ import annotations

import os
import re
import signal
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tests.support.scan import Hit
from tests.support.waiting import wait_until

CHUNK_BYTES: Final = 1 << 22
_MAPPING: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (r)\S* \S+ \S+ \S+ *(.*)")
_OF_THE_KERNEL: Final = frozenset({"[vvar]", "[vvar_vclock]", "[vsyscall]"})
"""Pages of the clock and of system calls, the same for all processes; they can not be read."""
_STOPPED: Final = frozenset("tT")
_HEAD_BYTES: Final = 6
_PAIRS: Final = range(0, _HEAD_BYTES, 2)


class Sieve:
    """A search for many forms at once, several times as fast as one search for each.

    A place is looked at closely only if its first six bytes, taken in pairs, may begin a form.
    """

    def __init__(self, needles: Mapping[str, frozenset[bytes]]) -> None:
        self._by_head: dict[bytes, list[tuple[bytes, str]]] = defaultdict(list)
        self._may_be = np.zeros((len(_PAIRS), 1 << 16), dtype=np.bool_)
        self.longest = 0
        for needle, forms in needles.items():
            for form in forms:
                assert len(form) >= _HEAD_BYTES
                self._by_head[form[:_HEAD_BYTES]].append((form, needle))
                self.longest = max(self.longest, len(form))
                for row, at in enumerate(_PAIRS):
                    self._may_be[row, int.from_bytes(form[at : at + 2], "little")] = True

    def find(self, content: bytes, place: str) -> Iterator[Hit]:
        """Yield a hit for each form that is in the content."""
        if content == bytes(len(content)):  # most of a process's memory, and of Kafka's indexes
            return
        for at in self._candidates(content):
            for form, needle in self._by_head.get(content[at : at + _HEAD_BYTES], ()):
                if content.startswith(form, at):
                    yield Hit(needle, place)

    def _candidates(self, content: bytes) -> list[int]:
        places = np.concatenate([self._beginnings(content, at) for at in (0, 1)])
        places = places[places <= len(content) - _HEAD_BYTES]
        plain = np.frombuffer(content, dtype=np.uint8).astype(np.uint16)
        for row, at in list(enumerate(_PAIRS))[1:]:
            pairs = plain[places + at] | plain[places + at + 1] << 8
            places = places[self._may_be[row][pairs]]
        found: list[int] = places.tolist()
        return found

    def _beginnings(self, content: bytes, at: int) -> npt.NDArray[np.intp]:
        """Return the even (`at` is 0) or odd (1) places whose first pair may begin a form."""
        pairs = np.frombuffer(content, dtype="<u2", count=(len(content) - at) // 2, offset=at)
        return np.flatnonzero(self._may_be[0][pairs]) * 2 + at


@dataclass(frozen=True, slots=True)
class Stretch:
    """A readable stretch of a process's memory, from `start` up to `end`."""

    start: int
    end: int
    name: str


def scan_process(pid: int, needles: Mapping[str, frozenset[bytes]]) -> set[Hit]:
    """Search a process's memory; it stands still meanwhile, so that nothing moves past the search.

    Raises:
        AssertionError: a part of the memory could not be read.
    """
    sieve = Sieve(needles)
    with standing_still(pid), Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        return {
            hit
            for stretch in read_stretches(pid)
            for chunk in _read(memory.fileno(), stretch, sieve.longest)
            for hit in sieve.find(chunk, f"memory {stretch.name}")
        }


@contextmanager
def standing_still(pid: int) -> Iterator[None]:
    """Stop every thread of a process, and let it go on afterwards."""
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: _states_of_threads(pid) <= _STOPPED, "the process stands still")
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def read_stretches(pid: int) -> list[Stretch]:
    """Return what of a process's memory can be read."""
    found = map(_MAPPING.match, Path(f"/proc/{pid}/maps").read_text("utf-8").splitlines())
    stretches = [
        Stretch(int(match[1], 16), int(match[2], 16), match[4] or "anonymous")
        for match in found
        if match is not None and match[4] not in _OF_THE_KERNEL
    ]
    assert {"[heap]", "[stack]", "anonymous"} <= {stretch.name for stretch in stretches}
    return stretches


def _read(descriptor: int, stretch: Stretch, overlap: int) -> Iterator[bytes]:
    """Yield the content, chunk by chunk; what stands across a border is whole in one of them."""
    for start in range(stretch.start, stretch.end, CHUNK_BYTES):
        size = min(CHUNK_BYTES + overlap, stretch.end - start)
        try:
            chunk = os.pread(descriptor, size, start)
        except OSError:  # a mapped file that is shorter than its mapping
            chunk = b""
        # Only of a file may a part be missing: what lies there is on the disk and is searched so.
        assert len(chunk) == size or stretch.name.startswith("/"), f"reading {stretch.name}"
        yield chunk


def _states_of_threads(pid: int) -> set[str]:
    """Return the states of a process's threads, as the kernel's letters (proc(5))."""
    stats = [
        path.read_text("ascii", "replace") for path in Path(f"/proc/{pid}/task").glob("*/stat")
    ]
    return {stat.rpartition(") ")[2][0] for stat in stats}
