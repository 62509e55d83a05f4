"""The command line as a person meets it: help, mistakes, and services that are not there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from streams.cli import app
from streams.embedded.ports import find_free
from tests.integration.cli.calling import Hmara
from tests.support.services import Stack

pytestmark = pytest.mark.integration

LOG_LINE = '192.0.2.1 - - [01/Oct/2025:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'
SITES = '[[sites]]\nid = "demo"\norigins = ["http://127.0.0.1:8081"]\n'
OF_KAFKA = ("lag", "dead-letters list", "topics apply")
OF_CLICKHOUSE = ("migrate", "query SELECT+1")
OF_AN_IMPORT = "import-log access.log --site demo"
WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Described:
    """What a command says of itself."""

    words: tuple[str, ...]
    help: str
    unexplained: tuple[str, ...]


def find_commands(
    command: TyperGroup | TyperCommand, words: tuple[str, ...] = ()
) -> Iterator[Described]:
    """Yield every command and group."""
    silent = (str(param.name) for param in command.params if not getattr(param, "help", None))
    yield Described(words, command.help or "", tuple(silent))
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            assert isinstance(inner, (TyperCommand, TyperGroup))
            yield from find_commands(inner, (*words, name))


HMARA = typer.main.get_command(app)
assert isinstance(HMARA, TyperGroup)
COMMANDS = tuple(find_commands(HMARA))


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder in which nothing was ever started."""
    for name in ("HMARA_HOME", "HMARA_KAFKA_BOOTSTRAP_SERVERS", "HMARA_CLICKHOUSE_NATIVE_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HMARA_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sites.toml").write_text(SITES, "utf-8")
    (tmp_path / "access.log").write_text(LOG_LINE, "utf-8")
    return tmp_path


@pytest.fixture
def down(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder whose services have been stopped: addresses are there, nobody listens."""
    monkeypatch.setenv("HMARA_KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{find_free()}")
    monkeypatch.setenv("HMARA_CLICKHOUSE_NATIVE_PORT", str(find_free()))
    monkeypatch.setenv("HMARA_CLICKHOUSE_HTTP_PORT", str(find_free()))
    return nowhere


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command.words))
def test_every_command_has_help(call_main: Hmara, command: Described) -> None:
    """`--help` of every command says what it does, and what each of its options means."""
    done = call_main(*command.words, "--help")
    assert (done.code, done.err) == (0, "")
    assert command.help
    assert command.help.split()[0] in done.out
    assert not command.unexplained


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "topics",
        "topics nonsense",
        "lag --nonsense",
        "collector --port many",
        "send --rate -1",
        "send --resend 2",
        "import-log",
        "import-log access.log",
        "query",
        "query SELECT --file x.sql",
        "query SELECT --param novalue",
        "query SELECT --format xml",
        "dead-letters list --limit many",
        "demo --duration soon",
    ],
)
def test_a_wrong_option_is_said_to_be_one(call_main: Hmara, nowhere: Path, line: str) -> None:
    """A command line that can not be understood: exit code 2, and nothing is done."""
    done = call_main(*line.split())
    assert done.code == 2
    assert "Traceback" not in done.err
    assert not (nowhere / "home").exists()


@pytest.mark.parametrize("line", [*OF_KAFKA, *OF_CLICKHOUSE, "topics check", OF_AN_IMPORT])
def test_before_the_services_were_ever_started(call_main: Hmara, nowhere: Path, line: str) -> None:
    """Without addresses every command names what is missing in one sentence, exit code 1."""
    done = call_main(*line.split())
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("hmara: reading settings: HMARA_")
    assert "`hmara up`" in done.err
    assert done.err.count("\n") == 1
    assert not (nowhere / "home").exists()


@pytest.mark.parametrize("line", ["collector", "worker"])
def test_a_process_before_the_services_were_ever_started(nowhere: Path, line: str) -> None:
    """Collector and worker say so too, and leave nothing behind."""
    done = run(line, nowhere)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("hmara: reading settings: HMARA_")
    assert done.stderr.count("\n") == 1
    assert not (nowhere / "home").exists()


def test_when_the_services_are_down(down: Path) -> None:
    """With addresses at which nobody answers, one sentence says which one, exit code 1."""
    lines = ("lag", "dead-letters list", "migrate", "collector", OF_AN_IMPORT)
    with ThreadPoolExecutor(len(lines)) as together:
        for done in together.map(lambda line: run(line, down), lines):
            assert (done.returncode, done.stdout) == (1, ""), done
            assert done.stderr.startswith("hmara: "), done
            assert "127.0.0.1:" in done.stderr, done
            assert done.stderr.count("\n") == 1, done


def run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of hmara in a folder, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", *line.split()],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN_S,
    )


def test_answers_come_in_three_forms(hmara: Hmara) -> None:
    """`query` prints a table, CSV or JSON, and takes parameters that the server fills in."""
    command = ("query", "SELECT {site:String} AS site, 2 AS n", "--param", "site=a'b")
    assert "a'b" in hmara(*command).out
    assert hmara(*command, "--format", "csv").out == "site,n\na'b,2\n"
    assert hmara(*command, "--json").out.split() == [
        "[",
        "{",
        '"site":',
        '"a\'b",',
        '"n":',
        "2",
        "}",
        "]",
    ]


def test_a_query_can_change_nothing(stack: Stack, hmara: Hmara) -> None:
    """`query` is read-only: a statement that writes is refused in one sentence."""
    for sql in ("TRUNCATE TABLE staging.hit", "INSERT INTO staging.hit (site) VALUES ('x')"):
        done = hmara("query", sql)
        assert (done.code, done.out) == (1, "")
        assert done.err.count("\n") == 1
    assert stack.count() == 0


def test_lag_is_a_number(hmara: Hmara, stack: Stack) -> None:
    """`lag` names the group and how far it is behind."""
    done = hmara("lag")
    assert done.code == 0
    assert done.out.startswith(f"{stack.group} is ")
