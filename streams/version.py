"""The version of this code, as records, dead letters and logs name it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _find_version() -> str:
    try:
        return version("hmara")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "0+unknown"


VERSION: Final = _find_version()
