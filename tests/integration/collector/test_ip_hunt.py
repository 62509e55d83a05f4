"""An address that a client has, or writes into anything, is found in full nowhere afterwards."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.integration.collector.page_loads import (
    PLANTED_AGENT,
    draw_page_load,
    make_event,
    make_headers,
)
from tests.integration.collector.raw_http import Answer, exchange, write_request
from tests.support.collector import WRITE_KEY
from tests.support.hunt import hunt
from tests.support.scan import encodings, find, scan_files
from tests.support.services import Stack

pytestmark = pytest.mark.integration

ADDRESSES = (
    "203.0.113.77",
    "198.51.100.201",
    "2001:db8:77:88:99aa:bbcc:ddee:ff01",
    "2001:db8:dead:beef::7",
)
STORED = "SELECT path FROM staging.hit FINAL WHERE site = {site:String}"
REDACTED = "[ip]"


def spellings(address: str) -> Iterator[str]:
    """Yield the ways in which an address is written."""
    parsed = ipaddress.ip_address(address)
    yield address
    yield parsed.exploded
    yield parsed.exploded.upper()


def good_events(address: str) -> list[dict[str, Any]]:
    """Return one event of each kind with the address in every text it has."""
    host = f"[{address}]" if ":" in address else address
    url = f"https://example.org/by/{address}/of/{quote(address, safe='')}?utm_source={address}"
    told: dict[str, dict[str, Any]] = {
        "page_view": {"title": f"Hello {address}!", "referrer": f"http://{host}/x"},
        "click": {"target_role": address[:40], "target_label": f"From {address}"},
        "outbound": {"link": f"http://{host}/{address}"},
        "download": {"link": f"https://example.org/{address}.zip"},
        "form_submit": {"form_name": f"form-{address}"},
        "custom": {
            "name": f"by {address}",
            "properties": {address[:40]: address, "at": f"<{address}>"},
        },
    }
    return [
        make_event(type=kind, seq=seq, url=url, **fields)
        for seq, (kind, fields) in enumerate(told.items())
    ]


def bad_requests(stack: Stack, address: str) -> Iterator[bytes]:
    """Yield requests that are refused, each with the address where it does not belong."""
    good = {"site": stack.site, "page_load_id": draw_page_load(), "events": [make_event()]}
    bodies: list[bytes] = [
        f"{{{address}".encode(),
        address.encode(),
        json.dumps({**good, "site": address}).encode(),
        json.dumps({**good, "page_load_id": address}).encode(),
        json.dumps({**good, "keyboard": address}).encode(),
        json.dumps({**good, "events": [make_event(type=address)]}).encode(),
        json.dumps({**good, "events": [make_event(url=address)]}).encode(),
        json.dumps({**good, "events": [make_event(seq=address)]}).encode(),
        json.dumps({**good, "consent": {address: address}}).encode(),
        json.dumps(good).encode()[:-1] + address.encode() + b"\xff",
    ]
    for body in bodies:
        yield write_request("POST", "/v1/events", headers(stack, address), body)
    yield write_request(
        "POST", "/v1/events", {**headers(stack, address), "Origin": f"http://{address}"}, bodies[0]
    )
    yield write_request("GET", f"/{address}")
    yield write_request(
        "GET", f"/v1/pixel.gif?site={address}&path=/{address}", headers(stack, address)
    )
    yield write_request(
        "POST",
        "/v1/server-events",
        {"Content-Type": "application/json", "Authorization": f"Bearer {address}"},
        bodies[0],
    )
    yield f"{address} / HTTP/1.1\r\n\r\n".encode()


def headers(stack: Stack, address: str) -> dict[str, str]:
    """Return the headers of a client with that address."""
    return make_headers(stack.origin, **{"X-Forwarded-For": address})


def send_good(stack: Stack, url: str, address: str) -> None:
    """Send by every way what is taken, and see that it was."""
    events = good_events(address)
    body = {"site": stack.site, "page_load_id": draw_page_load(), "events": events}
    post = write_request("POST", "/v1/events", headers(stack, address), json.dumps(body).encode())
    assert take(url, post).json["accepted"] == len(events)
    path = f"/v1/pixel.gif?site={stack.site}&path=/by/{quote(address, safe='')}"
    assert take(url, write_request("GET", path, headers(stack, address))).status == 200
    event = {
        "type": "custom",
        "id": str(uuid4()),
        "url": f"https://example.org/by/{address}",
        "name": "by_server",
        "properties": {"from": address},
        "client": {"address": address, "user_agent": PLANTED_AGENT},
    }
    server = json.dumps({"site": stack.site, "events": [event]}).encode()
    bearer = {"Content-Type": "application/json", "Authorization": f"Bearer {WRITE_KEY}"}
    assert (
        take(url, write_request("POST", "/v1/server-events", bearer, server)).json["accepted"] == 1
    )


def take(url: str, request: bytes) -> Answer:
    """Send a request and return its answer."""
    answer = exchange(url, request)
    assert answer is not None
    return answer


def test_no_address_is_found_anywhere(make_stack: Callable[..., Stack]) -> None:
    """Of clients, in texts or malformed bodies, no address is in a store, a log or a metric."""
    stack = make_stack()
    stack.write_sites("UTC", f'write_keys = ["{hashlib.sha256(WRITE_KEY.encode()).hexdigest()}"]')
    url = stack.start_collector(HMARA_COLLECTOR_REQUESTS_PER_S="0")
    stack.start_worker()
    for address in ADDRESSES:
        send_good(stack, url, address)
        answers = [exchange(url, request) for request in bad_requests(stack, address)]
        assert {answer.status // 100 for answer in answers if answer is not None} == {4}
        assert not [
            answer for answer in answers if answer is not None and address.encode() in answer.body
        ]
    stack.wait_for_lag()
    paths = {str(path) for (path,) in stack.ask(STORED)}
    assert all(REDACTED in path for path in paths), "the events are stored, without the address"
    texts = {spelling for address in ADDRESSES for spelling in spellings(address)}
    assert not hunt(stack.services, texts)
    needles = {text: encodings(text) for text in texts}
    assert not scan_files(stack.folder, needles), "nor in a log"
    for metrics_url in stack.metrics_urls:
        with urllib.request.urlopen(metrics_url, timeout=10) as answer:
            content = answer.read()
        assert b"hmara_" in content
        assert not list(find(needles, content, metrics_url)), "nor in a metric"
