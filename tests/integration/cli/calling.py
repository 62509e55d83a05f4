"""The command line, called in this process: a process of its own costs seconds to start.

Not for `collector` and `worker`, which set up the logging of their whole process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from streams import cli


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str


Hmara = Callable[..., Finished]


@pytest.fixture
def call_main(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Finished]:
    """Call the command line as its entry point does, in the environment as it is."""

    def call(*arguments: str) -> Finished:
        monkeypatch.setattr("sys.argv", ["hmara", *arguments])
        capsys.readouterr()
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        else:
            code = 0
        printed = capsys.readouterr()
        return Finished(code, printed.out, printed.err)

    return call
