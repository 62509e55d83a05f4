"""How often one client may ask: token buckets in fixed arrays that hold no address.

A bucket is one number, the time at which it is full again (GCRA, the leaky bucket as a meter). A
client has two of them, one in each array, at places that a keyed hash of its address chooses, and
is turned away when both are empty. So a stranger who shares one of its buckets takes nothing from
it, and nobody can choose whom to share with, since the key is the process's own.
"""

from __future__ import annotations

import math
import secrets
from array import array
from collections.abc import Callable
from typing import Final

SLOTS: Final = 1 << 16
_MASK: Final = SLOTS - 1
_OTHER_BITS: Final = 32
_ROUNDING_S: Final = 1e-6
"""Sums of the clock are no more exact than this."""
_KEY_BYTES: Final = 16
_V6_BYTES: Final = 16
_V6_NETWORK_BYTES: Final = 8
"""One household has a /64, and chooses among its addresses as it likes."""


class RateLimiter:
    """Counts requests per address: so many per second, and a burst of so many at once."""

    def __init__(
        self, requests_per_s: float, burst_requests: int, read_clock: Callable[[], float]
    ) -> None:
        """Begin with full buckets.

        Args:
            requests_per_s: more than 0.
            burst_requests: at least 1.
            read_clock: seconds that never go back.
        """
        self._gap_s = 1.0 / requests_per_s
        self._longest_s = burst_requests * self._gap_s
        self._read_clock = read_clock
        self._key = secrets.token_bytes(_KEY_BYTES)
        self._first = array("d", bytes(8 * SLOTS))
        self._second = array("d", bytes(8 * SLOTS))

    def take(self, address: bytes) -> int:
        """Take a token for a packed address; return 0, or the whole seconds until there is one."""
        if len(address) == _V6_BYTES:
            address = address[:_V6_NETWORK_BYTES]
        # SipHash of the interpreter, with our own key before it whatever PYTHONHASHSEED says.
        place = hash(self._key + address)
        first, second = self._first, self._second
        one, other = place & _MASK, (place >> _OTHER_BITS) & _MASK
        now_s = self._read_clock()
        # Without min() and max(), which would cost as much as all the rest.
        full_s = first[one]
        if second[other] < full_s:  # noqa: PLR1730
            full_s = second[other]
        if now_s > full_s:  # noqa: PLR1730
            full_s = now_s
        full_s += self._gap_s
        wait_s = full_s - now_s - self._longest_s
        if wait_s > _ROUNDING_S:
            return math.ceil(wait_s)
        # A bucket that is shared stays as empty as its other client has left it.
        if first[one] < full_s:  # noqa: PLR1730
            first[one] = full_s
        if second[other] < full_s:  # noqa: PLR1730
            second[other] = full_s
        return 0
