"""hmara whose collectors have a clock of the test's own."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from streams.collector.salt import GRACE
from streams.demo.children import Child, ChildSpec
from streams.embedded.ports import find_free
from streams.settings import volatile_dir
from tests.integration.collector.page_loads import make_body, make_headers
from tests.integration.collector.raw_http import exchange, write_request
from tests.integration.collector.records import skip_to_end
from tests.integration.salt.secret import Secret, read_secrets
from tests.support.collector import CHROME
from tests.support.moved_clock import MovedClock
from tests.support.services import READY_S, Stack

ROOT: Final = Path(__file__).parents[3]
DAY: Final = timedelta(days=1)
"""The sites are in UTC, where every day is as long."""


@dataclass(frozen=True, slots=True)
class Browser:
    """A visitor's browser: where it is, and what it calls itself."""

    address: str
    agent: str

    def headers(self, origin: str) -> dict[str, str]:
        """Return the headers of its requests."""
        return make_headers(origin, **{"X-Forwarded-For": self.address, "User-Agent": self.agent})


def draw_browsers(count: int) -> list[Browser]:
    """Return browsers at addresses of their own; agents of 120 to 370 characters."""
    return [
        Browser(f"203.0.{number % 100}.{number % 250}", _name_agent(number))
        for number in range(count)
    ]


def _name_agent(number: int) -> str:
    return f"{CHROME} Browser/{number}.{'0' * (number * 37 % 240)}"


@dataclass(frozen=True)
class Aging:
    """hmara on a day that the test ends when it wants to; `noon` is the middle of its first."""

    stack: Stack
    clock: MovedClock
    noon: datetime

    @property
    def sites(self) -> tuple[str, str]:
        """Two sites that one origin may send to."""
        return self.stack.site, f"{self.stack.site}-b"

    @property
    def volatile(self) -> Path:
        """The installation's folder on tmpfs."""
        return volatile_dir(Path(self.stack.env["HMARA_HOME"]))

    def start_collector(self) -> tuple[str, Child]:
        """Start a collector with the moved clock; return its address once it is ready."""
        stack, port = self.stack, find_free()
        url = f"http://127.0.0.1:{port}"
        module = ("tests.support.moved_clock", str(self.clock.file), "collector")
        log = stack.folder / "logs" / f"collector-{len(stack.children)}.log"
        env = {**stack.env, "PYTHONPATH": str(ROOT)}
        child = Child(ChildSpec("collector", (*module, "--port", str(port)), log, env))
        stack.children.append(child)
        child.wait_ready(f"{url}/readyz", READY_S)
        stack.metrics_urls[:] = [f"{url}/metrics"]
        return url, child

    def read_secrets(self, site: str = "") -> list[Secret]:
        """Return the secrets that a site, by default the first, has on tmpfs."""
        return read_secrets(self.volatile / "salts" / (site or self.stack.site))

    def end_day(self, number: int = 1) -> None:
        """Go on to a second after the grace of the first day, or of the next ones."""
        midnight = self.noon + DAY * number - timedelta(hours=12)
        self.clock.set(midnight + GRACE + timedelta(seconds=1))

    def visit(self, url: str, browser: Browser, page_load_id: str = "", **body: object) -> str:
        """Send a page view, of the first site unless `site` says another; return its page load."""
        page_load_id = page_load_id or secrets.token_hex(8)
        content = make_body(self.stack.site, page_load_id) | body
        headers = browser.headers(self.stack.origin)
        request = write_request("POST", "/v1/events", headers, json.dumps(content).encode())
        answer = exchange(url, request)
        assert answer is not None
        assert answer.json == {"accepted": len(content["events"]), "dropped": {}}
        return page_load_id

    def see_pixel(self, url: str, browser: Browser) -> None:
        """Ask for the pixel, as a page without scripts does."""
        path = f"/v1/pixel.gif?site={self.stack.site}&path=/plain"
        answer = exchange(url, write_request("GET", path, browser.headers(self.stack.origin)))
        assert answer is not None
        assert answer.status == 200

    def lose_salts(self) -> None:
        """Empty the folder on tmpfs, as a machine that starts again does."""
        shutil.rmtree(self.volatile)


@pytest.fixture
def aging(make_stack: Callable[..., Stack]) -> Aging:
    """Return hmara with two sites, at noon of a day, and a worker behind it."""
    stack = make_stack()
    site = (f'id = "{stack.site}-b"', f'origins = ["{stack.origin}"]', "keep_data_centers = true")
    stack.write_sites("UTC", "[[sites]]", *site)
    skip_to_end(stack)
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    aging = Aging(stack, MovedClock(stack.folder / "clock"), noon)
    aging.clock.set(noon)
    stack.start_worker()
    return aging
