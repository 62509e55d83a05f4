"""Seeded draws, the same on every machine and under every version of numpy.

numpy promises that a bit generator's stream never changes, but not how its distributions turn that
stream into numbers. So only the raw 64-bit words come from numpy, and everything else is made of
them here with operations that IEEE 754 rounds one way only (no power, no logarithm).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_DOUBLE_SHIFT = np.uint64(11)
_DOUBLE_STEP = 2.0**-53


class Dice:
    """One stream of draws, named by `seed`, `purpose` and, where a purpose has many, its `place`.

    Streams do not disturb each other.
    """

    def __init__(self, seed: int, purpose: int, *place: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence([seed, purpose, *place]))

    def words(self, count: int) -> NDArray[np.uint64]:
        """Draw `count` uniform 64-bit words."""
        return np.asarray(self._bits.random_raw(count), dtype=np.uint64)

    def uniform(self, count: int) -> NDArray[np.float64]:
        """Draw `count` doubles of [0, 1)."""
        return (self.words(count) >> _DOUBLE_SHIFT).astype(np.float64) * _DOUBLE_STEP

    def below(self, bound: int, count: int) -> NDArray[np.int64]:
        """Draw `count` integers of [0, bound); `bound` is far below 2**53."""
        return (self.uniform(count) * bound).astype(np.int64)

    def pick(self, steps: NDArray[np.float64], count: int) -> NDArray[np.int64]:
        """Draw `count` indexes of a table of cumulative shares, as `cumulative` makes it."""
        return np.searchsorted(steps, self.uniform(count), side="right").astype(np.int64)

    def long_tail(self, median: float, limit: int, count: int) -> NDArray[np.int64]:
        """Draw `count` log-logistic integers up to `limit`: half below `median`, few far above."""
        drawn = self.uniform(count)
        return np.minimum(median * drawn / (1.0 - drawn), float(limit)).astype(np.int64)


def cumulative(weights: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn weights into rising shares for `Dice.pick`; the last is above any draw."""
    steps = np.cumsum(np.asarray(weights, dtype=np.float64))
    steps /= steps[-1]
    steps[-1] = np.inf  # rounding must not leave a gap under 1
    return steps


def zipf_weights(count: int, *, flatness: float) -> NDArray[np.float64]:
    """Weigh ranks 1..count as 1 / (rank + flatness): Zipf's law as Mandelbrot corrected it."""
    return 1.0 / (np.arange(1, count + 1, dtype=np.float64) + flatness)
