"""What every answer carries, whatever was asked: an id, a policy, and a reason if it is a no."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from processors.reasons import DropReason
from streams.collector.client import Client, parse_networks
from streams.collector.edge import Edge
from streams.collector.http import to_response
from streams.collector.problems import ANSWERS, Problem, Reason
from streams.collector.rate_limit import RateLimiter
from streams.collector.service import Accepted, CollectorService
from tests.support.collector import (
    EDGE,
    LIMITS,
    ORIGIN,
    SITES,
    WRITE_KEY,
    Answer,
    Collector,
    Request,
    ask,
    make_body,
    make_collector,
    make_server_body,
    post,
)

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
SHARED = {"/v1/events", "/v1/pixel.gif", "/tag.js"}
PATHS = (
    *("/v1/events", "/v1/pixel.gif", "/v1/server-events", "/tag.js", "/openapi.json"),
    *("/.well-known/gpc.json", "/healthz", "/readyz", "/metrics", "/nothing"),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE")
PIXEL = Request("GET", "/v1/pixel.gif", headers={"origin": ""}, query="site=demo&path=/p")
TAG_REQUEST = Request("GET", "/tag.js")


class Recording(CollectorService):
    """Takes whatever comes, keeps who sent it, and drops as a test says."""

    def __init__(self, dropped: dict[DropReason, int]) -> None:
        self.clients: list[Client] = []
        self.calls: list[tuple[bytes, str]] = []
        self._dropped = dropped

    def accept(self, body: bytes, client: Client) -> Accepted:
        """Take a body."""
        del body
        self.clients.append(client)
        return Accepted("demo", 2, None, self._dropped)

    def accept_pixel(self, query: bytes, client: Client) -> Accepted:
        """Take a query."""
        self.calls.append((query, ""))
        return self.accept(query, client)

    def accept_server_events(self, body: bytes, key: str) -> Accepted:
        """Take a server's body."""
        self.calls.append((body, key))
        return Accepted("demo", 1, None)


def record(collector: Collector, dropped: dict[DropReason, int] | None = None) -> Recording:
    """Put a recording service behind the routes."""
    service = Recording(dropped or {})
    vars(collector.app)["_service"] = service
    return service


async def answer_to(collector: Collector, request: Request) -> Answer:
    """Return the answer, which there must be."""
    answer = await ask(collector.app, request)
    assert answer is not None
    return answer


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_is_identified_and_closed_in(collector: Collector, path: str) -> None:
    """Any method at any address: an id of ours, no sniffing, no referrer, no framing, a CORP."""
    planted = "00000000-0000-4000-8000-000000000000"
    for method in METHODS:
        answer = await answer_to(
            collector, Request(method, path, headers={"x-request-id": planted})
        )
        assert answer.status < 500
        assert UUID.fullmatch(answer.headers["x-request-id"])
        assert answer.headers["x-request-id"] != planted
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        policy = answer.headers["content-security-policy"]
        assert policy == "default-src 'none'; frame-ancestors 'none'"
        expected = "cross-origin" if path in SHARED else "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == expected
        assert not {"server", "x-powered-by", "strict-transport-security"} & set(answer.headers)


async def test_ids_do_not_repeat(collector: Collector) -> None:
    """Of ten thousand requests each has another id."""
    request = Request("GET", "/healthz")
    answers = [await answer_to(collector, request) for _ in range(10_000)]
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)


@pytest.mark.parametrize("path", PATHS)
async def test_methods_are_told(collector: Collector, path: str) -> None:
    """OPTIONS names the methods of an address in Allow, and 405 those of any other method."""
    methods = collector.app.routes.get(path)
    if methods is None:
        for method in METHODS:
            answer = await answer_to(collector, Request(method, path))
            assert (answer.status, answer.reason) == (404, "not_found")
        return
    expected = {*methods, "OPTIONS"}
    asked = await answer_to(collector, Request("OPTIONS", path))
    assert asked.status == 204
    assert set(asked.headers["allow"].split(", ")) == expected
    for method in set(METHODS) - expected:
        answer = await answer_to(collector, Request(method, path))
        assert (answer.status, answer.reason) == (405, "method_not_allowed")
        assert set(answer.headers["allow"].split(", ")) == expected


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_a_problem(reason: Reason) -> None:
    """Each reason becomes a problem+json with its status, sentence and id, and is not cached."""
    response = to_response(Problem(reason, "$.field"), "an-id")
    headers = dict(response.headers)
    assert response.media_type == b"application/problem+json"
    assert json.loads(response.body) == {
        "type": "about:blank",
        "title": ANSWERS[reason].title,
        "status": response.status,
        "reason": reason.value,
        "instance": "urn:uuid:an-id",
        "detail": "$.field",
    }
    assert headers[b"cache-control"] == b"no-store"
    assert (b"retry-after" in headers) == (response.status in {429, 503})
    assert (b"www-authenticate" in headers) == (response.status == 401)


