"""When the next post is due, so that a rate of events per second is kept."""

from __future__ import annotations

_LARGEST_DEBT_S = 1.0


class Pace:
    """Due times at a steady rate; of what a slow collector held up, one second is made good."""

    def __init__(self, events_per_second: float, start_s: float) -> None:
        self._seconds_per_event = 1.0 / events_per_second if events_per_second > 0 else 0.0
        self._next_due_s = start_s

    def due_s(self, events: int, now_s: float) -> float:
        """Say when a post of `events` events is due, on the clock that `now_s` was read from."""
        due = max(self._next_due_s, now_s - _LARGEST_DEBT_S)
        self._next_due_s = due + events * self._seconds_per_event
        return due
