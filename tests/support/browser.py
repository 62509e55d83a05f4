"""A recording endpoint, pages that carry the built tag, and a real browser to open them.

The endpoint is the instrument with which the tag's tests measure what the tag sends; it decides
nothing about events. Whether the real collector takes them is for the end-to-end tests to show.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from streams.demo_site.visit import browser_arguments, find_browser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserType

TAG_FOLDER = Path(__file__).parents[2] / "streams" / "tag"
TAG_FILE = TAG_FOLDER / "dist" / "tag.js"

STRICT_POLICY = (
    "default-src 'none'; script-src 'self' {collector}; connect-src {collector}; "
    "require-trusted-types-for 'script'"
)

HANG_UP = 0

# Tells a page that it is hidden, or visible again: a headless browser never does so by itself.
HIDE = """(state) => {
  const isHidden = state === "hidden";
  Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
  Object.defineProperty(document, "hidden", {value: isHidden, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""

Event = dict[str, Any]  # decoded JSON, whose shape is what the tests are about


@dataclass(frozen=True, slots=True)
class Received:
    """One request to the endpoint, with the status that it was answered with."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    at_monotonic: float

    @property
    def batch(self) -> Event:
        """The decoded body."""
        decoded: Event = json.loads(self.body)
        return decoded


@dataclass(slots=True)
class Recorder:
    """Keeps every request, answers as told, and lets a test wait for what it expects."""

    # Of the next POSTs: 202 when empty, and with HANG_UP the connection is closed instead.
    statuses: deque[int] = field(default_factory=deque)
    # Cleared, it holds back the answers to POSTs.
    may_answer: threading.Event = field(default_factory=threading.Event)
    # Answers 202 like a collector that drops whatever comes.
    is_dropping: bool = False
    requests: list[Received] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self.may_answer.set()

    def next_status(self) -> int:
        """Take the status for the next POST."""
        with self.changed:
            return self.statuses.popleft() if self.statuses else 202

    def keep(self, request: Received) -> None:
        """Remember `request` and wake whoever waits."""
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()

    def posts(self) -> list[Received]:
        """Return the POSTs so far, oldest first."""
        with self.changed:
            return [request for request in self.requests if request.method == "POST"]

    def events(self, kind: str | None = None) -> list[Event]:
        """Return the accepted events so far, oldest first, each with its page load's id."""
        return [
            {**event, "page_load_id": post.batch["page_load_id"]}
            for post in self.posts()
            if post.status == 202
            for event in post.batch["events"]
            if kind in {None, event["type"]}
        ]

    def wait_for_events(self, kind: str, count: int = 1, timeout: float = 20) -> list[Event]:
        """Return the accepted events of `kind` once there are `count` of them."""
        self.wait_until(lambda: len(self.events(kind)) >= count, timeout)
        return self.events(kind)

    def wait_until(self, is_met: Callable[[], bool], timeout: float = 20) -> None:
        """Wait until `is_met`, looked at after each request.

        Raises:
            AssertionError: it was not met within `timeout` seconds.

        """
        with self.changed:
            if not self.changed.wait_for(is_met, timeout):
                seen = [(post.status, post.body.decode()) for post in self.posts()]
                message = f"not met within {timeout} s; POSTs so far: {seen}"
                raise AssertionError(message)


class _Server(ThreadingHTTPServer):
    """Serves `pages` (path to HTML), the tag, and the endpoint, on a free loopback port."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.recorder = Recorder()
        self.pages: dict[str, str] = {}
        self.page_headers: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent about a browser that hangs up, as it does when it is closed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # typeshed's


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/tag.js":
            self._answer(200, "text/javascript", TAG_FILE.read_bytes())
        elif path in self.server.pages:
            body = self.server.pages[path].encode()
            self._answer(200, "text/html; charset=utf-8", body, self.server.page_headers)
        else:
            self._answer(404, "text/plain", b"")
        self._keep(b"", 0)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        status = self.server.recorder.next_status()
        # Kept before it is answered: a test that sees the answer finds the request.
        self._keep(body, status)
        self.server.recorder.may_answer.wait()
        if status == HANG_UP:
            self.close_connection = True
            return
        events = len(json.loads(body)["events"]) if status == 202 else 0
        is_dropping = self.server.recorder.is_dropping
        answer = {"accepted": events, "dropped": {}}
        if is_dropping:
            answer = {"accepted": 0, "dropped": {"bot": events}}
        self._answer(status, "application/json", json.dumps(answer).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Stay silent: the requests are kept, not printed."""

    def _keep(self, body: bytes, status: int) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Received(self.command, self.path, headers, body, status, time.monotonic())
        self.server.recorder.keep(request)

    def _answer(
        self, status: int, content_type: str, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin", "null"))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@dataclass(slots=True)
class Stage:
    """A site and a collector's stand-in, of two origins, as a page and its tag meet them."""

    site: _Server
    collector: _Server

    @property
    def recorder(self) -> Recorder:
        """What the tag sent."""
        return self.collector.recorder

    def snippet(self, **attributes: str) -> str:
        """Return the script element, `ping_ms="1000"` becoming `data-ping-ms="1000"`."""
        given = {"site": "demo", **attributes}
        data = " ".join(f'data-{key.replace("_", "-")}="{value}"' for key, value in given.items())
        return f'<script async src="{self.collector.url}/tag.js" {data}></script>'

    def put_page(self, path: str, body: str = "", *, head: str | None = None) -> str:
        """Serve a page at `path`, with the tag unless `head` says otherwise; return its address."""
        head = self.snippet() if head is None else head
        self.site.pages[path] = (
            f"<!doctype html><html lang=uk><head><title>Page {path}</title>{head}</head>"
            f"<body>{body}</body></html>"
        )
        return self.site.url + path

    def see_another_visitor(self, browser: Browser) -> None:
        """Let somebody else open a page, and wait until the tag has reported it.

        What a page before it has sent has come by then.
        """
        address = self.put_page("/another-visitor")
        context = browser.new_context()
        context.new_page().goto(address)
        self.recorder.wait_until(lambda: any(e["url"] == address for e in self.recorder.events()))
        context.close()
        with self.recorder.changed:
            self.recorder.requests = [
                request
                for request in self.recorder.requests
                if b"/another-visitor" not in request.body
            ]

    def demand_strict_policy(self) -> None:
        """Serve every page under a Content-Security-Policy that forbids all but the tag."""
        policy = STRICT_POLICY.format(collector=self.collector.url)
        self.site.page_headers["Content-Security-Policy"] = policy


@contextmanager
def launch_browser() -> Iterator[Browser]:
    """Run the machine's Chromium while the context is open."""
    with sync_playwright() as playwright:
        browser = start_browser(playwright.chromium)
        yield browser
        browser.close()


def start_browser(kind: BrowserType, *, with_back_forward_cache: bool = False) -> Browser:
    """Start the machine's Chromium; without its sandbox only for root."""
    # Playwright switches the cache off, since a page that returns from it sends fewer signals.
    ignored = ["--disable-back-forward-cache"] if with_back_forward_cache else []
    return kind.launch(
        executable_path=find_browser(), args=browser_arguments(), ignore_default_args=ignored
    )


@contextmanager
def open_stage() -> Iterator[Stage]:
    """Serve a stage while the context is open."""
    servers = (_Server(), _Server())
    # How often a server looks whether it shall end: each test waits for that.
    threads = [threading.Thread(target=server.serve_forever, args=(0.02,)) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield Stage(*servers)
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.recorder.may_answer.set()
            server.shutdown()
            server.server_close()
            thread.join()
