"""The limit on dead letters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.dead_letter_limit import DeadLetterLimit, DeadLetterLimitError


def test_few_dead_events_never_stop_the_worker() -> None:
    """Below the least number the share is not looked at, even if all is dead."""
    limit = DeadLetterLimit(max_share=0.1, min_events=10)
    limit.check(9, 9)
    with pytest.raises(DeadLetterLimitError, match="100%"):
        limit.check(1, 1)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=200))
def test_a_steady_share_below_the_limit_never_stops(totals: list[int]) -> None:
    """However long it runs, a worker whose chunks stay within the share goes on."""
    limit = DeadLetterLimit(max_share=0.5, min_events=10)
    for total in totals:
        limit.check(total // 2, total)


def test_old_events_fade_out() -> None:
    """After long good times a bad deploy is seen soon: the old events do not outweigh the new."""
    limit = DeadLetterLimit(max_share=0.5, min_events=100)
    for _ in range(10_000):
        limit.check(0, 1_000)
    limit.check(1_000, 1_000)
    with pytest.raises(DeadLetterLimitError):
        limit.check(1_000, 1_000)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 500)), max_size=100))
def test_letters_of_a_counted_chunk_are_part_of_it(chunks: list[tuple[int, int]]) -> None:
    """Dead letters reported after their chunk was counted never make more dead than were read."""
    limit = DeadLetterLimit(max_share=1.0, min_events=1)
    for first, total in chunks:
        dead = min(first, total)
        limit.check(dead, total)
        for _ in range(min(total - dead, 20)):
            limit.check(1, 0)
