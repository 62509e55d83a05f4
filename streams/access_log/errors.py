"""What can be wrong with a whole log file; a single bad line is no error but a counted skip."""

from __future__ import annotations

from schemas.errors import HmaraError


class LogFileError(HmaraError):
    """A log file cannot be read."""


class EmptyLogError(LogFileError):
    """The file holds nothing."""


class NotAnAccessLogError(LogFileError):
    """The file's lines are not in Combined Log Format."""


class LogChangedError(LogFileError):
    """The file is not what it was when it was inspected."""
