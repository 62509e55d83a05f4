"""What a sink is, and the two ways in which it may refuse a batch."""

from __future__ import annotations

from typing import Protocol, TypeVar, runtime_checkable

from schemas.errors import HmaraError

Batch_contra = TypeVar("Batch_contra", contravariant=True)


class SinkBackpressure(HmaraError):  # noqa: N818 - it is a request to wait, not a fault
    """The store can not take a batch now; the caller keeps it and comes again."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class SinkRejected(HmaraError):  # noqa: N818 - the batch is at fault, not the sink
    """The store will never take these rows; trying again changes nothing."""

    def __init__(self, message: str, *, rows: int) -> None:
        super().__init__(message)
        self.rows = rows


@runtime_checkable
class Sink(Protocol[Batch_contra]):
    """A store that takes batches.

    `write` blocks until the batch is stored, and may be called again with the same rows: a row key
    makes the second time change nothing. It raises `SinkBackpressure` or `SinkRejected`, and then
    any part of the batch may or may not be stored. One caller at a time.
    """

    @property
    def name(self) -> str:
        """Name of the sink in metrics and logs."""

    @property
    def max_batch(self) -> int:
        """Most rows that one `write` takes."""

    def write(self, batch: Batch_contra) -> None:
        """Store a batch."""

    def healthy(self) -> bool:
        """Say whether the store answers."""

    def close(self) -> None:
        """Give back what the sink holds open."""
