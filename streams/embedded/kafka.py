"""The embedded Kafka: its configuration, its storage (formatted once) and its command line."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from streams.embedded import prerequisites, recipe
from streams.embedded.child import ChildSpec
from streams.embedded.errors import EmbeddedError
from streams.embedded.home import KAFKA, Home, write_private
from streams.embedded.ports import Ports
from streams.embedded.processes import die_with_parent

# Relative to the home, Kafka's working directory: log.dirs is a comma-separated list in a Latin-1
# file, which an absolute path may be no part of.
_DATA: Final = Path("data") / "kafka"
_DRAFT: Final = Path("data") / "kafka.draft"
_RUN: Final = Path("run") / "kafka"
_META: Final = "meta.properties"
_FORMAT_TIMEOUT_S: Final = 120
_STOP_GRACE_S: Final = 30.0
_SHOWN_LINES: Final = 15


def prepare_kafka(home: Home, lib: Path, ports: Ports, settings: Mapping[str, str]) -> ChildSpec:
    """Write the configuration, format the storage if it never was, and return what to run.

    `settings` replace or add lines of server.properties.

    Raises:
        EmbeddedError: the storage can not be formatted.
        PrerequisiteError: Java is missing or too old.
    """
    java = str(prerequisites.find_java())
    if ":" in str(lib):
        message = f"{lib}: Java can not load jars from a folder with a colon in its name"
        raise EmbeddedError(message)
    run = home.root / _RUN
    shutil.rmtree(run, ignore_errors=True)
    (run / "tmp").mkdir(parents=True)
    write_private(run / "log4j2.xml", recipe.read("kafka/log4j2.xml"))
    env = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    if not (home.root / _DATA / _META).is_file():
        _write_properties(home, _DRAFT, ports, settings)
        _format(home, [java, "-cp", f"{lib}/kafka/*", "kafka.tools.StorageTool"], env)
    _write_properties(home, _DATA, ports, settings)
    command = (
        java, "-Xms256m", "-Xmx512m", "-XX:+UseSerialGC",
        "-XX:-UsePerfData",  # keeps its counters out of /tmp, where they outlive a SIGKILL
        "-XX:ErrorFile=logs/kafka-crash.log",
        f"-Djava.io.tmpdir={run / 'tmp'}",
        "-Djava.net.preferIPv4Stack=true",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={_RUN / 'log4j2.xml'}",
        "-cp", f"{lib}/kafka/*", "kafka.Kafka", str(_RUN / "server.properties"),
    )  # fmt: skip
    return ChildSpec(KAFKA, command, env, home.root, home.out_file(KAFKA), _STOP_GRACE_S)


def read_cluster_id(home: Home) -> str | None:
    """Return the id that the storage was formatted with; a broker of another home has another."""
    try:
        text = (home.root / _DATA / _META).read_text(encoding="utf-8")
    except OSError:
        return None
    match = re.search(r"^cluster\.id=(\S+)$", text, re.MULTILINE)
    return match[1] if match else None


def replace_settings(text: str, settings: Mapping[str, str]) -> str:
    """Return a properties file in which each setting stands once, with the given value."""
    kept = [line for line in text.splitlines() if line.partition("=")[0].strip() not in settings]
    given = [f"{name}={value}" for name, value in settings.items()]
    return "\n".join([*kept, *given]) + "\n"


def new_cluster_id() -> str:
    """Return a random id as Kafka writes them; without a leading dash, which reads as an option."""
    while (made := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith(
        "-"
    ):
        pass
    return made


def _write_properties(home: Home, data: Path, ports: Ports, settings: Mapping[str, str]) -> None:
    text = recipe.render("kafka/server.properties", {
        "kafka_port": str(ports.kafka),
        "controller_port": str(ports.kafka_controller),
        "log_dirs": str(data),
    })  # fmt: skip
    write_private(home.root / _RUN / "server.properties", replace_settings(text, settings))


def _format(home: Home, tool: list[str], env: Mapping[str, str]) -> None:
    """Format in a draft folder and rename it: a half-formatted storage is never started."""
    draft, place = home.root / _DRAFT, home.root / _DATA
    shutil.rmtree(draft, ignore_errors=True)
    command = [*tool, "format", "--standalone", "-t", new_cluster_id(),
               "-c", str(_RUN / "server.properties")]  # fmt: skip
    parent = os.getpid()
    try:
        done = subprocess.run(
            command, cwd=home.root, env=dict(env), capture_output=True, text=True,
            timeout=_FORMAT_TIMEOUT_S, check=False,
            preexec_fn=lambda: die_with_parent(parent),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"formatting Kafka's storage: {error}"
        raise EmbeddedError(message) from error
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).splitlines()[-_SHOWN_LINES:]
        message = f"formatting Kafka's storage: exit code {done.returncode}\n" + "\n".join(lines)
        raise EmbeddedError(message)
    if place.exists():  # left by hand, without meta.properties: never ours to delete
        message = f"formatting Kafka's storage: {place} is there but holds no {_META}"
        raise EmbeddedError(message)
    draft.rename(place)
