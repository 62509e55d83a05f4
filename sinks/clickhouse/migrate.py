"""Migrations: numbered SQL files, applied in order, once each, and remembered in the database.

The views beside them hold no data and are made anew at each run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clickhouse_driver import Client

from schemas.errors import HmaraError

MIGRATIONS_DIR: Final = Path(__file__).parent / "migrations"
VIEWS: Final = "views"
LEDGER_SQL: Final = Path(__file__).parent / "ledger.sql"
_NAME: Final = re.compile(r"(?P<number>\d{4})_[a-z0-9_]+\.sql")
_COMMENT: Final = re.compile(r"^\s*--.*$", re.MULTILINE)


class MigrationError(HmaraError):
    """A migration that is misnamed, missing, or was changed after it had been applied."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, its name, and its statements in order."""

    number: int
    name: str
    digest: str
    statements: tuple[str, ...]
    views: Path
    """The folder of views that belong to the same series."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What stands and what is to be done."""

    applied: tuple[int, ...]
    pending: tuple[Migration, ...]
    views: tuple[str, ...] = ()
    """Statements that make the views, in order."""


def read_migrations(folder: Path = MIGRATIONS_DIR) -> tuple[Migration, ...]:
    """Read every migration, in order.

    Raises:
        MigrationError: a file is not named `NNNN_words.sql`, or a number is missing or twice.
    """
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            message = f"reading migrations: {path.name} is not named NNNN_words.sql"
            raise MigrationError(message)
        text = path.read_text("utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        found.append(
            Migration(
                number=int(match["number"]),
                name=path.stem,
                digest=digest,
                statements=tuple(split_statements(text)),
                views=folder.parent / VIEWS,
            )
        )
    numbers = [migration.number for migration in found]
    if numbers != list(range(1, len(found) + 1)):
        message = f"reading migrations: the numbers {numbers} do not run from 1 without a gap"
        raise MigrationError(message)
    return tuple(found)


def read_views(folder: Path) -> tuple[str, ...]:
    """Read the statements that make the views, in the order of the files' names."""
    return tuple(
        statement
        for path in sorted(folder.glob("*.sql"))
        for statement in split_statements(path.read_text("utf-8"))
    )


def split_statements(text: str) -> Iterable[str]:
    """Yield the statements of a file; a semicolon ends one, and a line of comment is left out."""
    for part in _COMMENT.sub("", text).split(";\n"):
        statement = part.strip().removesuffix(";").strip()
        if statement:
            yield statement


def plan_migrations(client: Client, migrations: tuple[Migration, ...]) -> Plan:
    """Compare the files with what the database remembers; changes nothing.

    Raises:
        MigrationError: an applied file was changed since, or is not there any more.
    """
    known = {migration.number: migration for migration in migrations}
    applied = _read_ledger(client)
    for number, (name, digest) in applied.items():
        if number not in known:
            message = f"planning migrations: {name} was applied, and its file is missing"
            raise MigrationError(message)
        if known[number].digest != digest:
            message = f"planning migrations: {name} was changed after it had been applied"
            raise MigrationError(message)
    pending = tuple(item for item in migrations if item.number not in applied)
    views = read_views(migrations[0].views) if migrations else ()
    return Plan(tuple(sorted(applied)), pending, views)


def apply_migrations(client: Client, plan: Plan) -> None:
    """Run what is pending, remember each file once all of it has returned, and make the views.

    A crash inside a file runs that file again, so every statement is written to bear it
    (IF NOT EXISTS, and the like).
    """
    for statement in split_statements(LEDGER_SQL.read_text("utf-8")):
        client.execute(statement)
    for migration in plan.pending:
        for statement in migration.statements:
            client.execute(statement)
        row = (migration.number, migration.name, migration.digest)
        client.execute("INSERT INTO control.migration (number, name, digest) VALUES", [row])
    for statement in plan.views:
        client.execute(statement)


def _read_ledger(client: Client) -> dict[int, tuple[str, str]]:
    if not client.execute("EXISTS TABLE control.migration")[0][0]:
        return {}
    rows = client.execute("SELECT number, name, digest FROM control.migration FINAL")
    return {number: (name, digest) for number, name, digest in rows}
