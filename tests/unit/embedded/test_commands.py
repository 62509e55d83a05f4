"""The commands say what they did, in sentences and in exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from streams.embedded import commands
from streams.embedded.credentials import Credentials
from streams.embedded.fetch import Progress
from streams.embedded.home import Home
from streams.embedded.ports import Ports
from streams.embedded.services import Services, Tuning

APP = typer.Typer()
commands.register(APP)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The home that the commands find in the environment."""
    monkeypatch.setenv("HMARA_HOME", str(tmp_path / "a b"))
    made = Home(tmp_path / "a b")
    made.make()
    return made


def _pretend_start(monkeypatch: pytest.MonkeyPatch, home: Home, *, was_running: bool) -> None:
    def start(_: Path, lib: Path, *, on_progress: Progress, tuning: Tuning) -> Services:
        assert tuning.wait_s == 7
        for count in range(3):
            on_progress(f"npm packages: {count} MiB unpacked")
        ports = Ports(9092, 9093, 50_000, 8123)
        return Services(home.root, lib, ports, Credentials("one", "two", "three"), was_running)

    monkeypatch.setattr(commands, "start_services", start)


@pytest.mark.parametrize(("was_running", "word"), [(False, "up"), (True, "already up")])
def test_up_names_addresses_and_taken_ports(
    monkeypatch: pytest.MonkeyPatch, home: Home, *, was_running: bool, word: str
) -> None:
    """`up` prints each address, which usual port was taken, and no password; twice is no error."""
    _pretend_start(monkeypatch, home, was_running=was_running)
    result = CliRunner().invoke(APP, ["up", "--wait-s", "7"])
    assert result.exit_code == 0, result.output
    assert word in result.output.splitlines()
    assert "127.0.0.1:9092" in result.output
    assert "http://127.0.0.1:8123" in result.output
    assert "port 9000 was taken: clickhouse native is on 50000" in result.output
    assert str(home.services_env) in result.output
    assert not {"one", "two"} & set(result.output.split())


def test_progress_without_a_terminal_is_one_line_per_step(
    monkeypatch: pytest.MonkeyPatch, home: Home
) -> None:
    """A step that only counts on is printed once where nobody watches."""
    _pretend_start(monkeypatch, home, was_running=False)
    result = CliRunner().invoke(APP, ["up", "--wait-s", "7"])
    assert result.output.count("MiB unpacked") == 1


def test_down_with_nothing_running_is_no_error(home: Home) -> None:
    """`down` says that nothing runs and exits with 0."""
    result = CliRunner().invoke(APP, ["down"])
    assert (result.exit_code, result.output) == (0, f"nothing runs for {home.root}\n")


def test_status_of_nothing_is_exit_code_3(home: Home) -> None:
    """`status` of a home that does not run says so for people and for programs."""
    result = CliRunner().invoke(APP, ["status"])
    assert result.exit_code == commands.NOT_UP
    assert "ClickHouse" in result.output
    result = CliRunner().invoke(APP, ["status", "--json"])
    assert result.exit_code == commands.NOT_UP
    found = json.loads(result.output)
    assert (found["home"], found["is_up"], found["supervisor_pid"]) == (str(home.root), False, None)
    assert [service["name"] for service in found["services"]] == ["kafka", "clickhouse"]


def test_logs_shows_the_last_lines(home: Home) -> None:
    """`logs` prints as many lines as asked for, and a sentence where there is nothing."""
    home.log_file("kafka").write_text("one\n[two]\nthree\n")
    result = CliRunner().invoke(APP, ["logs", "kafka", "--lines", "2"])
    assert (result.exit_code, result.output) == (0, "[two]\nthree\n")
    result = CliRunner().invoke(APP, ["logs", "clickhouse"])
    assert result.exit_code == 0
    assert "clickhouse has logged nothing yet" in result.output
    assert CliRunner().invoke(APP, ["logs", "nobody"]).exit_code != 0
