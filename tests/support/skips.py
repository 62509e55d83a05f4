"""With CI=true, a test may be skipped only if tests/allowed_skips.txt names it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ALLOWED_FILE = Path(__file__).parent.parent / "allowed_skips.txt"


def read_allowed() -> frozenset[str]:
    """Return the node ids that may be skipped; `#` begins a reason."""
    lines = (line.partition("#")[0].strip() for line in ALLOWED_FILE.read_text().splitlines())
    return frozenset(line for line in lines if line)


class SkipGuard:
    """Fails the session for a skipped test that is not listed."""

    def __init__(self) -> None:
        self.unlisted: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a skip."""
        if report.skipped and report.nodeid not in read_allowed():
            self.unlisted.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn unlisted skips into a failure."""
        if self.unlisted:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say which tests were skipped without leave."""
        for nodeid in self.unlisted:
            terminalreporter.write_line(
                f"skipped, but not in allowed_skips.txt: {nodeid}", red=True
            )


def pytest_configure(config: pytest.Config) -> None:
    """Stand guard in CI."""
    if os.environ.get("CI") == "true":
        config.pluginmanager.register(SkipGuard())
