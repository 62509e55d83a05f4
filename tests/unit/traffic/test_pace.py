"""The rate of sending."""

from __future__ import annotations

from streams.traffic.pace import Pace


def test_posts_are_due_at_the_rate() -> None:
    """At 100 events/s, posts of 5 events are 50 ms apart."""
    pace = Pace(100.0, start_s=10.0)
    assert [round(pace.due_s(5, 10.0), 6) for _ in range(3)] == [10.0, 10.05, 10.1]


def test_without_a_rate_everything_is_due_at_once() -> None:
    """Rate 0 never makes anybody wait."""
    pace = Pace(0.0, start_s=10.0)
    assert all(pace.due_s(5, 10.0) <= 10.0 for _ in range(100))


def test_a_long_stall_is_not_made_good_by_a_burst() -> None:
    """After a minute without answers only one second's worth is due at once."""
    pace = Pace(100.0, start_s=0.0)
    pace.due_s(1, 0.0)
    due = [pace.due_s(1, 60.0) for _ in range(200)]
    assert sum(moment <= 60.0 for moment in due) == 101
