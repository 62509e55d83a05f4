"""A missing program is one sentence that names the Debian package."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.embedded import prerequisites
from streams.embedded.errors import PrerequisiteError


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of PATH, empty at first."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tmp_path


def _put_program(folder: Path, name: str, answer: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{answer}' >&2\n")
    program.chmod(0o755)
    return program


def test_missing_java_names_its_package(programs: Path) -> None:
    """Without Java the sentence says what to install."""
    assert programs.is_dir()
    with pytest.raises(PrerequisiteError, match=r"install the Debian package openjdk-17-jre-headl"):
        prerequisites.find_java()


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_412"', 8),
        ("what?", 0),
    ],
)
def test_java_versions_are_read(answer: str, version: int) -> None:
    """The feature release is found in every form that `java -version` has had."""
    assert prerequisites.parse_java_version(answer) == version


def test_old_java_names_version_and_package(programs: Path) -> None:
    """A Java that is too old is named with its version, and with what to install instead."""
    _put_program(programs, "java", 'openjdk version "11.0.2" 2019-01-15')
    with pytest.raises(PrerequisiteError, match=r"is Java 11, .* package openjdk-17-jre-headless"):
        prerequisites.find_java()


def test_new_java_is_found(programs: Path) -> None:
    """A Java of 17 or newer is good."""
    java = _put_program(programs, "java", 'openjdk version "17.0.15" 2025-04-15')
    assert prerequisites.find_java() == java


def test_java_home_comes_before_path(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JAVA_HOME decides where several are installed."""
    _put_program(programs, "java", 'openjdk version "11.0.2"')
    wanted = _put_program(programs / "jdk" / "bin", "java", 'openjdk version "21.0.1"')
    monkeypatch.setenv("JAVA_HOME", str(programs / "jdk"))
    assert prerequisites.find_java() == wanted


def test_missing_maven_and_npm_name_their_packages(programs: Path) -> None:
    """Without Maven or npm the sentence says what to install."""
    assert programs.is_dir()
    with pytest.raises(PrerequisiteError, match=r"^Maven is missing: install .* package maven$"):
        prerequisites.find_maven()
    with pytest.raises(PrerequisiteError, match=r"^npm is missing: install .* package npm$"):
        prerequisites.find_npm()


def test_an_old_clickhouse_counts_as_none(programs: Path) -> None:
    """The clickhouse of Debian's own archive, from 2018, is passed over for libchdb."""
    assert prerequisites.find_clickhouse() is None
    _put_program(programs, "clickhouse", "ClickHouse local version 18.16.1.")
    assert prerequisites.find_clickhouse() is None
    _put_program(programs, "clickhouse", "no version at all")
    assert prerequisites.find_clickhouse() is None
    found = _put_program(
        programs, "clickhouse", "ClickHouse local version 26.7.2.1 (official build)."
    )
    assert prerequisites.find_clickhouse() == found
