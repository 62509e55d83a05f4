"""The root of every error that hmara raises on purpose."""

from __future__ import annotations


class HmaraError(Exception):
    """An error whose message says what went wrong and where, fit to be shown to a user."""
