"""The errors of the embedded services."""

from __future__ import annotations

from schemas.errors import HmaraError


class EmbeddedError(HmaraError):
    """A service that could not be fetched, started, asked or stopped."""


class PrerequisiteError(EmbeddedError):
    """A program that must be installed first; the message names the Debian package."""
