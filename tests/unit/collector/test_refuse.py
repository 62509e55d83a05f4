"""A refused request: a clear reason, nothing stored, nothing said in a log."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from tests.support.collector import (
    CHROME,
    EDGE,
    LIMITS,
    ORIGIN,
    PAGE_LOAD_ID,
    WRITE_KEY,
    Answer,
    Collector,
    Request,
    ask,
    make_body,
    make_collector,
    make_server_body,
    make_view,
    post,
)

ADDRESS, PLANTED = "198.51.100.77", "Planted/7.7"
AGENT = f"{CHROME} {PLANTED}"
GOOD = Request(
    body=(make_body(),),
    headers={"user-agent": AGENT, "x-forwarded-for": "192.0.2.99"},
    peer=ADDRESS,
)


PIXEL = replace(
    GOOD,
    method="GET",
    path="/v1/pixel.gif",
    query="site=demo&path=/p",
    body=(),
    headers=GOOD.headers | {"origin": "", "content-type": ""},
)
SERVER = replace(
    GOOD,
    path="/v1/server-events",
    body=(make_server_body(),),
    headers=GOOD.headers
    | {
        "origin": "",
        "content-type": "application/json",
        "authorization": f"Bearer {WRITE_KEY}",
    },
)


def with_headers(**headers: str) -> Request:
    """Return a good request with other headers; an empty one is not sent."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(GOOD, headers=GOOD.headers | named)


def with_body(*parts: bytes) -> Request:
    """Return a request with another body, in parts."""
    return replace(GOOD, body=parts)


def with_key(value: str) -> Request:
    """Return a server's request with another Authorization header."""
    return replace(SERVER, headers=SERVER.headers | {"authorization": value})


def deep(levels: int) -> bytes:
    """Return a body with a deeply nested field that nobody knows."""
    nested = b"[" * levels + b"]" * levels
    return make_body(make_view(deep="?")).replace(b'"?"', nested)


