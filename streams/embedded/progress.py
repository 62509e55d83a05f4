"""Progress of a start, shown: a spinner on a terminal, one line per step elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from streams.embedded.fetch import Progress


@contextmanager
def show_progress(console: Console) -> Iterator[Progress]:
    """Yield the callback that shows each step; a terminal's spinner goes away at the end."""
    if console.is_terminal:
        with console.status("starting") as status:
            yield status.update
        return
    shown: set[str] = set()

    def show(text: str) -> None:
        step = re.sub(r"\d+", "", text)  # the same step with another count is no news in a log
        if step not in shown:
            shown.add(step)
            console.print(text, markup=False)

    yield show
