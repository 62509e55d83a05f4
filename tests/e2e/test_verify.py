"""`hmara sites verify` on real pages, in the real browser, with the real collector behind them."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from streams.demo_site.visit import find_browser
from streams.embedded.ports import find_free
from streams.embedded.services import Services
from tests.support.browser import Stage, open_stage
from tests.support.services import Stack

pytestmark = [pytest.mark.integration, pytest.mark.browser]

Findings = dict[str, bool | None]


@dataclass(frozen=True, slots=True)
class Scene:
    """Pages, and the collector and worker that their tags report to."""

    stack: Stack
    stage: Stage
    collector_url: str
    snippets: dict[str, str] = field(default_factory=dict)

    def put_page(self, path: str, site: str = "") -> str:
        """Serve a page that carries what `hmara sites snippet` prints; return its address."""
        return self.stage.put_page(path, head=self.snippet(site or self.stack.site))

    def snippet(self, site: str) -> str:
        """Return what a person pastes; asked of the command once for each site."""
        if site not in self.snippets:
            self.snippets[site] = self._ask_for_snippet(site)
        return self.snippets[site]

    def _ask_for_snippet(self, site: str) -> str:
        done = self.stack.run("sites", "snippet", site, "--collector", self.collector_url)
        assert done.returncode == 0, done.stderr
        return done.stdout


@dataclass(frozen=True, slots=True)
class Verified:
    """What `verify` found."""

    code: int
    findings: Findings
    texts: dict[str, str]


@pytest.fixture(scope="module")
def scene(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Start a collector and a worker, once for all pages of this module."""
    if find_browser() is None:
        pytest.skip("chromium is not installed")
    with open_stage() as stage:
        site = f"site-{secrets.token_hex(4)}"
        stack = Stack(services, tmp_path_factory.mktemp("verify"), site, stage.site.url)
        stack.write_sites("UTC")
        add_site(stack, "no-robots")
        try:
            collector_url = stack.start_collector()
            stack.start_worker()
            yield Scene(stack, stage, collector_url)
        finally:
            stack.stop()


def add_site(stack: Stack, site: str) -> None:
    """Add a site of the same origin, which keeps no headless browsers."""
    done = stack.run("sites", "add", site, "--origin", stack.origin)
    assert done.returncode == 0, done.stderr


