"""What can go wrong before and while synthetic traffic is sent."""

from __future__ import annotations

from schemas.errors import HmaraError


class TrafficError(HmaraError):
    """Synthetic traffic cannot be made or sent."""


class UserAgentFileError(TrafficError):
    """The list of real user agents is absent or is not what npm's package holds."""
