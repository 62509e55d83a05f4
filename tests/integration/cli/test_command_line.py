"""The command line as a person meets it: help, mistakes, and services that are not there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer

from streams.cli import app
from streams.embedded.ports import find_free
from tests.integration.cli.conftest import Hmara
from tests.support.services import Stack

pytestmark = pytest.mark.integration

LOG_LINE = '192.0.2.1 - - [01/Oct/2025:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'
SITES = '[[sites]]\nid = "demo"\norigins = ["http://127.0.0.1:8081"]\n'
OF_KAFKA = ("lag", "dead-letters list", "topics check", "topics apply", "collector", "worker")
OF_CLICKHOUSE = ("migrate", "query SELECT+1")
WITHIN_S = 60.0


def find_commands(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command and group."""
    yield words
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from find_commands(inner, (*words, name))


def find_command(words: tuple[str, ...]) -> click.Command:
    """Return the command of some words."""
    command: click.Command = typer.main.get_command(app)
    for word in words:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    return command


COMMANDS = tuple(find_commands(typer.main.get_command(app)))


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


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help(call_main: Hmara, words: tuple[str, ...]) -> None:
    """`--help` of every command says what it does and what each option means."""
    done = call_main(*words, "--help")
    assert (done.code, done.err) == (0, "")
    command = find_command(words)
    assert command.help
    assert command.help.split("\n", maxsplit=1)[0][:40] in done.out
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{words}: {parameter.name} has no help"


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


@pytest.mark.parametrize("line", [*OF_KAFKA, *OF_CLICKHOUSE, "import-log access.log --site demo"])
def test_before_the_services_were_ever_started(call_main: Hmara, nowhere: Path, line: str) -> None:
    """Without addresses every command names what is missing in one sentence, exit code 1."""
    done = call_main(*line.split())
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("hmara: reading settings: HMARA_")
    assert "`hmara up`" in done.err
    assert done.err.count("\n") == 1
    assert not (nowhere / "home").exists()


@pytest.mark.parametrize(
    "line", [*OF_KAFKA[:-1], *OF_CLICKHOUSE, "import-log access.log --site demo"]
)
def test_when_the_services_are_down(down: Path, line: str) -> None:
    """With addresses at which nobody answers, one sentence says which one, exit code 1."""
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", *line.split()],
        cwd=down,
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN_S,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("hmara: ")
    assert "127.0.0.1:" in done.stderr
    assert done.stderr.count("\n") == 1


def test_answers_come_in_three_forms(stack: Stack, hmara: Hmara) -> None:
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