REFUSED: dict[str, tuple[Request, int, str]] = {
    "no such path": (replace(GOOD, path="/v1/event"), 404, "not_found"),
    "a path with a slash more": (replace(GOOD, path="/v1/events/"), 404, "not_found"),
    "GET": (replace(GOOD, method="GET"), 405, "method_not_allowed"),
    "DELETE": (replace(GOOD, method="DELETE"), 405, "method_not_allowed"),
    "POST to the tag": (replace(GOOD, path="/tag.js"), 405, "method_not_allowed"),
    "POST to metrics": (replace(GOOD, path="/metrics"), 405, "method_not_allowed"),
    "no content type": (with_headers(content_type=""), 415, "unsupported_media_type"),
    "a form": (
        with_headers(content_type="application/x-www-form-urlencoded"),
        415,
        "unsupported_media_type",
    ),
    "HTML": (with_headers(content_type="text/html"), 415, "unsupported_media_type"),
    "gzip": (with_headers(content_encoding="gzip"), 415, "unsupported_encoding"),
    "br, and identity": (
        with_headers(content_encoding="br, identity"),
        415,
        "unsupported_encoding",
    ),
    "a length too large": (with_headers(content_length="65537"), 413, "body_too_large"),
    "a length beyond all": (with_headers(content_length="9" * 5_000), 413, "body_too_large"),
    "a body too large": (with_body(b"{", b" " * 65_536), 413, "body_too_large"),
    "a body that never ends": (with_body(*[b"x" * 1_000] * 1_000), 413, "body_too_large"),
    "a length that lies": (
        replace(with_body(b" " * 65_537), headers={**GOOD.headers, "content-length": "5"}),
        413,
        "body_too_large",
    ),
    "a slow body": (replace(GOOD, body=(b"{",), ends="hangs"), 408, "body_too_slow"),
    "nothing": (with_body(b""), 400, "malformed_json"),
    "half a body": (with_body(make_body()[:-9]), 400, "malformed_json"),
    "invalid UTF-8": (with_body(make_body().replace(b"path", b"p\xff")), 400, "malformed_json"),
    "a lone surrogate": (
        with_body(make_body().replace(b"path", b"\\ud800")),
        400,
        "malformed_json",
    ),
    "deep nesting": (with_body(deep(30_000)), 400, "malformed_json"),
    "NaN": (
        with_body(make_body(make_view(seq="?")).replace(b'"?"', b"NaN")),
        400,
        "malformed_json",
    ),
    "an array": (with_body(b"[]"), 422, "invalid_field"),
    "a huge number": (
        with_body(make_body(make_view(age_ms="?")).replace(b'"?"', b"9" * 4_000)),
        422,
        "invalid_field",
    ),
    "a wrong type": (with_body(make_body(make_view(seq="0"))), 422, "invalid_field"),
    "an unknown type": (with_body(make_body(make_view(type="mouse_move"))), 422, "invalid_field"),
    "too many events": (with_body(make_body(*[make_view()] * 101)), 422, "invalid_field"),
    "no events": (with_body(make_body(events=[])), 422, "invalid_field"),
    "a wrong page load": (with_body(make_body(page_load_id="c0ffee")), 422, "invalid_field"),
    "an unknown site": (with_body(make_body(site="elsewhere")), 404, "unknown_site"),
    "a site that is a path": (with_body(make_body(site="../../demo")), 404, "unknown_site"),
    "no origin": (with_headers(origin=""), 403, "wrong_origin"),
    "another origin": (with_headers(origin="https://evil.example"), 403, "wrong_origin"),
    "an origin in capitals": (with_headers(origin=ORIGIN.upper()), 403, "wrong_origin"),
    "an origin with a path": (with_headers(origin=f"{ORIGIN}/"), 403, "wrong_origin"),
    "the null origin": (with_headers(origin="null"), 403, "wrong_origin"),
    "a pixel without a site": (
        replace(PIXEL, query="path=/"),
        404,
        "unknown_site",
    ),
    "a pixel of another page": (
        replace(PIXEL, headers=PIXEL.headers | {"referer": "https://evil.example/"}),
        403,
        "wrong_origin",
    ),
    "a pixel without a path": (replace(PIXEL, query="site=demo"), 422, "invalid_url"),
    "a pixel with too many fields": (
        replace(PIXEL, query="&".join(["a=b"] * 1_000)),
        422,
        "invalid_field",
    ),
    "POST to the pixel": (replace(PIXEL, method="POST"), 405, "method_not_allowed"),
    "a server without a key": (with_key(""), 401, "unauthorized"),
    "a server with another key": (with_key("Bearer another"), 401, "unauthorized"),
    "a server with a password": (with_key(f"Basic {WRITE_KEY}"), 401, "unauthorized"),
    "a server that sends text": (
        replace(SERVER, headers=SERVER.headers | {"content-type": "text/plain"}),
        415,
        "unsupported_media_type",
    ),
    "a server's event without an id": (
        replace(SERVER, body=(make_server_body(id=None),)),
        400,
        "missing_id",
    ),
    "a server's body too large": (replace(SERVER, body=(b" " * 262_145,)), 413, "body_too_large"),
    "a url that is none": (with_body(make_body(make_view(url="/path"))), 422, "invalid_url"),
    "a second url that is none": (
        with_body(make_body(make_view(), make_view(seq=1, url="javascript:alert(1)"))),
        422,
        "invalid_url",
    ),
}


async def refuse(collector: Collector, request: Request) -> Answer:
    """Return the answer to a request that must not be taken."""
    answer = await ask(collector.app, request)
    assert answer is not None
    assert not collector.sink.sent
    return answer


