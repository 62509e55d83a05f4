"""ClickHouse is a program of PATH where there is one, else libchdb, with the same files."""

from __future__ import annotations

import stat
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from streams.embedded.clickhouse import prepare_clickhouse
from streams.embedded.credentials import Credentials
from streams.embedded.errors import EmbeddedError
from streams.embedded.fetch import LIBCHDB
from streams.embedded.home import Home
from streams.embedded.ports import Ports

PORTS = Ports(1, 2, 3, 4)
CREDENTIALS = Credentials("one", "two", "three")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home whose path is no plain word in XML, with no program on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    made = Home(tmp_path / "a & b" / ".hmara")
    made.make()
    return made


def _read_users(home: Home) -> list[str]:
    users = ET.parse(home.run / "clickhouse" / "users.xml").find("users")  # noqa: S314 - our own
    assert users is not None
    return [user.tag for user in users]


def test_a_program_serves_as_a_server(home: Home, tmp_path: Path) -> None:
    """With `clickhouse` on PATH, that is run as a server, and there is no user without password."""
    program = tmp_path / "bin" / "clickhouse"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'ClickHouse local version 26.7.2.1'\n")
    program.chmod(0o755)
    spec = prepare_clickhouse(home, tmp_path / "lib", PORTS, CREDENTIALS)
    config = home.run / "clickhouse" / "config.xml"
    assert spec.command == (str(program), "server", f"--config-file={config}")
    assert _read_users(home) == ["hmara_admin", "service", "analyst"]


def test_libchdb_serves_without_a_program(home: Home, tmp_path: Path) -> None:
    """Without a program, the fetched library is served, by an isolated Python process."""
    library = tmp_path / "lib" / LIBCHDB
    library.parent.mkdir(parents=True)
    library.touch()
    spec = prepare_clickhouse(home, tmp_path / "lib", PORTS, CREDENTIALS)
    assert spec.command[1] == "-I"
    assert spec.command[-2:] == (str(library), str(home.run / "clickhouse" / "config.xml"))
    assert _read_users(home) == ["default", "hmara_admin", "service", "analyst"]
    assert stat.S_IMODE((home.run / "clickhouse" / "users.xml").stat().st_mode) == 0o600


def test_paths_are_escaped(home: Home, tmp_path: Path) -> None:
    """A folder whose name means something in XML is written as text."""
    library = tmp_path / "lib" / LIBCHDB
    library.parent.mkdir(parents=True)
    library.touch()
    prepare_clickhouse(home, tmp_path / "lib", PORTS, CREDENTIALS)
    config = ET.parse(home.run / "clickhouse" / "config.xml")  # noqa: S314 - our own
    assert config.findtext("path") == f"{home.data}/clickhouse/"
    assert config.findtext("logger/log") == str(home.logs / "clickhouse.log")


def test_neither_is_an_error(home: Home, tmp_path: Path) -> None:
    """With neither program nor library, the error says where both were looked for."""
    with pytest.raises(EmbeddedError, match=r"no `clickhouse` on PATH and no libchdb in .*lib"):
        prepare_clickhouse(home, tmp_path / "lib", PORTS, CREDENTIALS)
