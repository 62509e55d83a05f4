"""`hmara fetch`: what the embedded services and the commands need, by package name."""

from __future__ import annotations

from typing import Final

import typer
from rich.console import Console

from streams.embedded.fetch import fetch, missing_parts
from streams.embedded.progress import show_progress
from streams.settings import lib_dir

console: Final = Console(highlight=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("fetch")(fetch_libraries)


def fetch_libraries() -> None:
    """Fetch Kafka's jars, libchdb and the data files, if they are not there."""
    lib = lib_dir()
    if not missing_parts(lib):
        return
    with show_progress(console) as on_progress:
        fetch(lib, on_progress)
    console.print(f"everything is fetched into {lib}", markup=False)