def verify(scene: Scene, url: str, site: str = "", **env: str) -> Verified:
    """Verify a page in a process of its own."""
    command = ("sites", "verify", site or scene.stack.site, url, "--timeout", "20", "--json")
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", *command],
        env={**os.environ, **scene.stack.env, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stderr == ""
    report = json.loads(done.stdout)
    assert report["is_verified"] is (done.returncode == 0)
    findings = report["findings"]
    return Verified(
        done.returncode,
        {each["check"]: each["is_good"] for each in findings},
        {each["check"]: each["text"] for each in findings},
    )


def test_a_page_with_the_pasted_snippet_is_verified(scene: Scene) -> None:
    """What `snippet` prints is all that a page needs: each check is good, the row in ClickHouse."""
    done = verify(scene, scene.put_page("/good"))
    assert set(done.findings.values()) == {True}, done.texts
    assert "accepted 1" in done.texts["answer"]
    assert done.code == 0
    sql = "SELECT path, type FROM staging.hit FINAL WHERE site = {site:String}"
    assert ("/good", "page_view") in scene.stack.ask(sql)


def test_it_speaks_to_people(scene: Scene) -> None:
    """Without --json each check is a line with its tick, and the last line is the verdict."""
    url = scene.put_page("/spoken")
    done = scene.stack.run("sites", "verify", scene.stack.site, url, "--timeout", "20")
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["✓"] * 8
    assert lines[-1] == "the tag is there and its events arrive"
    assert (done.returncode, done.stderr) == (0, "")


def test_a_strict_policy_that_lets_the_tag_in_is_no_fault(scene: Scene) -> None:
    """A page whose policy names the collector, as the snippet's note says, is verified."""
    url = scene.put_page("/strict")
    note = scene.stack.run("sites", "snippet", scene.stack.site, "--collector", scene.collector_url)
    assert f"needs {scene.collector_url} in script-src, connect-src and img-src" in note.stderr
    allowed = scene.collector_url
    policy = f"default-src 'none'; script-src {allowed}; connect-src {allowed}; img-src {allowed}"
    with headers(scene, policy):
        done = verify(scene, url)
    assert done.code == 0, done.texts


@pytest.mark.parametrize(
    ("policy", "checks"),
    [
        ("script-src 'self'", {"script": False, "policy": False, "events": False}),
        (
            "script-src {collector}; connect-src 'self'",
            {"script": True, "policy": False, "events": False},
        ),
    ],
    ids=["script", "connect"],
)
def test_a_policy_that_keeps_the_tag_out_is_named(
    scene: Scene, policy: str, checks: Findings
) -> None:
    """The directive that refuses script or events is quoted, and nothing is verified."""
    url = scene.put_page("/refusing")
    with headers(scene, policy.format(collector=scene.collector_url)):
        done = verify(scene, url)
    assert done.code == 1
    assert done.findings.items() >= checks.items(), done.texts
    assert "'self'" in done.texts["policy"]
    assert scene.collector_url in done.texts["policy"]
    assert (done.findings["answer"], done.findings["stored"]) == (None, None)


class headers:  # noqa: N801 - read as a word of the test
    """Serve every page under a policy while the context is open."""

    def __init__(self, scene: Scene, policy: str) -> None:
        self._headers = scene.stage.site.page_headers
        self._policy = policy

    def __enter__(self) -> None:
        self._headers["Content-Security-Policy"] = self._policy

    def __exit__(self, *_: object) -> None:
        del self._headers["Content-Security-Policy"]


def test_a_page_without_the_tag_is_told_what_to_carry(scene: Scene) -> None:
    """No tag: a fault with the line to paste, and no claim about events."""
    done = verify(scene, scene.stage.put_page("/bare", head=""))
    assert done.code == 1
    assert (done.findings["page"], done.findings["tag"]) == (True, False)
    assert "<script async src=" in done.texts["tag"]
    assert done.findings["answer"] is None


def test_a_tag_that_is_put_in_late_is_found(scene: Scene) -> None:
    """A script that a page adds after it has loaded is the tag too."""
    head = (
        "<script>addEventListener('load', () => setTimeout(() => {"
        "const tag = document.createElement('script'); tag.async = true;"
        f"tag.src = '{scene.collector_url}/tag.js'; tag.dataset.site = '{scene.stack.site}';"
        "document.head.append(tag); }, 300));</script>"
    )
    done = verify(scene, scene.stage.put_page("/late", head=head))
    assert done.code == 0, done.texts


def test_another_origin_is_refused_and_named(scene: Scene) -> None:
    """The same page under another name: its origin is to be added, and the collector says 403."""
    url = scene.put_page("/named").replace("127.0.0.1", "localhost")
    done = verify(scene, url)
    assert done.code == 1
    assert (done.findings["origin"], done.findings["answer"]) == (False, False), done.texts
    assert f'add "{scene.stage.site.url.replace("127.0.0.1", "localhost")}"' in done.texts["origin"]
    assert "403" in done.texts["answer"]


def test_a_collector_that_does_not_know_the_site_is_to_be_restarted(scene: Scene) -> None:
    """A site that was added while the collector ran is in the file, and not yet known to it."""
    site = f"late-{secrets.token_hex(4)}"
    add_site(scene.stack, site)
    done = verify(scene, scene.put_page("/unknown", site), site)
    assert done.code == 1
    assert done.findings["answer"] is False
    assert "restart" in done.texts["answer"]


def test_a_browser_without_a_person_is_dropped_and_that_is_right(scene: Scene) -> None:
    """A site that keeps no headless browsers drops the visit of the check, and is verified."""
    done = verify(scene, scene.put_page("/robots", "no-robots"), "no-robots")
    assert "headless" in done.texts["answer"]
    assert done.code == 0, done.texts
    assert done.findings["stored"] is None


def test_a_page_that_is_not_there(scene: Scene) -> None:
    """A port at which nobody listens: one fault, and what the network said."""
    done = verify(scene, f"http://127.0.0.1:{find_free()}/")
    assert done.code == 1
    assert done.findings.pop("page") is False
    assert set(done.findings.values()) == {None}
    assert "net::ERR_CONNECTION_REFUSED" in done.texts["page"]


def test_a_stopped_collector_is_seen(scene: Scene) -> None:
    """The page is there and its tag's address is dead: the script does not load."""
    head = scene.snippet(scene.stack.site)
    dead = f"http://127.0.0.1:{find_free()}"
    url = scene.stage.put_page("/dead", head=head.replace(scene.collector_url, dead))
    done = verify(scene, url)
    assert done.code == 1
    assert (done.findings["tag"], done.findings["script"]) == (True, False)
    assert "nobody listens" in done.texts["script"]


def test_without_a_browser_the_html_is_read(scene: Scene, tmp_path: Path) -> None:
    """On a machine without Chromium the tag is looked for in the HTML, and the lack is said."""
    done = verify(scene, scene.put_page("/unseen"), PATH=str(tmp_path))
    assert done.code == 1
    seen = {"page": True, "tag": True, "script": True, "origin": True, "answer": None}
    assert done.findings.items() >= seen.items(), done.texts
    assert "install the package chromium" in done.texts["answer"]


def test_without_the_driver_the_html_is_read(scene: Scene, tmp_path: Path) -> None:
    """A bare install has no playwright: the sentence says to install it."""
    (tmp_path / "playwright.py").write_text("raise ImportError\n", "utf-8")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = verify(scene, scene.put_page("/bare-install"), PYTHONPATH=path)
    assert done.code == 1
    assert done.findings["tag"] is True
    assert "install the Python package playwright" in done.texts["answer"]
