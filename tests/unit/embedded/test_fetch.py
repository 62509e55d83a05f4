"""The lib directory is complete or absent, part by part, and made anew when a pin changes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from streams.embedded import fetch, recipe
from streams.embedded.errors import EmbeddedError
from streams.embedded.fetch import Part, Progress


class Registry:
    """A part that is made out of nothing, and counts how often."""

    def __init__(self) -> None:
        self.made = 0
        self.fails = False

    def make(self, work: Path, on_progress: Progress) -> Path:
        """Make a folder that says which make it is from."""
        self.made += 1
        on_progress("making")
        folder = work / "kafka"
        folder.mkdir()
        (folder / "content").write_text(str(self.made))
        if self.fails:
            message = "fetching Kafka with Maven: exit code 1"
            raise EmbeddedError(message)
        return folder


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """One part, without Maven."""
    found = Registry()
    monkeypatch.setattr(fetch, "PARTS", (Part("kafka", ("kafka/pom.xml",), found.make),))
    return found


def _content(lib: Path) -> str:
    return (lib / "kafka" / "content").read_text()


def test_a_complete_lib_is_left_alone(tmp_path: Path, registry: Registry) -> None:
    """A second fetch makes nothing, says nothing and writes nothing."""
    said: list[str] = []
    fetch.fetch(tmp_path / "a b", said.append)
    before = sorted(tmp_path.rglob("*"))
    (tmp_path / "a b").chmod(0o500)
    fetch.fetch(tmp_path / "a b", said.append)
    assert (registry.made, said) == (1, ["making"])
    assert sorted(tmp_path.rglob("*")) == before
    assert fetch.missing_parts(tmp_path / "a b") == []


def test_a_changed_pin_fetches_anew(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the recipe names another version, the old part is replaced."""
    fetch.fetch(tmp_path, lambda _: None)
    monkeypatch.setattr(recipe, "read", lambda name: f"other {name}")
    fetch.fetch(tmp_path, lambda _: None)
    assert (registry.made, _content(tmp_path)) == (2, "2")
    assert {path.name for path in tmp_path.iterdir()} == {"kafka", ".lock"}


def test_a_failed_fetch_leaves_the_old_part(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was there stays whole, and no half-made folder stays behind."""
    fetch.fetch(tmp_path, lambda _: None)
    monkeypatch.setattr(recipe, "read", lambda name: f"other {name}")
    registry.fails = True
    with pytest.raises(EmbeddedError, match=r"exit code 1"):
        fetch.fetch(tmp_path, lambda _: None)
    assert _content(tmp_path) == "1"
    assert {path.name for path in tmp_path.iterdir()} == {"kafka", ".lock"}


def test_a_killed_fetch_is_cleaned_up_by_the_next(tmp_path: Path, registry: Registry) -> None:
    """Half-made folders of a killed fetch go away; a part without a stamp counts as none."""
    (tmp_path / ".fetch-killed" / "kafka").mkdir(parents=True)
    (tmp_path / "kafka").mkdir()
    fetch.fetch(tmp_path, lambda _: None)
    assert (registry.made, _content(tmp_path)) == (1, "1")
    assert {path.name for path in tmp_path.iterdir()} == {"kafka", ".lock"}


def test_jars_are_checked_byte_for_byte(tmp_path: Path) -> None:
    """A jar that is changed, missing or not listed is named."""
    for name in ("good.jar", "changed.jar", "surplus.jar"):
        (tmp_path / name).write_text(name)
    digests = {name: hashlib.sha256(name.encode()).hexdigest()
               for name in ("good.jar", "changed.jar", "missing.jar")}  # fmt: skip
    (tmp_path / "changed.jar").write_text("other")
    with pytest.raises(EmbeddedError, match=r": changed\.jar, missing\.jar, surplus\.jar differ$"):
        fetch.check_digests(tmp_path, digests)


def test_a_failing_program_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When Maven fails, the error ends with the last lines that it printed."""
    for name, script in (
        ("java", "echo 'version \"17.0.1\"' >&2"),
        ("mvn", "echo 'Could not resolve host example.org'; exit 7"),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(fetch, "PARTS", fetch.PARTS[:1])
    with pytest.raises(EmbeddedError, match=r"(?s)Maven: exit code 7\n.*example\.org"):
        fetch.fetch(tmp_path / "lib", lambda _: None)