@pytest.mark.parametrize("name", REFUSED)
async def test_a_bad_request_is_refused(collector: Collector, name: str) -> None:
    """A bad request gets its own status and reason, reaches no sink, and is counted."""
    request, status, reason = REFUSED[name]
    route = request.path if request.path in collector.app.routes else "other"
    labels = {"route": route, "status": str(status), "reason": reason}
    before = REGISTRY.get_sample_value("hmara_collector_requests_total", labels) or 0
    answer = await refuse(collector, request)
    assert (answer.status, answer.reason) == (status, reason)
    assert REGISTRY.get_sample_value("hmara_collector_requests_total", labels) == before + 1
    problem = json.loads(answer.body)
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    assert problem["title"]
    assert problem["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    for planted in (ADDRESS, PLANTED, PAGE_LOAD_ID, "evil.example"):
        assert planted not in answer.body.decode()


async def test_the_next_request_is_taken(collector: Collector) -> None:
    """After every kind of bad request the process lives and takes a good one."""
    for request, _, _ in REFUSED.values():
        await ask(collector.app, request)
    assert not collector.sink.sent
    assert (await post(collector.app, make_body())).status == 202


async def test_a_client_that_goes_away_gets_no_answer(collector: Collector) -> None:
    """A connection that closes within the body is forgotten: no answer, nothing stored."""
    request = replace(GOOD, body=(make_body()[:10],), ends="gone")
    assert await ask(collector.app, request) is None
    assert not collector.sink.sent


@pytest.mark.parametrize("value", ["", "abc", "-1", "1_0", " 5 ", "0x10", "\u0661", "5, 5"])
async def test_a_strange_length_is_left_to_the_body(collector: Collector, value: str) -> None:
    """A Content-Length that is no number is no fault of ours: the body is counted anyway."""
    headers = GOOD.headers | {"content-length": value.encode().decode("latin-1")}
    answer = await ask(collector.app, replace(GOOD, headers=headers))
    assert answer is not None
    assert answer.status == 202


async def test_a_body_of_exactly_the_limit_is_taken(volatile: Path, tmp_path: Path) -> None:
    """The limit itself is allowed, also in a thousand parts; one byte more is not."""
    body = make_body()
    small = make_collector(
        volatile,
        tmp_path / "tag.js",
        edge=replace(EDGE, limits=replace(LIMITS, max_body_bytes=len(body))),
    )
    parts = tuple(bytes((byte,)) for byte in body)
    for request in (
        with_body(body),
        with_body(*parts),
        with_headers(content_length=str(len(body))),
    ):
        answer = await ask(small.app, request)
        assert answer is not None
        assert answer.status == 202
    answer = await ask(small.app, with_body(body + b" "))
    assert answer is not None
    assert answer.status == 413


async def test_one_bad_event_refuses_the_whole_request(collector: Collector) -> None:
    """Ninety-nine good events beside a bad one are not taken: a client can send them again."""
    events = [make_view(seq=seq) for seq in range(99)]
    answer = await refuse(collector, with_body(make_body(*events, make_view(seq=99, url="x"))))
    assert json.loads(answer.body)["detail"] == "$.events[99].url"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.binary(max_size=300), st.integers(0, 400)),
    st.dictionaries(
        st.sampled_from(
            [
                *("content-type", "content-length", "content-encoding", "origin", "user-agent"),
                *("x-forwarded-for", "cookie", "host"),
            ]
        ),
        st.text(st.characters(max_codepoint=255), max_size=30),
        max_size=4,
    ),
    st.sampled_from(["203.0.113.7", "", "::1", "unix", "\0"]),
)
async def test_nothing_a_client_sends_is_a_mistake_of_ours(
    collector: Collector, content: bytes | int, headers: dict[str, str], peer: str
) -> None:
    """Any body cut or invented, any headers, any peer: an answer below 500."""
    body = content if isinstance(content, bytes) else make_body()[:content]
    request = Request(body=(body,), headers={"origin": ORIGIN} | headers, peer=peer)
    answer = await ask(collector.app, request)
    assert answer is not None
    assert answer.status < 500


async def test_a_mistake_of_ours_is_500_and_quotes_nothing(collector: Collector) -> None:
    """An unforeseen error is answered, not thrown, and its text, which may quote, stays inside."""
    collector.sink.error = ValueError(f"{ADDRESS} {AGENT} {PAGE_LOAD_ID}")
    with structlog.testing.capture_logs() as logs:
        answer = await ask(collector.app, GOOD)
    assert answer is not None
    assert (answer.status, answer.reason) == (500, "internal")
    assert ADDRESS not in answer.body.decode()
    assert logs == [
        {
            "event": "request_failed",
            "error": "ValueError",
            "route": "/v1/events",
            "request_id": answer.headers["x-request-id"],
            "log_level": "error",
        }
    ]


async def test_no_log_identifies_anybody(
    collector: Collector,
    volatile: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Refused, taken, failed or broken: no log or output holds address, agent or page load."""
    caplog.set_level(logging.DEBUG)
    requests = [GOOD, *(request for request, _, _ in REFUSED.values())]
    with structlog.testing.capture_logs() as logs:
        for request in requests:
            await ask(collector.app, request)
        for error in (ValueError(f"{ADDRESS} {PAGE_LOAD_ID}"), KeyError(AGENT)):
            collector.sink.error = error
            await ask(collector.app, GOOD)
        collector.salts.forget()
        shutil.rmtree(volatile)
        collector.sink.error = None
        lost = await ask(collector.app, GOOD)
    assert lost is not None
    assert lost.status == 503
    assert logs
    captured = capfd.readouterr()
    said: Any = json.dumps(logs, default=repr) + caplog.text + captured.out + captured.err
    for planted in (ADDRESS, "198.51.100", "192.0.2.99", PLANTED, PAGE_LOAD_ID, "evil.example"):
        assert planted not in said
