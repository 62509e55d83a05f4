"""The limit that stops a bad deploy from turning a whole topic into dead letters."""

from __future__ import annotations

from typing import Final

from schemas.errors import HmaraError

_WINDOWS: Final = 10


class DeadLetterLimitError(HmaraError):
    """Too many of the newest events are dead letters: the worker stops instead of draining."""


class DeadLetterLimit:
    """Counts the newest events, old ones fading out.

    Args:
        max_share: largest share of dead letters, 0..1.
        min_events: dead letters needed before the share is looked at.
    """

    def __init__(self, max_share: float, min_events: int) -> None:
        self._max_share = max_share
        self._min_events = min_events
        self._dead = 0.0
        self._total = 0.0

    def check(self, dead: int, total: int) -> None:
        """Count a chunk, or dead letters of a chunk that was counted before (`total` 0).

        Raises:
            DeadLetterLimitError: the limit is passed; the chunk must not be written.
        """
        if total and self._total > _WINDOWS * self._min_events:
            self._dead /= 2
            self._total /= 2
        self._dead += dead
        self._total += total
        if self._dead >= self._min_events and self._dead > self._max_share * self._total:
            share = self._dead / self._total
            message = (
                f"writing dead letters: {share:.0%} of the newest {self._total:.0f} events are"
                f" dead, more than {self._max_share:.0%}; nothing more is read until it is repaired"
            )
            raise DeadLetterLimitError(message)
