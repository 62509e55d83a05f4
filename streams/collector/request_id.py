"""The id of a request: random, drawn here and never taken from a client."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

_BLOCK_IDS: Final = 256
_HEX_DIGITS: Final = 32


def _draw_ids() -> Iterator[str]:
    """Yield UUIDs of version 4 (RFC 9562, 5.4), from one system call for many."""
    while True:
        block = os.urandom(_BLOCK_IDS * _HEX_DIGITS // 2).hex()
        for start in range(0, len(block), _HEX_DIGITS):
            digits = block[start : start + _HEX_DIGITS]
            yield (f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}")


draw_request_id: Final = _draw_ids().__next__
"""Return another id; not for several threads at once."""
