"""What the collector serves besides events, and what it answers where it serves nothing."""

from __future__ import annotations

import httpx
import pytest

from streams.collector.tag_file import TAG_PATH
from tests.integration.collector.conftest import Collecting
from tests.integration.collector.figures import name_accepted, read_metrics
from tests.integration.collector.page_loads import draw_page_load, make_body, post
from tests.integration.collector.raw_http import exchange, write_request
from tests.integration.collector.records import read_ends

pytestmark = pytest.mark.integration


def test_the_tag_is_served_once(collecting: Collecting) -> None:
    """GET /tag.js gives the built tag with an ETag; who names it gets 304 without a body."""
    first = httpx.get(f"{collecting.url}/tag.js")
    assert first.status_code == 200
    assert first.content == TAG_PATH.read_bytes()
    assert first.headers["content-type"].startswith("text/javascript")
    again = httpx.get(f"{collecting.url}/tag.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    changed = httpx.get(f"{collecting.url}/tag.js", headers={"If-None-Match": '"other"'})
    assert changed.status_code == 200


def test_head_describes_the_tag(collecting: Collecting) -> None:
    """HEAD /tag.js has the headers of GET and no body; with the ETag it is 304 too."""
    got, headed = (httpx.request(name, f"{collecting.url}/tag.js") for name in ("GET", "HEAD"))
    assert headed.status_code == 200
    assert headed.content == b""
    assert {**headed.headers, "x-request-id": ""} == {**got.headers, "x-request-id": ""}
    tagged = {"If-None-Match": got.headers["etag"]}
    assert httpx.head(f"{collecting.url}/tag.js", headers=tagged).status_code == 304


def test_the_tag_comes_in_the_form_asked_for(collecting: Collecting) -> None:
    """br, gzip and plain are the same tag, each with an ETag, and caches know what it varies by."""
    plain = TAG_PATH.read_bytes()
    etags = set()
    for encoding in ("br", "gzip", "identity"):
        url = f"{collecting.url}/tag.js"
        answer = httpx.get(url, headers={"Accept-Encoding": f"{encoding};q=0.5, *;q=0"})
        assert answer.headers.get("content-encoding", "identity") == encoding
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["cache-control"] == "public, max-age=3600"
        assert answer.content == plain
        etags.add(answer.headers["etag"])
    assert len(etags) == 3


def test_health_and_readiness_are_ok(collecting: Collecting) -> None:
    """/healthz and /readyz answer GET and HEAD with 200 while Kafka does, and are never cached."""
    for path in ("/healthz", "/readyz"):
        answer = httpx.get(f"{collecting.url}{path}")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert answer.headers["cache-control"] == "no-store"
        assert httpx.head(f"{collecting.url}{path}").status_code == 200


def test_metrics_count_what_was_accepted_and_refused(collecting: Collecting) -> None:
    """/metrics counts accepted events by site, and refused requests by reason."""
    stack = collecting.stack
    accepted = name_accepted(stack.site)
    refused = (
        'hmara_collector_requests_total{reason="unknown_site",route="/v1/events",status="404"}'
    )
    before = read_metrics(collecting.url)
    assert post(stack, collecting.url, make_body(stack.site, draw_page_load(), 3)).status == 202
    assert post(stack, collecting.url, make_body("elsewhere", draw_page_load())).status == 404
    after = read_metrics(collecting.url)
    assert after[accepted] - before.get(accepted, 0) == 3
    assert after[refused] - before.get(refused, 0) == 1


def test_the_tag_may_read_its_answer(collecting: Collecting) -> None:
    """A page of the site is named in Access-Control-Allow-Origin, without credentials."""
    stack = collecting.stack
    answer = post(stack, collecting.url, make_body(stack.site, draw_page_load()))
    assert (answer.status, answer.json) == (202, {"accepted": 1, "dropped": {}})
    assert answer.headers["access-control-allow-origin"] == stack.origin
    assert "access-control-allow-credentials" not in answer.headers
    asked = {"Origin": stack.origin, "Access-Control-Request-Method": "POST"}
    preflight = httpx.options(f"{collecting.url}/v1/events", headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == stack.origin
    assert "POST" in preflight.headers["access-control-allow-methods"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/events"),
        ("PUT", "/v1/events"),
        ("DELETE", "/v1/events"),
        ("POST", "/tag.js"),
        ("DELETE", "/tag.js"),
        ("POST", "/healthz"),
        ("PUT", "/readyz"),
        ("POST", "/metrics"),
    ],
)
def test_another_method_is_refused(collecting: Collecting, method: str, path: str) -> None:
    """A method that an address does not take: 405, and Allow names those that it does."""
    before = read_ends(collecting.stack)
    answer = exchange(collecting.url, write_request(method, path, {"Content-Length": "0"}))
    assert answer is not None
    assert (answer.status, answer.reason) == (405, "method_not_allowed")
    assert answer.headers["allow"]
    assert method not in answer.headers["allow"].split(", ")
    assert read_ends(collecting.stack) == before


@pytest.mark.parametrize(
    "path", ["/", "/v1/events/", "/v1/event", "/tag.js/../../pyproject.toml", "/%2e%2e/etc", "//"]
)
def test_there_is_nothing_elsewhere(collecting: Collecting, path: str) -> None:
    """A path that is not served: 404 `not_found`, whatever the method."""
    for method in ("GET", "POST"):
        answer = exchange(collecting.url, write_request(method, path, {"Content-Length": "0"}))
        assert answer is not None
        assert (answer.status, answer.reason) == (404, "not_found")
