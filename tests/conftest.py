"""What holds for every test: no sockets unless marked, and random examples with a printed seed."""

from __future__ import annotations

import os
import secrets
from typing import Any

import hypothesis.core
import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import disable_socket, enable_socket

_WITH_SOCKETS = ("integration", "browser")

settings.register_profile(
    "dev",
    max_examples=60,
    derandomize=False,
    deadline=None,  # the machine may be busy; time is held by the benchmark
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", settings.get_profile("dev"), max_examples=30, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_configure(config: pytest.Config) -> None:
    """Draw the seed of this run's examples, unless the command line names one."""
    if config.getoption("--hypothesis-seed") is None:
        drawn: Any = secrets.randbelow(2**32)  # hypothesis declares its own None only
        hypothesis.core.global_force_seed = drawn


def pytest_report_header() -> str:
    """Print the seed, with which `--hypothesis-seed` repeats this run."""
    return f"hypothesis seed: {hypothesis.core.global_force_seed}"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Block sockets; an event loop still gets the socket pair that it wakes itself with."""
    if any(item.get_closest_marker(name) for name in _WITH_SOCKETS):
        enable_socket()
    else:
        disable_socket(allow_unix_socket=True)
