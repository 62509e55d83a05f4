"""Programs that must be there already: found, or named with the Debian package that brings them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from streams.embedded.errors import PrerequisiteError

OLDEST_JAVA: Final = 17
OLDEST_CLICKHOUSE: Final = (25, 8)
_ASK_TIMEOUT_S: Final = 30
_JAVA_PACKAGE: Final = "openjdk-17-jre-headless"


def find_java() -> Path:
    """Return the Java program of JAVA_HOME, else of PATH, after asking its version.

    Raises:
        PrerequisiteError: there is none, or it is older than Kafka needs.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else None
    found = found or shutil.which("java")
    if found is None:
        message = f"Java is missing: install the Debian package {_JAVA_PACKAGE}"
        raise PrerequisiteError(message)
    version = parse_java_version(_ask_version([found, "-version"]))
    if version < OLDEST_JAVA:
        message = (
            f"{found} is Java {version}, and Kafka needs {OLDEST_JAVA} or newer: "
            f"install the Debian package {_JAVA_PACKAGE}"
        )
        raise PrerequisiteError(message)
    return Path(found)


def find_maven() -> Path:
    """Return the Maven program.

    Raises:
        PrerequisiteError: there is none.
    """
    return _find("mvn", "Maven", "maven")


def find_npm() -> Path:
    """Return the npm program.

    Raises:
        PrerequisiteError: there is none.
    """
    return _find("npm", "npm", "npm")


def find_clickhouse() -> Path | None:
    """Return the `clickhouse` program of PATH if there is one that is new enough.

    Debian's own package is from 2018 and would be found here: a program that is too old, or does
    not tell its version, counts as none.
    """
    found = shutil.which("clickhouse")
    if found is None:
        return None
    return (
        Path(found)
        if parse_clickhouse_version(_ask_version([found, "local", "--version"]))
        >= OLDEST_CLICKHOUSE
        else None
    )


def parse_java_version(text: str) -> int:
    """Return the feature release in `java -version`'s answer: 17 of "17.0.15", 8 of "1.8.0_412".

    An answer that names none counts as 0, older than anything.
    """
    match = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(match[1]) if match else 0


def parse_clickhouse_version(text: str) -> tuple[int, int]:
    """Return year and month of the release in `clickhouse --version`'s answer, else (0, 0)."""
    match = re.search(r"version (\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _find(program: str, name: str, package: str) -> Path:
    found = shutil.which(program)
    if found is None:
        message = f"{name} is missing: install the Debian package {package}"
        raise PrerequisiteError(message)
    return Path(found)


def _ask_version(command: list[str]) -> str:
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=_ASK_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout + answer.stderr
