"""Clients that do not keep to HTTP, or to no time: they are cut off, and no other one notices."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import psutil
import pytest

from tests.integration.collector.conftest import UNLIMITED, Collecting
from tests.integration.collector.page_loads import draw_page_load, make_body, make_headers, post
from tests.integration.collector.raw_http import (
    connect,
    exchange,
    read_answer,
    write_chunks,
    write_request,
)
from tests.integration.collector.records import hold_ends
from tests.support.services import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

MIB = 1 << 20
MAX_GROWTH_BYTES = 100 * MIB
FLOOD_BYTES = 64 * MIB
CLOSED_WITHIN_S = 30.0
SLOW, POSTS = 1_000, 100
CHUNKED = {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"}

GARBAGE = {
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no request line": b"hello\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "negative length": write_request("POST", "/v1/events", {"Content-Length": "-1"}),
    "length in words": write_request("POST", "/v1/events", {"Content-Length": "many"}),
    "length beyond 64 bits": write_request("POST", "/v1/events", {"Content-Length": "9" * 30}),
    "two lengths": write_request(
        "POST", "/v1/events", {"Content-Length": "2", "content-length": "3"}, b"{}"
    ),
    "length and chunks": write_request(
        "POST", "/v1/events", {"Content-Length": "2", "Transfer-Encoding": "chunked"}, b"{}"
    ),
    "null in a header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n",
    "header without a colon": b"GET /healthz HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "raw bytes in the path": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "chunk size is no number": write_request("POST", "/v1/events", CHUNKED, b"zz\r\n{}\r\n"),
}

FLOODS = {
    "an address": (b"GET /", b"a" * MIB, "head_too_large"),
    "a header": (b"GET /healthz HTTP/1.1\r\nX-A: ", b"a" * MIB, "head_too_large"),
    "many headers": (b"GET /healthz HTTP/1.1\r\n", b"X-A: b\r\n" * 100_000, "head_too_large"),
    "empty lines": (b"", b"\r\n" * MIB, "head_too_large"),
    "a body": (
        write_request("POST", "/v1/events", CHUNKED),
        write_chunks(b"a" * MIB, MIB).removesuffix(b"0\r\n\r\n"),
        "body_too_large",
    ),
    "trailers": (
        write_request("POST", "/v1/events", CHUNKED, b"2\r\n{}\r\n0\r\n"),
        b"X-A: b\r\n" * 100_000,
        "",
    ),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_http_is_said_to_be_none(collecting: Collecting, name: str) -> None:
    """Bytes that are no HTTP/1.1: 400 `malformed_request`, and the connection is closed."""
    with hold_ends(collecting.stack):
        answer = exchange(collecting.url, GARBAGE[name])
    assert answer is not None
    assert (answer.status, answer.reason) == (400, "malformed_request")
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"


@pytest.mark.parametrize("name", FLOODS)
def test_an_endless_request_is_cut_off(collecting: Collecting, name: str) -> None:
    """A head, body or trailer without end is refused after a few KiB, and not kept in memory."""
    begin, unit, reason = FLOODS[name]
    process = psutil.Process(collecting.pid)
    before, sent_bytes = process.memory_info().rss, 0
    with hold_ends(collecting.stack), connect(collecting.url) as connection:
        connection.sendall(begin)
        with suppress(ConnectionError):
            while sent_bytes < FLOOD_BYTES:
                connection.sendall(unit)
                sent_bytes += len(unit)
        assert sent_bytes < FLOOD_BYTES, "the connection was cut"
        answer = read_answer(connection)
    assert (answer.reason if answer else "") == reason
    assert process.memory_info().rss - before < MAX_GROWTH_BYTES


def test_a_slow_body_is_refused(collecting: Collecting) -> None:
    """One byte of a body and then nothing: 408 `body_too_slow` after the body timeout."""
    headers = make_headers(collecting.stack.origin, **{"Content-Length": "100"})
    with hold_ends(collecting.stack):
        answer = exchange(collecting.url, write_request("POST", "/v1/events", headers, b"{"))
    assert answer is not None
    assert (answer.status, answer.reason) == (408, "body_too_slow")


def test_a_connection_closed_in_the_middle_stores_nothing(collecting: Collecting) -> None:
    """A client that closes its half after half a body gets no answer, and nothing is stored."""
    headers = make_headers(collecting.stack.origin, **{"Content-Length": "100"})
    with hold_ends(collecting.stack), connect(collecting.url) as connection:
        connection.sendall(write_request("POST", "/v1/events", headers, b'{"site":'))
        connection.shutdown(socket.SHUT_WR)
        assert read_answer(connection) is None


def test_bad_requests_leave_no_memory_behind(collecting: Collecting) -> None:
    """After 300 oversized and 300 slow requests the process has grown by less than 100 MB."""
    headers = make_headers(collecting.stack.origin)
    large = write_request("POST", "/v1/events", headers | CHUNKED, write_chunks(b" " * MIB))
    slow = write_request("POST", "/v1/events", headers | {"Content-Length": "60000"}, b" " * 50_000)
    process = psutil.Process(collecting.pid)
    before = process.memory_info().rss
    with hold_ends(collecting.stack), ExitStack() as open_connections:
        waiting = []
        for _ in range(300):
            waiting.append(open_connections.enter_context(connect(collecting.url)))
            waiting[-1].sendall(slow)
            answer = exchange(collecting.url, large)
            assert answer is not None
            assert answer.reason == "body_too_large"
        answers = [read_answer(connection) for connection in waiting]
    assert {answer.reason for answer in answers if answer} == {"body_too_slow"}
    assert process.memory_info().rss - before < MAX_GROWTH_BYTES


def test_idle_and_slow_clients_hold_up_no_other(collecting: Collecting) -> None:
    """With 500 connections that bring nothing, others get their 202; the 500 are closed in time."""
    stack = collecting.stack
    half = write_request("POST", "/v1/events", make_headers(stack.origin))[:40]
    with ExitStack() as open_connections:
        idle = [open_connections.enter_context(connect(collecting.url)) for _ in range(500)]
        for connection in idle[::2]:
            connection.sendall(half)
        for _ in range(20):
            answer = post(stack, collecting.url, make_body(stack.site, draw_page_load()))
            assert answer.status == 202
        for connection in idle:
            connection.settimeout(0.0)
        wait_until(lambda: all(map(is_closed, idle)), "idle clients are cut off", CLOSED_WITHIN_S)


def test_a_thousand_slow_and_many_large_requests_hold_up_no_other(stack: Stack) -> None:
    """With 1,000 half-sent requests open and 5 MB bodies coming, each ordinary post is 202."""
    url = stack.start_collector(HMARA_COLLECTOR_BODY_TIMEOUT_S="60", **UNLIMITED)
    headers = make_headers(stack.origin)
    head = write_request("POST", "/v1/events", headers)[:40]
    body = write_request("POST", "/v1/events", headers | {"Content-Length": "100"}, b'{"site":')
    large = write_request("POST", "/v1/events", headers, b" " * (5 * MIB))
    endless = write_request("POST", "/v1/events", headers | CHUNKED, write_chunks(b" " * (5 * MIB)))
    process = psutil.Process(stack.children[-1].pid)
    before = process.memory_info().rss
    with ExitStack() as open_connections:
        slow = [open_connections.enter_context(connect(url)) for _ in range(SLOW)]
        for number, connection in enumerate(slow):
            connection.sendall(body if number % 2 else head)
        with ThreadPoolExecutor(2) as others:
            floods = [others.submit(exchange, url, each) for each in (large, endless) * 20]
            posts = [
                post(stack, url, make_body(stack.site, draw_page_load())) for _ in range(POSTS)
            ]
        assert {answer.status for answer in posts} == {202}
        refused = [flood.result() for flood in floods]
        assert {answer.reason for answer in refused if answer} == {"body_too_large"}
        for connection in slow[1::2]:
            connection.settimeout(0.0)
        assert not any(map(is_closed, slow[1::2])), "the half-sent bodies were open all the while"
    assert process.memory_info().rss - before < MAX_GROWTH_BYTES


def test_a_crowd_is_told_when_to_come_again(stack: Stack) -> None:
    """Above the most connections: 503 `overloaded` with Retry-After, closed; then there is room."""
    url = stack.start_collector(HMARA_COLLECTOR_MAX_CONNECTIONS="20", **UNLIMITED)
    with ExitStack() as open_connections:
        for _ in range(20):
            open_connections.enter_context(connect(url))
        answer = exchange(url, write_request("GET", "/healthz"))
        assert answer is not None
        assert (answer.status, answer.reason) == (503, "overloaded")
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["connection"] == "close"
        assert answer.json["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    wait_until(lambda: is_healthy(url), "there is room again")


def test_one_client_can_not_take_all_connections(stack: Stack) -> None:
    """A client's connections above its share are closed, and another client is answered."""
    url = stack.start_collector(
        HMARA_COLLECTOR_TRUSTED_PROXIES="[]",
        HMARA_COLLECTOR_MAX_CONNECTIONS="60",
        HMARA_COLLECTOR_MAX_CLIENT_CONNECTIONS="40",
        **UNLIMITED,
    )
    with ExitStack() as open_connections:
        greedy = [open_connections.enter_context(connect(url)) for _ in range(60)]
        for connection in greedy:
            connection.settimeout(0.0)
        wait_until(lambda: sum(map(is_closed, greedy)) == 20, "what is above the share is closed")
        parts = urlsplit(url)
        address = (str(parts.hostname), int(parts.port or 80))
        other = socket.create_connection(address, timeout=10, source_address=("127.0.0.2", 0))
        with other:
            other.sendall(write_request("GET", "/healthz"))
            answer = read_answer(other, "GET")
        assert answer is not None
        assert answer.status == 200


def is_healthy(url: str) -> bool:
    """Tell whether the collector answers."""
    answer = exchange(url, write_request("GET", "/healthz"))
    return answer is not None and answer.status == 200


def is_closed(connection: socket.socket) -> bool:
    """Tell whether the other side has closed a connection."""
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
