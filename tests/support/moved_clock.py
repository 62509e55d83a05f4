"""The collector with a clock that a test moves: `python -m tests.support.moved_clock FILE ARGS`.

FILE holds by how many seconds the clock is ahead, and is read whenever the time is asked for. Only
this launcher knows of it: no setting, option or variable of hmara moves a clock, and `tests` is in
no wheel.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from streams import cli
from streams.collector import server


@dataclass(frozen=True, slots=True)
class MovedClock:
    """A clock that is ahead of the machine's by what stands in a file."""

    file: Path

    def read(self) -> datetime:
        """Return the time (aware, UTC)."""
        return datetime.now(UTC) + timedelta(seconds=float(self.file.read_text("ascii")))

    def set(self, moment: datetime) -> None:
        """Make it this moment now, for every process that reads the file."""
        draft = self.file.with_suffix(".draft")
        draft.write_text(str((moment - datetime.now(UTC)).total_seconds()), "ascii")
        draft.replace(self.file)


def main() -> None:
    """Run the command line with the moved clock in the place of the collector's own."""
    file, *arguments = sys.argv[1:]
    module: Any = server
    assert callable(module._read_clock), "the collector has its clock under this name"  # noqa: SLF001 - the seam
    module._read_clock = MovedClock(Path(file)).read  # noqa: SLF001
    sys.argv = ["hmara", *arguments]
    cli.main()


if __name__ == "__main__":
    main()
