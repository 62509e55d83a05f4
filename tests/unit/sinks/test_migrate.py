"""Migrations: read in order, applied once, refused when their history was changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from sinks.clickhouse.migrate import (
    LEDGER_SQL,
    MigrationError,
    apply_migrations,
    plan_migrations,
    read_migrations,
    split_statements,
)

INSERT: Final = "INSERT INTO control.migration"
REPEATABLE: Final = ("IF NOT EXISTS", "IF EXISTS", "MODIFY COMMENT")


class Ledger:
    """A database in memory that knows its migrations, and the statements it ran."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[str, str]] = {}
        self.ran: list[str] = []
        self.fails_on = ""

    def execute(self, statement: str, rows: list[tuple[int, str, str]] | None = None) -> Any:  # noqa: ANN401 - as the driver's
        """Answer as ClickHouse would."""
        if statement.startswith("EXISTS TABLE"):
            return [(int(bool(self.rows)),)]
        if statement.startswith("SELECT number"):
            return [(number, *row) for number, row in self.rows.items()]
        if statement.startswith(INSERT):
            for number, name, digest in rows or ():
                self.rows[number] = (name, digest)
            return None
        if self.fails_on and self.fails_on in statement:
            raise ConnectionResetError
        self.ran.append(statement)
        return None


def write(folder: Path, **files: str) -> Path:
    """Write migrations, named without their suffix."""
    for name, text in files.items():
        (folder / f"{name.removeprefix('m')}.sql").write_text(text, "utf-8")
    return folder


def test_statements_end_with_a_semicolon() -> None:
    """Comments go, statements stay whole, and a semicolon inside a line ends none."""
    text = (
        "-- Why: x; y.\nCREATE TABLE a\n(\n    -- inner\n    b String DEFAULT ';'\n);\nSELECT 1;\n"
    )
    found = [" ".join(statement.split()) for statement in split_statements(text)]
    assert found == ["CREATE TABLE a ( b String DEFAULT ';' )", "SELECT 1"]


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({"m1_x": "SELECT 1"}, "1_x.sql"),
        ({"m0001-x": "SELECT 1"}, "0001-x.sql"),
        ({"m0001_x": "SELECT 1", "m0003_x": "SELECT 1"}, "without a gap"),
        ({"m0001_x": "SELECT 1", "m0001_y": "SELECT 1"}, "without a gap"),
        ({"m0002_x": "SELECT 1"}, "without a gap"),
    ],
)
def test_a_broken_series_is_refused(tmp_path: Path, files: dict[str, str], fault: str) -> None:
    """A misnamed file, a missing number and a number used twice are each an error."""
    with pytest.raises(MigrationError, match=fault):
        read_migrations(write(tmp_path, **files))


def test_migrations_run_once_and_in_order(tmp_path: Path) -> None:
    """What is pending runs in order; a second plan has nothing left to do."""
    folder = write(tmp_path, m0001_a="SELECT 1;\nSELECT 2;\n", m0002_b="SELECT 3;\n")
    ledger, migrations = Ledger(), read_migrations(folder)
    plan = plan_migrations(ledger, migrations)
    assert plan.applied == ()
    apply_migrations(ledger, plan)
    assert ledger.ran[-3:] == ["SELECT 1", "SELECT 2", "SELECT 3"]
    again = plan_migrations(ledger, migrations)
    assert (again.applied, again.pending) == ((1, 2), ())


def test_a_file_that_broke_off_runs_again(tmp_path: Path) -> None:
    """A file is remembered only when all its statements have run."""
    folder = write(tmp_path, m0001_a="SELECT 1;\n", m0002_b="SELECT 2;\nSELECT 3;\n")
    ledger, migrations = Ledger(), read_migrations(folder)
    ledger.fails_on = "SELECT 3"
    with pytest.raises(ConnectionResetError):
        apply_migrations(ledger, plan_migrations(ledger, migrations))
    plan = plan_migrations(ledger, migrations)
    assert plan.applied == (1,)
    assert [migration.number for migration in plan.pending] == [2]


def test_a_changed_or_missing_file_is_refused(tmp_path: Path) -> None:
    """History is not rewritten: an applied file that differs or is gone stops everything."""
    folder = write(tmp_path, m0001_a="SELECT 1;\n", m0002_b="SELECT 2;\n")
    ledger = Ledger()
    apply_migrations(ledger, plan_migrations(ledger, read_migrations(folder)))
    write(tmp_path, m0002_b="SELECT 22;\n")
    with pytest.raises(MigrationError, match="0002_b was changed"):
        plan_migrations(ledger, read_migrations(folder))
    (folder / "0002_b.sql").unlink()
    with pytest.raises(MigrationError, match="0002_b was applied, and its file is missing"):
        plan_migrations(ledger, read_migrations(folder))


def test_the_committed_migrations_bear_a_second_run() -> None:
    """Every committed statement may run twice, and every file says why and at what cost."""
    for migration in read_migrations():
        path = LEDGER_SQL.parent / "migrations" / f"{migration.name}.sql"
        assert path.read_text("utf-8").startswith("-- Why:"), migration.name
        assert "-- Cost:" in path.read_text("utf-8"), migration.name
        for statement in migration.statements:
            assert any(words in statement for words in REPEATABLE), migration.name