async def test_the_pixel_counts_a_view(collector: Collector) -> None:
    """GET of the pixel stores one page view with the source `pixel`, and answers a 43-byte GIF."""
    answer = await answer_to(collector, PIXEL)
    assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.headers["cache-control"] == "no-store"
    assert len(answer.body) == 43
    assert answer.body[:6] + answer.body[-1:] == b"GIF89a;"
    (event,) = collector.sink.events()
    assert (event["source"], event["type"], event["path"]) == ("pixel", "page_view", "/p")


async def test_the_pixel_waits_for_the_store(collector: Collector) -> None:
    """The GIF is not sent before Kafka has acknowledged the view."""
    collector.sink.is_auto = False
    asking = asyncio.ensure_future(answer_to(collector, PIXEL))
    await collector.sink.taken.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not asking.done()
    collector.sink.acknowledge()
    assert (await asking).status == 200


async def test_looking_at_the_pixel_counts_nobody(collector: Collector) -> None:
    """HEAD of the pixel has the headers of GET, and stores nothing."""
    looked, got = [
        await answer_to(collector, replace(PIXEL, method=name)) for name in ("HEAD", "GET")
    ]
    assert len(collector.sink.events()) == 1
    assert looked.status == 200
    varying = {"x-request-id"}
    assert set(looked.headers.items()) - set(got.headers.items()) == {
        (name, looked.headers[name]) for name in varying
    }


async def test_the_pixel_passes_on_who_asks(collector: Collector) -> None:
    """The service gets the query as it came, and the page's origin from the Referer."""
    service = record(collector)
    headers = {"origin": "", "referer": f"{ORIGIN}/page?q=1", "cookie": "hmara_choice=out"}
    await answer_to(collector, replace(PIXEL, headers=headers))
    assert service.calls == [(b"site=demo&path=/p", "")]
    (client,) = service.clients
    assert (client.origin, client.has_opted_out, client.is_headless) == (ORIGIN, True, False)


async def test_hints_reach_the_service(collector: Collector) -> None:
    """What client hints and the choice cookie say is handed over with the address and agent."""
    service = record(collector)
    await post(collector.app, b"{}", user_agent="b", sec_ch_ua='"HeadlessChrome";v="141"')
    (client,) = service.clients
    assert client == Client(bytes((203, 0, 113, 7)), "b", ORIGIN, is_headless=True)


async def test_dropped_events_are_told_and_counted(collector: Collector) -> None:
    """The answer names each reason with its number, and a counter has them by site."""
    record(collector, {DropReason.BOT: 5, DropReason.HEADLESS: 1})
    labels = {"site": "demo", "reason": "bot"}
    before = REGISTRY.get_sample_value("hmara_collector_events_dropped_total", labels) or 0
    answer = await post(collector.app, b"{}")
    assert json.loads(answer.body) == {"accepted": 2, "dropped": {"bot": 5, "headless": 1}}
    after = REGISTRY.get_sample_value("hmara_collector_events_dropped_total", labels)
    assert after == before + 5


async def test_a_server_sends_with_its_key(collector: Collector) -> None:
    """A server's event is stored when the write key is the site's; no CORS header is answered."""
    request = Request(
        path="/v1/server-events",
        body=(make_server_body(),),
        headers={
            "content-type": "application/json; charset=utf-8",
            "authorization": f"Bearer {WRITE_KEY}",
        },
    )
    answer = await answer_to(collector, request)
    assert (answer.status, json.loads(answer.body)) == (202, {"accepted": 1, "dropped": {}})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    (event,) = collector.sink.events()
    assert event["source"] == "server"
    without = replace(request, headers=request.headers | {"authorization": ""}, ends="hangs")
    refused = await answer_to(collector, without)
    assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")


async def test_privacy_control_is_announced(collector: Collector) -> None:
    """/.well-known/gpc.json says that the signal is honoured, and since when."""
    answer = await answer_to(collector, Request("GET", "/.well-known/gpc.json"))
    found: dict[str, Any] = json.loads(answer.body)
    assert found["gpc"] is True
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", found["lastUpdate"])


def make_limited(volatile: Path, tag: Path, clock: list[float], **more: Any) -> Collector:  # noqa: ANN401
    """Return a collector that takes three requests at once and one per ten seconds."""
    limiter = RateLimiter(0.1, 3, lambda: clock[0])
    return make_collector(volatile, tag, edge=Edge(LIMITS, limiter, **more))


