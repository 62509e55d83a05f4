"""Sinks in memory: they keep what real ones would, and refuse what a test tells them to."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from schemas.dead_letter import DeadLetter
from sinks.base import SinkBackpressure, SinkRejected


class RowSink:
    """A table in memory with `hit_key` as its row key: a row written twice is there once."""

    def __init__(
        self, name: str = "memory.hit", *, max_batch: int = 100_000, refused: Sequence[int] = ()
    ) -> None:
        self.name: Final = name
        self.max_batch: Final = max_batch
        self.refused: Final = pa.array(refused, pa.uint64())
        self.waits: Final[deque[SinkBackpressure]] = deque()
        self.writes: Final[list[int]] = []
        self.rows: Final[dict[int, dict[str, Any]]] = {}

    def write(self, batch: pa.RecordBatch) -> None:
        """Keep rows; refuse all of them if one is refused, as a database does."""
        assert 0 < batch.num_rows <= self.max_batch
        self.writes.append(batch.num_rows)
        if self.waits:
            raise self.waits.popleft()
        if pa.compute.any(pa.compute.is_in(batch.column("hit_key"), self.refused)).as_py():
            message = f"inserting into {self.name}: refused"
            raise SinkRejected(message, rows=batch.num_rows)
        keys = batch.column("hit_key").to_pylist()
        self.rows.update(zip(keys, batch.to_pylist(), strict=True))

    def healthy(self) -> bool:
        """Say that it answers."""
        return True

    def close(self) -> None:
        """Hold nothing open."""


class LetterSink:
    """Dead letters in memory, in the order of their coming."""

    name: Final = "memory.letters"

    def __init__(self, *, max_batch: int = 10_000) -> None:
        self.max_batch: Final = max_batch
        self.letters: Final[list[DeadLetter]] = []
        self.waits: Final[deque[SinkBackpressure]] = deque()

    def write(self, batch: Sequence[DeadLetter]) -> None:
        """Keep letters."""
        assert 0 < len(batch) <= self.max_batch
        if self.waits:
            raise self.waits.popleft()
        self.letters.extend(batch)

    def healthy(self) -> bool:
        """Say that it answers."""
        return True

    def close(self) -> None:
        """Hold nothing open."""
