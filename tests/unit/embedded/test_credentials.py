"""Passwords are made once per home and shown to nobody but its owner."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from streams.embedded.credentials import (
    Credentials,
    hash_password,
    keep_credentials,
    read_credentials,
    to_env,
    write_env,
)
from streams.embedded.errors import EmbeddedError
from streams.embedded.home import Home
from streams.embedded.ports import Ports

PORTS = Ports(9092, 9093, 9000, 8123)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with its folders."""
    made = Home(tmp_path / "a b" / ".hmara")
    made.make()
    return made


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_passwords_are_made_once(home: Home) -> None:
    """A second start finds the passwords of the first; another home has others."""
    first = keep_credentials(home)
    assert keep_credentials(home) == first == read_credentials(home)
    assert first.admin_password != first.service_password
    home.credentials_file.unlink()
    assert keep_credentials(home) != first


def test_a_home_of_an_earlier_version_gets_what_it_has_not(home: Home) -> None:
    """Passwords that are there stay; one that a new version needs is added."""
    first = keep_credentials(home)
    stored = json.loads(home.credentials_file.read_text("utf-8"))
    del stored["analyst_password"], stored["analyst_user"]
    home.credentials_file.write_text(json.dumps(stored), "utf-8")
    later = keep_credentials(home)
    assert (later.admin_password, later.service_password) == (
        first.admin_password,
        first.service_password,
    )
    assert later.analyst_password not in {"", first.analyst_password}
    assert keep_credentials(home) == later


def test_files_with_passwords_are_private(home: Home) -> None:
    """Only the owner can read the passwords, even where the folder had been opened to all."""
    home.services_env.touch(mode=0o644)
    write_env(home, PORTS, keep_credentials(home))
    assert _mode(home.services_env) == _mode(home.credentials_file) == 0o600
    assert _mode(home.run) == _mode(home.logs) == _mode(home.data) == 0o700


def test_env_file_holds_what_the_commands_read(home: Home) -> None:
    """The env file has one line per variable of the contract with the other commands."""
    credentials = Credentials("one", "two", "three")
    write_env(home, PORTS, credentials)
    lines = dict(line.split("=", 1) for line in home.services_env.read_text().splitlines())
    assert lines == to_env(PORTS, credentials) == {
        "HMARA_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
        "HMARA_CLICKHOUSE_HOST": "127.0.0.1",
        "HMARA_CLICKHOUSE_NATIVE_PORT": "9000",
        "HMARA_CLICKHOUSE_HTTP_PORT": "8123",
        "HMARA_CLICKHOUSE_ADMIN_USER": "hmara_admin",
        "HMARA_CLICKHOUSE_ADMIN_PASSWORD": "one",
        "HMARA_CLICKHOUSE_SERVICE_USER": "service",
        "HMARA_CLICKHOUSE_SERVICE_PASSWORD": "two",
        "HMARA_CLICKHOUSE_ANALYST_USER": "analyst",
        "HMARA_CLICKHOUSE_ANALYST_PASSWORD": "three",
    }  # fmt: skip


def test_a_printed_credential_shows_no_password(home: Home) -> None:
    """A log or a traceback that prints the object gives nothing away."""
    credentials = keep_credentials(home)
    assert credentials.admin_password not in repr(credentials)
    assert credentials.service_password not in repr(credentials)


def test_a_spoilt_file_is_an_error_that_names_it(home: Home) -> None:
    """Passwords that can not be read are not silently replaced: ClickHouse has the old ones."""
    home.credentials_file.write_text("{")
    with pytest.raises(EmbeddedError, match=r"credentials.json"):
        keep_credentials(home)


def test_hash_is_what_clickhouse_expects() -> None:
    """users.xml holds the SHA-256 of the password in hexadecimal (test vector of FIPS 180-2)."""
    assert hash_password("abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
