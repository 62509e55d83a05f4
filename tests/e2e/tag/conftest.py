"""What the tag's tests share: the tag as it is built, a real browser, a stage, an open page."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from streams.demo_site.visit import find_browser
from tests.support.browser import TAG_FILE, TAG_FOLDER, launch_browser, open_stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.support.browser import Stage


@pytest.fixture(scope="session")
def built_tag() -> Path:
    """Build the tag if it was not, or was before its sources or tools changed."""
    sources = [*(TAG_FOLDER / "src").glob("*.ts"), *TAG_FOLDER.glob("*.*")]
    newest = max(source.stat().st_mtime for source in sources)
    if not TAG_FILE.exists() or TAG_FILE.stat().st_mtime < newest:
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not installed, and the tag is not built")
        tools = (TAG_FOLDER / "node_modules" / name for name in ("esbuild", "terser"))
        if not all(tool.exists() for tool in tools):
            subprocess.run([npm, "ci", "--omit=dev"], cwd=TAG_FOLDER, check=True)
        subprocess.run([npm, "run", "build"], cwd=TAG_FOLDER, check=True)
    return TAG_FILE


@pytest.fixture(scope="module")
def browser(built_tag: Path) -> Iterator[Browser]:
    """Start Chromium once for a module; an open sync driver would keep async tests from running."""
    if find_browser() is None:
        pytest.skip("chromium is not installed")
    assert built_tag.exists()
    with launch_browser() as browser:
        yield browser


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Serve a site and a recording endpoint of another origin."""
    with open_stage() as stage:
        yield stage


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open a tab in a browser context that has never been anywhere."""
    context = browser.new_context(locale="uk-UA", viewport={"width": 1280, "height": 720})
    yield context.new_page()
    context.close()
