"""The one error of the benchmarks."""

from __future__ import annotations

from schemas.errors import HmaraError


class BenchError(HmaraError):
    """A benchmark that can not run here, or whose result is wrong; it prints no figures then."""
