"""What redaction may cost: a client chooses its texts, and must not choose our time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_CHARS: Final = 3_000
MAX_CHECKS: Final = 24


@dataclass(slots=True)
class Budget:
    """What one request has left; each may be overdrawn once.

    Attributes:
        chars: characters of texts that have a sign of an identifier; what is above is replaced
            whole, unread.
        checks: candidates for a phone number, each a fifth of a millisecond; what is above counts
            as found.
    """

    chars: int = MAX_CHARS
    checks: int = MAX_CHECKS

    def may_read(self, chars: int) -> bool:
        """Take the characters of a text; False if none were left."""
        was_left = self.chars > 0
        self.chars -= chars
        return was_left

    def may_check(self) -> bool:
        """Take one check; False if none was left."""
        self.checks -= 1
        return self.checks >= 0
