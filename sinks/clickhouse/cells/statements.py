"""The SQL files of the cells, read by name and run in order on one session."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from clickhouse_driver import Client

from sinks.clickhouse.migrate import split_statements

_FOLDER: Final = Path(__file__).parent


def run_file(client: Client, name: str, parameters: Mapping[str, object] | None = None) -> None:
    """Run every statement of `<name>.sql`, in order; `{name:Type}` is filled in by the server."""
    for statement in read_file(name):
        client.execute(statement, dict(parameters or {}))


def ask_file(
    client: Client, name: str, parameters: Mapping[str, object]
) -> list[tuple[object, ...]]:
    """Ask the one query of `<name>.sql`."""
    (statement,) = read_file(name)
    rows: list[tuple[object, ...]] = client.execute(statement, dict(parameters))
    return rows


def read_file(name: str) -> tuple[str, ...]:
    """Return the statements of `<name>.sql`."""
    return tuple(split_statements((_FOLDER / f"{name}.sql").read_text("utf-8")))
