"""`hmara migrate`: each file runs once, in order, and none that has run may change."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from clickhouse_driver import Client

from sinks.clickhouse.client import open_native
from sinks.clickhouse.migrate import MIGRATIONS_DIR, apply_migrations, plan_migrations
from sinks.clickhouse.migrate import read_migrations as read_files
from streams.commands import schema
from tests.integration.cli.calling import Hmara
from tests.support.services import Stack, address_of

pytestmark = pytest.mark.integration

REAL = len(list(MIGRATIONS_DIR.glob("*.sql")))
NEXT = REAL + 1


@pytest.fixture
def admin(stack: Stack) -> Iterator[Client]:
    """Return a connection as the one who migrates; forget what the test has added."""
    with open_native(address_of(stack.services, "hmara_admin")) as client:
        yield client
        client.execute(
            "ALTER TABLE control.migration DELETE WHERE number > {real:UInt32}"
            " SETTINGS mutations_sync = 2",
            {"real": REAL},
        )


@pytest.fixture
def table(admin: Client) -> Iterator[str]:
    """Return the name of a table of this test's own; two more may begin with it."""
    name = f"staging.test_{secrets.token_hex(4)}"
    yield name
    for suffix in ("", "_b", "_c"):
        admin.execute(f"DROP TABLE IF EXISTS {name}{suffix}")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the migrations, which the command line reads instead."""
    copy = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS_DIR, copy)
    monkeypatch.setattr(schema, "read_migrations", partial(read_files, copy))
    return copy


def test_a_second_run_does_nothing(hmara: Hmara) -> None:
    """After the set-up nothing is pending, and running again says so."""
    for _ in range(2):
        done = hmara("migrate")
        assert (done.code, done.out) == (0, f"{REAL} migrations have run, none is pending\n")


def test_a_dry_run_does_nothing(hmara: Hmara, admin: Client, table: str, folder: Path) -> None:
    """`--dry-run` names what is pending; neither the table nor a note of it is there afterwards."""
    name = add_migration(folder, create(table))
    done = hmara("migrate", "--dry-run")
    assert (done.code, done.out) == (0, f"would apply {name}\n")
    assert not exists(admin, table)
    assert name not in read_ledger(admin)


def test_a_new_file_runs_once(hmara: Hmara, admin: Client, table: str, folder: Path) -> None:
    """A file that was added is applied by the next run, and only by that one."""
    name = add_migration(folder, f"{create(table)}INSERT INTO {table} VALUES (1);\n")
    assert hmara("migrate").out == f"applied {name}\n"
    assert hmara("migrate").out == f"{NEXT} migrations have run, none is pending\n"
    assert admin.execute(f"SELECT * FROM {table}") == [(1,)]
    assert read_ledger(admin).count(name) == 1


def test_a_changed_file_is_refused(hmara: Hmara, admin: Client, table: str, folder: Path) -> None:
    """A file that has run and was changed is refused by name, and nothing pending is applied."""
    first = min(folder.glob("*.sql"))
    first.write_text(first.read_text("utf-8") + "-- one more line\n", "utf-8")
    add_migration(folder, create(table))
    assert_refused(hmara("migrate"), first.stem)
    assert not exists(admin, table)


def test_a_file_that_ran_may_not_be_removed(
    hmara: Hmara, admin: Client, table: str, folder: Path
) -> None:
    """A file that has run and is gone is named."""
    name = add_migration(folder, create(table))
    hmara("migrate")
    (folder / f"{name}.sql").unlink()
    assert_refused(hmara("migrate"), name)
    assert exists(admin, table)


@pytest.mark.parametrize(
    "file", ["hit.sql", "1_short.sql", f"{NEXT:04}-dash.sql", f"{NEXT:04}_Capital.sql"]
)
def test_a_misnamed_file_is_refused(
    hmara: Hmara, admin: Client, folder: Path, table: str, file: str
) -> None:
    """A file that is not named as migrations are is named, and nothing is applied."""
    (folder / file).write_text(create(table), "utf-8")
    assert_refused(hmara("migrate"), file)
    assert not exists(admin, table)


@pytest.mark.parametrize("number", [REAL, NEXT + 1])
def test_numbers_run_without_a_gap(
    hmara: Hmara, admin: Client, folder: Path, table: str, number: int
) -> None:
    """A number that stands twice, or leaves one out, is refused, and nothing is applied."""
    (folder / f"{number:04}_test.sql").write_text(create(table), "utf-8")
    assert_refused(hmara("migrate"), f"{number}] do not run from 1 without a gap")
    assert not exists(admin, table)


def test_a_refused_statement_leaves_its_file_pending(
    hmara: Hmara, admin: Client, table: str, folder: Path
) -> None:
    """A statement that the server refuses ends the run in one sentence; mended, the file runs."""
    name = add_migration(folder, f"{create(table)}INSERT INTO {table}_b VALUES (1);\n")
    refused = hmara("migrate")
    assert refused.code == 1
    assert refused.err.count("\n") == 1
    assert name not in read_ledger(admin)
    add_migration(folder, f"{create(table)}{create(table + '_b')}")
    assert hmara("migrate").out == f"applied {name}\n"
    assert exists(admin, f"{table}_b")


@pytest.mark.parametrize("survived", [0, 1, 2, 3])
def test_a_crash_inside_a_file_is_made_good(
    admin: Client, table: str, folder: Path, survived: int
) -> None:
    """After a crash between statements of a file, or before its note, a second run ends right."""
    name = add_migration(folder, "".join(create(table + end) for end in ("", "_b", "_c")))
    files = read_files(folder)
    crashing = CrashingClient(admin, lambda sql: "test_" in sql or "INSERT" in sql, survived)
    with pytest.raises(InterruptedError):
        apply_migrations(crashing, plan_migrations(admin, files))
    assert name not in read_ledger(admin)
    plan = plan_migrations(admin, files)
    assert [migration.name for migration in plan.pending] == [name]
    apply_migrations(admin, plan)
    assert all(exists(admin, table + end) for end in ("", "_b", "_c"))
    assert read_ledger(admin).count(name) == 1
    assert plan_migrations(admin, files).pending == ()


class CrashingClient:
    """A client whose process dies after a number of statements that `counts` picks."""

    def __init__(self, client: Client, counts: Callable[[str], bool], survived: int) -> None:
        self._client = client
        self._counts = counts
        self._left = survived

    def execute(self, query: str, *arguments: Any) -> Any:  # noqa: ANN401 - the driver's signature
        """Pass a statement on, or die before it."""
        if self._counts(query):
            if not self._left:
                raise InterruptedError
            self._left -= 1
        return self._client.execute(query, *arguments)


def add_migration(folder: Path, sql: str) -> str:
    """Write the next migration; return its name."""
    path = folder / f"{NEXT:04}_test.sql"
    path.write_text(f"-- Why:  a test; it ends here.\n-- Cost: none.\n{sql}", "utf-8")
    return path.stem


def create(table: str) -> str:
    """Return the statement that makes a table."""
    return f"CREATE TABLE IF NOT EXISTS {table} (n UInt8) ENGINE = MergeTree ORDER BY n;\n"


def exists(client: Client, table: str) -> bool:
    """Tell whether a table is there."""
    return bool(client.execute(f"EXISTS TABLE {table}")[0][0])


def read_ledger(client: Client) -> list[str]:
    """Return the names of the migrations that have run."""
    return [name for (name,) in client.execute("SELECT name FROM control.migration FINAL")]


def assert_refused(done: Any, named: str) -> None:  # noqa: ANN401
    """Hold that a command was refused in one sentence that names what is wrong."""
    assert (done.code, done.out) == (1, "")
    assert named in done.err
    assert done.err.startswith("hmara: ")
    assert done.err.count("\n") == 1