async def test_a_flood_is_told_to_wait(volatile: Path, tmp_path: Path) -> None:
    """The fourth request is 429, readable to the page, before its body is read; others go on."""
    clock = [0.0]
    collector = make_limited(volatile, tmp_path / "tag.js", clock)
    for _ in range(3):
        assert (await post(collector.app, make_body())).status == 202
    hanging = Request(body=(b"{",), ends="hangs", headers={"x-forwarded-for": "192.0.2.1"})
    answer = await answer_to(collector, hanging)
    assert (answer.status, answer.reason) == (429, "rate_limited")
    assert answer.headers["retry-after"] == "10"
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    other = Request(body=(make_body(),), peer="203.0.113.8")
    assert (await answer_to(collector, other)).status == 202
    clock[0] += 10.0
    assert (await post(collector.app, make_body())).status == 202
    assert len(collector.sink.events()) == 5


@pytest.mark.parametrize("path", PATHS)
async def test_every_address_has_the_one_limit(volatile: Path, tmp_path: Path, path: str) -> None:
    """No address is outside the limit, those for operators neither."""
    collector = make_limited(volatile, tmp_path / "tag.js", [0.0])
    answers = [await answer_to(collector, Request("PUT", path)) for _ in range(4)]
    assert answers[-1].status == 429


async def test_a_proxy_is_not_its_clients(volatile: Path, tmp_path: Path) -> None:
    """Behind a trusted proxy each forwarded address has its own limit, and the proxy its own."""
    trusted = parse_networks(["10.0.0.0/8"])
    collector = make_limited(volatile, tmp_path / "tag.js", [0.0], trusted=trusted)
    for number in range(20):
        headers = {"x-forwarded-for": f"192.0.2.{number}"}
        request = Request(body=(make_body(),), headers=headers, peer="10.0.0.1")
        assert (await answer_to(collector, request)).status == 202
    bare = Request(body=(make_body(),), peer="10.0.0.1")
    statuses = [(await answer_to(collector, bare)).status for _ in range(4)]
    assert statuses == [202, 202, 202, 429]


HTTPS = replace(EDGE, requires_https=True, trusted=parse_networks(["10.0.0.0/8"]))
PLAIN: dict[str, tuple[Request, int]] = {
    "past the proxy": (TAG_REQUEST, 308),
    "past it, with a claim": (
        replace(TAG_REQUEST, headers={"x-forwarded-proto": "https"}),
        308,
    ),
    "http to the proxy": (
        replace(TAG_REQUEST, peer="10.0.0.1", headers={"x-forwarded-proto": "http"}),
        308,
    ),
    "a claim before the proxy's word": (
        replace(TAG_REQUEST, peer="10.0.0.1", headers={"x-forwarded-proto": "https, HTTP"}),
        308,
    ),
    "https to the proxy": (
        replace(TAG_REQUEST, peer="10.0.0.1", headers={"x-forwarded-proto": "https"}),
        200,
    ),
    "a proxy that says nothing": (replace(TAG_REQUEST, peer="10.0.0.1"), 200),
    "health": (Request("GET", "/healthz"), 200),
    "an event": (Request(body=(make_body(),)), 403),
    "nothing there": (Request("GET", "/nothing"), 403),
    "no host": (replace(TAG_REQUEST, headers={"host": ""}), 403),
    "a host that is none": (replace(TAG_REQUEST, headers={"host": "a.example/b"}), 403),
    "a host with a user": (replace(TAG_REQUEST, headers={"host": "u@a.example"}), 403),
}


@pytest.mark.parametrize("name", PLAIN)
async def test_plain_http_goes_no_further(volatile: Path, tmp_path: Path, name: str) -> None:
    """Where https is required, plain reading is sent to it, and plain sending refused unread."""
    collector = make_collector(volatile, tmp_path / "tag.js", edge=HTTPS)
    request, status = PLAIN[name]
    headers = {"host": "collect.example.org:8080"} | request.headers
    answer = await answer_to(collector, replace(request, headers=headers, query="v=1"))
    assert answer.status == status
    if status == 308:
        assert answer.headers["location"] == "https://collect.example.org/tag.js?v=1"
    if status == 403:
        assert answer.reason == "https_required"
    assert not collector.sink.sent


async def test_https_is_promised(volatile: Path, tmp_path: Path) -> None:
    """With a time for it, every answer tells browsers to use https only."""
    edge = replace(EDGE, hsts_max_age_s=600)
    collector = make_collector(volatile, tmp_path / "tag.js", edge=edge)
    for path in PATHS:
        answer = await answer_to(collector, Request("GET", path))
        assert answer.headers["strict-transport-security"] == "max-age=600"


async def test_many_sites_share_one_collector(collector: Collector) -> None:
    """An origin under a site's `*` is named in the answer as an exact one is."""
    site = replace(SITES.by_id["demo"], subdomains=(("https://", ".example.net"),))
    vars(collector.app)["_sites"] = replace(SITES, by_id={"demo": site})
    answer = await post(collector.app, b"{", origin="https://shop.example.net")
    assert answer.headers["access-control-allow-origin"] == "https://shop.example.net"
