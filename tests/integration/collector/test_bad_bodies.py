"""Bodies that are no events: a clear answer each, nothing stored, nothing quoted in the log."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from streams.collector.payload import MAX_TITLE_CHARS
from tests.integration.collector.conftest import Collecting
from tests.integration.collector.page_loads import (
    PLANTED_ADDRESS,
    PLANTED_AGENT,
    PLANTED_PATH,
    make_body,
    make_event,
    make_headers,
)
from tests.integration.collector.raw_http import Answer, exchange, write_chunks, write_request
from tests.integration.collector.records import hold_ends

pytestmark = pytest.mark.integration

PAGE_LOAD = "00c0ffee00c0ffee"
LIMIT_BYTES = 65_536
NESTED = 30_000

WRONG_FIELDS: dict[str, dict[str, Any]] = {
    "site is a number": {"site": 5},
    "site is empty": {"site": ""},
    "page load in upper case": {"page_load_id": "00C0FFEE00C0FFEE"},
    "page load with a line feed": {"page_load_id": f"{PAGE_LOAD}\n"},
    "page load too short": {"page_load_id": "00c0"},
    "events are text": {"events": "none"},
    "no events": {"events": []},
    "too many events": {"events": [make_event(seq=seq) for seq in range(101)]},
    "event is null": {"events": [None]},
    "event has no type": {"events": [{"seq": 0, "url": "https://example.org/"}]},
    "event of unknown type": {"events": [make_event(type="mouse_move")]},
    "seq is text": {"events": [make_event(seq="0")]},
    "seq is negative": {"events": [make_event(seq=-1)]},
    "seq is a fraction": {"events": [make_event(seq=0.5)]},
    "seq is beyond 64 bits": {"events": [make_event(seq=2**70)]},
    "seq is true": {"events": [make_event(seq=True)]},
    "too old": {"events": [make_event(age_ms=12 * 3_600_000 + 1)]},
    "from the future": {"events": [make_event(age_ms=-1)]},
    "url is missing": {"events": [{"type": "page_view", "seq": 0}]},
    "url is too long": {"events": [make_event(url=f"https://example.org/{'x' * 2_048}")]},
    "title is too long": {"events": [make_event(title="x" * (MAX_TITLE_CHARS + 1))]},
    "click outside the page": {"events": [make_event(type="click", x_permille=1_001)]},
    "engagement without a time": {"events": [make_event(type="engagement")]},
    "engaged for days": {"events": [make_event(type="engagement", engaged_ms=2**40)]},
    "language is too long": {"language": "x" * 36},
    "screen has one side": {"screen": [1]},
    "screen is huge": {"screen": [10**9, 1]},
    "viewport is an object": {"viewport": {"width": 1}},
}

WRONG_URLS = {
    "no http": "ftp://example.org/",
    "no host": "https:///path",
    "only a path": "/path",
    "a script": "javascript:alert(1)",
}

NO_JSON = {
    "empty": b"",
    "cut short": b'{"site":',
    "half a surrogate pair": b'{"site": "\\ud800"}',
    "half a surrogate pair in a name": b'{"\\udfff": 1}',
    "not a number": b'{"site": NaN}',
    "invalid UTF-8": b'{"site": "\xff\xfe"}',
    "overlong UTF-8": b'{"site": "\xc0\xaf"}',
    "a null byte": b"\0",
    "deeply nested": b'{"x":' + b"[" * NESTED + b"]" * NESTED + b"}",
}


@pytest.fixture(autouse=True)
def _nothing_is_stored(collecting: Collecting) -> Iterator[None]:
    """Hold for each test here: the topic's end stays where it was."""
    with hold_ends(collecting.stack):
        yield


@pytest.mark.parametrize("name", WRONG_FIELDS)
def test_a_wrong_field_is_named_and_not_quoted(collecting: Collecting, name: str) -> None:
    """A field of a wrong type or out of bounds: 422 `invalid_field`, without the field's value."""
    body = make_body(collecting.stack.site, PAGE_LOAD) | WRONG_FIELDS[name]
    answer = send(collecting, json.dumps(body).encode())
    assert (answer.status, answer.reason) == (422, "invalid_field")
    assert answer.json["detail"]
    assert "c0ffee" not in answer.body.decode().lower()
    assert "mouse_move" not in answer.body.decode()


@pytest.mark.parametrize("name", WRONG_URLS)
def test_an_event_needs_the_url_of_a_page(collecting: Collecting, name: str) -> None:
    """A url that is not http(s) or has no host: 422 `invalid_url`, which names the event."""
    events = [make_event(), make_event(seq=1, url=WRONG_URLS[name])]
    answer = send_fields(collecting, events=events)
    assert (answer.status, answer.reason) == (422, "invalid_url")
    assert answer.json["detail"] == "$.events[1].url"


