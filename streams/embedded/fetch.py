"""Fetches what the recipe pins into the lib directory: Kafka's jars by Maven, the rest by npm.

Each part is made in a temporary folder beside its place and renamed into it when it is whole; a
stamp inside names the pins it was made from, so that a changed pin fetches anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from streams.embedded import prerequisites, recipe
from streams.embedded.errors import EmbeddedError

Progress = Callable[[str], None]

MIB: Final = 1 << 20
LIBCHDB: Final = Path("node_modules/@chdb/lib-linux-x64-gnu/libchdb.so")
_STAMP: Final = ".hmara-stamp"
_REPORT_EVERY_S: Final = 1.0
_SHOWN_LINES: Final = 15


@dataclass(frozen=True, slots=True)
class Part:
    """A folder of the lib directory: how it is made, and from which files of the recipe."""

    folder: str
    pins: tuple[str, ...]
    make: Callable[[Path, Progress], Path]


def fetch(lib: Path, on_progress: Progress) -> None:
    """Make the lib directory complete; does nothing, and writes nothing, if it is.

    Two fetches into one directory wait for each other.

    Raises:
        PrerequisiteError: a program that fetches is missing.
        EmbeddedError: a registry did not answer, or not with what was pinned.
    """
    if not missing_parts(lib):
        return
    lib.mkdir(parents=True, exist_ok=True)
    with _locked(lib):
        for part in missing_parts(lib):
            _install(part, lib, on_progress)


def missing_parts(lib: Path) -> list[Part]:
    """Return the parts that are not there as pinned."""
    return [part for part in PARTS if _read_stamp(lib / part.folder) not in _good_stamps(part)]


def find_libchdb(lib: Path) -> Path | None:
    """Return the fetched libchdb, if there is one."""
    path = lib / LIBCHDB
    return path if path.is_file() else None


def _install(part: Part, lib: Path, on_progress: Progress) -> None:
    stamp = _stamp(part, whole=_needs_libchdb())
    with tempfile.TemporaryDirectory(dir=lib, prefix=".fetch-") as name:
        made = part.make(Path(name), on_progress)
        (made / _STAMP).write_text(stamp + "\n", encoding="ascii")
        made.chmod(0o755)
        place = lib / part.folder
        if place.exists():
            place.rename(Path(name) / "old")
        made.rename(place)


def _make_jars(work: Path, on_progress: Progress) -> Path:
    prerequisites.find_java()
    maven = prerequisites.find_maven()
    expected = _read_digests()
    jars = work / "kafka"
    jars.mkdir()
    command = [
        str(maven), "-B", "-f", str(recipe.recipe_dir() / "kafka" / "pom.xml"),
        "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={jars}",
    ]  # fmt: skip
    for log in _run(command, work, "fetching Kafka with Maven"):
        # Maven downloads everything, of its own too, before it copies the first jar.
        downloads = log.read_text(encoding="utf-8", errors="replace").count("Downloaded from")
        on_progress(f"Kafka: Maven has downloaded {downloads} files")
    check_digests(jars, expected)
    on_progress(f"Kafka: {len(expected)} jars are there")
    return jars


def check_digests(jars: Path, expected: Mapping[str, str]) -> None:
    """Compare the jars with the recipe's list: these, no others, and byte for byte.

    Raises:
        EmbeddedError: names the jars that differ.
    """
    found = {path.name: _digest(path) for path in jars.glob("*.jar")}
    wrong = sorted(
        name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)
    )
    if wrong:
        message = f"checking Kafka's jars against jars.sha256: {', '.join(wrong)} differ"
        raise EmbeddedError(message)


def _make_node_modules(work: Path, on_progress: Progress) -> Path:
    npm = prerequisites.find_npm()
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(recipe.recipe_dir() / name, work / name)
    command = [str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"]
    if not _needs_libchdb():
        command.append("--omit=optional")
    for _ in _run(command, work, "fetching data files and libchdb with npm"):
        on_progress(f"npm packages: {_size_bytes(work) // MIB} MiB unpacked")
    if _needs_libchdb() and not (work / LIBCHDB).is_file():
        message = (
            "npm brought no libchdb: there is one for 64-bit x86 Linux with glibc only; elsewhere, "
            "put a `clickhouse` program of version "
            f"{'.'.join(map(str, prerequisites.OLDEST_CLICKHOUSE))} or newer on PATH"
        )
        raise EmbeddedError(message)
    on_progress("npm packages: all are there")
    return work / "node_modules"


PARTS: Final = (
    Part("kafka", ("kafka/pom.xml", "kafka/jars.sha256"), _make_jars),
    Part("node_modules", ("package.json", "package-lock.json"), _make_node_modules),
)


def _needs_libchdb() -> bool:
    return prerequisites.find_clickhouse() is None


def _good_stamps(part: Part) -> set[str]:
    whole = _stamp(part, whole=True)
    return {whole} if _needs_libchdb() else {whole, _stamp(part, whole=False)}


def _stamp(part: Part, *, whole: bool) -> str:
    pins = hashlib.sha256("\0".join(recipe.read(name) for name in part.pins).encode()).hexdigest()
    return pins if whole or part.folder != "node_modules" else f"{pins} without libchdb"


def _read_stamp(folder: Path) -> str:
    try:
        return (folder / _STAMP).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _read_digests() -> dict[str, str]:
    lines = (line.split() for line in recipe.read("kafka/jars.sha256").splitlines())
    return {name: digest for digest, name in lines}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # npm moves files while we count
            total += path.lstat().st_size
    return total


def _run(command: list[str], work: Path, action: str) -> Iterator[Path]:
    """Run a program to its end, yielding its log once a second; its last lines explain failure."""
    log = work / "fetch.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=work, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        while process.poll() is None:
            yield log
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_REPORT_EVERY_S)
    finally:
        if process.poll() is None:  # interrupted: leave nothing running behind
            process.terminate()
            process.wait()
    if process.returncode != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_SHOWN_LINES:]
        message = f"{action}: exit code {process.returncode}\n" + "\n".join(lines)
        raise EmbeddedError(message)


@contextlib.contextmanager
def _locked(lib: Path) -> Iterator[None]:
    with (lib / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for leftover in lib.glob(".fetch-*"):  # of a fetch that was killed; the lock is ours now
            shutil.rmtree(leftover, ignore_errors=True)
        yield
