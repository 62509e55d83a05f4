"""The documents are true: links lead somewhere, commands exist, made pages are fresh."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from streams import settings_page
from streams.cli import app

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")]
)
LINK = re.compile(r"\]\(([^)#:\s]+)\)")
COMMAND = re.compile(
    r"(?:^ {4}|`)(?:\.venv/bin/)?hmara ((?:[a-z]+(?:-[a-z]+)*)(?: [a-z]+)?)", re.MULTILINE
)
TARGET = re.compile(r"(?:^ {4}|`)make ([a-z]+(?:-[a-z]+)*)", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    """A relative link in a document names a file of the project."""
    for target in LINK.findall(page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_in_a_document_exists(page: Path) -> None:
    """`hmara …` and `make …` in a document are commands that exist."""
    text = page.read_text("utf-8")
    for words in COMMAND.findall(text):
        assert exists(words.split()), f"hmara {words}"
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in TARGET.findall(text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"make {target}"


def exists(words: list[str]) -> bool:
    """Say whether the words, as far as they name groups, lead to a command."""
    command: object = typer.main.get_command(app)
    for word in words:
        commands = getattr(command, "commands", None)
        if commands is None:
            return True  # the rest is the command's own arguments
        if word not in commands:
            return False
        command = commands[word]
    return True


def test_a_command_that_does_not_exist_is_noticed() -> None:
    """The check of the documents can fail, for a command and for one inside a group."""
    assert exists(["topics", "apply"])
    assert not exists(["topics", "burn"])
    assert not exists(["nothing"])


def test_the_settings_page_is_what_the_classes_say() -> None:
    """docs/settings.md is equal to what streams/settings_page.py makes now."""
    assert settings_page.PAGE.read_text("utf-8") == settings_page.render()


def test_every_test_folder_of_the_readme_exists() -> None:
    """The folder map of the README names folders that exist, and all of them."""
    named = set(read_folder_map((ROOT / "README.md").read_text("utf-8")))
    there = {path.name for path in ROOT.iterdir() if is_source_folder(path)}
    assert named == there


def read_folder_map(text: str) -> Iterator[str]:
    """Yield the folders of the block under "What lives where"."""
    block = text.partition("## What lives where")[2].partition("##")[0]
    yield from re.findall(r"^ {4}([a-z]+)/ ", block, re.MULTILINE)


def is_source_folder(path: Path) -> bool:
    """Say whether a folder of the root is part of the project, not made by building or testing."""
    return path.is_dir() and path.name[0] not in "._" and path.name not in {"dist", "node_modules"}