@pytest.mark.parametrize("name", NO_JSON)
def test_what_is_no_json_is_said_to_be_none(collecting: Collecting, name: str) -> None:
    """A body that is not one JSON value in UTF-8: 400 `malformed_json`."""
    answer = send(collecting, NO_JSON[name])
    assert (answer.status, answer.reason) == (400, "malformed_json")


def test_nothing_may_follow_the_object(collecting: Collecting) -> None:
    """A good body with something behind it: 400 `malformed_json`, and none of it is taken."""
    body = json.dumps(make_body(collecting.stack.site, PAGE_LOAD)).encode()
    for rest in (b"{}", b"]", b"\0"):
        answer = send(collecting, body + rest)
        assert (answer.status, answer.reason) == (400, "malformed_json")


def test_an_object_is_expected(collecting: Collecting) -> None:
    """A JSON value that is no object: 422 `invalid_field`."""
    for body in (b"[]", b"5", b'"text"', b"null"):
        answer = send(collecting, body)
        assert (answer.status, answer.reason) == (422, "invalid_field")


def test_an_unknown_site_is_refused(collecting: Collecting) -> None:
    """A site that the sites file does not name: 404 `unknown_site`."""
    answer = send_fields(collecting, site="elsewhere")
    assert (answer.status, answer.reason) == (404, "unknown_site")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "http://127.0.0.1"])
def test_another_origin_is_refused(collecting: Collecting, origin: str) -> None:
    """An origin that is not the site's, or none: 403 `wrong_origin`, unreadable to that page."""
    answer = send_fields(collecting, headers={"Origin": origin})
    assert (answer.status, answer.reason) == (403, "wrong_origin")
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "media_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "/"]
)
def test_another_content_type_is_refused(collecting: Collecting, media_type: str) -> None:
    """A body that does not call itself text or JSON: 415 `unsupported_media_type`."""
    answer = send_fields(collecting, headers={"Content-Type": media_type})
    assert (answer.status, answer.reason) == (415, "unsupported_media_type")


def test_a_compressed_body_is_refused(collecting: Collecting) -> None:
    """Content-Encoding: gzip: 415 `unsupported_encoding`, so no body can swell in memory."""
    body = gzip.compress(json.dumps(make_body(collecting.stack.site, PAGE_LOAD)).encode())
    answer = send(collecting, body, {"Content-Encoding": "gzip"})
    assert (answer.status, answer.reason) == (415, "unsupported_encoding")


def test_a_large_body_is_refused(collecting: Collecting) -> None:
    """More than the limit, announced or in chunks, valid JSON or not: 413 `body_too_large`."""
    spaces = json.dumps(make_body(collecting.stack.site, PAGE_LOAD)).encode().ljust(LIMIT_BYTES + 1)
    nested = b"[" * 100_000
    chunked = {"Transfer-Encoding": "chunked"}
    for body, headers in (
        (spaces, {}),
        (nested, {}),
        (write_chunks(spaces), chunked),
        (write_chunks(nested, 1_000), chunked),
        (b"", {"Content-Length": str(LIMIT_BYTES + 1)}),
        (b"", {"Content-Length": "9" * 18}),
    ):
        answer = send(collecting, body, headers)
        assert (answer.status, answer.reason) == (413, "body_too_large")


def test_the_log_quotes_no_request(collecting: Collecting) -> None:
    """After all that, no line of the log holds an address, an agent, a path or a page load."""
    assert send(collecting, b"{").status == 400
    log = collecting.read_log()
    assert "collector_started" in log
    for planted in (PLANTED_ADDRESS, PLANTED_AGENT, PLANTED_PATH, PAGE_LOAD, "PlantedBrowser"):
        assert planted not in log


def send_fields(
    collecting: Collecting,
    headers: dict[str, str] | None = None,
    **fields: Any,  # noqa: ANN401 - whatever JSON takes
) -> Answer:
    """Send an else good body with some fields or headers replaced."""
    body = make_body(collecting.stack.site, PAGE_LOAD) | fields
    return send(collecting, json.dumps(body).encode(), headers)


def send(collecting: Collecting, body: bytes, headers: dict[str, str] | None = None) -> Answer:
    """Send a body, and see that the collector goes on after it."""
    given = make_headers(collecting.stack.origin) | (headers or {})
    if not body and "Content-Length" not in given:
        given["Content-Length"] = "0"
    answer = exchange(collecting.url, write_request("POST", "/v1/events", given, body))
    assert answer is not None
    health = exchange(collecting.url, write_request("GET", "/healthz"))
    assert health is not None
    assert health.status == 200
    return answer
