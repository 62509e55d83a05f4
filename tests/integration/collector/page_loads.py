"""Requests as the tag sends them, with identifiers planted that must not turn up anywhere."""

from __future__ import annotations

import json
import secrets
from typing import Any, Final

from tests.integration.collector.raw_http import Answer, exchange, write_request
from tests.support.services import Stack

PLANTED_ADDRESS: Final = "203.0.113.77"
PLANTED_AGENT: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/141.0.0.0 Safari/537.36 PlantedBrowser/47.11"
)
PLANTED_PATH: Final = "/planted-path"


def draw_page_load() -> str:
    """Return a page_load_id as the tag draws it."""
    return secrets.token_hex(8)


def make_body(site: str, page_load_id: str, count: int = 1, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the body of one page load with `count` events; `fields` replace those of the body."""
    events = [
        {"type": "page_view", "seq": seq, "url": f"https://example.org{PLANTED_PATH}/{seq}"}
        for seq in range(count)
    ]
    return {"site": site, "page_load_id": page_load_id, "events": events} | fields


def make_event(**fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a page view with some fields replaced."""
    url = f"https://example.org{PLANTED_PATH}"
    return {"type": "page_view", "seq": 0, "url": url} | fields


def make_headers(origin: str, **more: str) -> dict[str, str]:
    """Return the headers of a page's request that came through a trusted proxy."""
    return {
        "Origin": origin,
        "Content-Type": "text/plain;charset=UTF-8",
        "User-Agent": PLANTED_AGENT,
        "X-Forwarded-For": PLANTED_ADDRESS,
        **more,
    }


def write_post(stack: Stack, body: dict[str, Any]) -> bytes:
    """Write the request with which a page of the stack's site sends events."""
    content = json.dumps(body).encode()
    return write_request("POST", "/v1/events", make_headers(stack.origin), content)


def post(stack: Stack, url: str, body: dict[str, Any]) -> Answer:
    """Send a page load's events."""
    answer = exchange(url, write_post(stack, body))
    assert answer is not None
    return answer
