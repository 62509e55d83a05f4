"""A taken request: what of it becomes an event, and when it is answered."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.check import EVENT_TYPES, MAX_AGE_US
from streams.collector.client import parse_networks
from streams.collector.problems import ANSWERS, Reason
from tests.support.collector import (
    CHROME,
    EDGE,
    NINE,
    ORIGIN,
    PAGE_LOAD_ID,
    TAG,
    Collector,
    Request,
    ask,
    make_body,
    make_collector,
    make_view,
    post,
    too_late,
)
from tests.support.events import DAY_US

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
CLICK = {
    "type": "click",
    "seq": 1,
    "url": f"{ORIGIN}/b",
    "target_role": "link",
    "target_label": "Купити",
    "x_permille": 512,
    "y_permille": 0,
}
PAGE_END = {
    "type": "page_end",
    "seq": 3,
    "url": f"{ORIGIN}/b",
    "engaged_ms": 7,
    "scroll_permille": 830,
}
NINE_US = 1_782_896_400_000_000


async def test_a_request_becomes_events(collector: Collector) -> None:
    """Every field of a taken event says what the request said, minimised, and nothing more."""
    body = make_body(
        make_view(
            age_ms=120,
            url=f"{ORIGIN}/каталог?q=x&utm_source=mail&utm_term=a+b#top",
            referrer="https://search.example.net/find?q=x",
            title="Каталог",
        ),
        CLICK,
        {"type": "engagement", "seq": 2, "url": f"{ORIGIN}/b", "engaged_ms": 5_000},
        PAGE_END,
        language="uk-UA",
        screen=[1920, 1080],
        viewport=[1280, 720],
    )
    answer = await post(collector.app, body, user_agent=CHROME)
    assert (answer.status, json.loads(answer.body)) == (202, {"accepted": 4, "dropped": {}})
    view, click, engagement, page_end = collector.sink.events()
    shared = {
        "site": "demo",
        "source": "tag",
        "received_at": NINE_US,
        "site_day": NINE_US // DAY_US,
        "site_hour": 12,
        "country": "",
        "device_class": "desktop",
        "os_family": "Windows",
        "browser_family": "Chrome",
        "browser_major": "141",
        "resolution_bucket": "l",
        "viewport_class": "m",
        "language": "uk",
        "policy_version": "0",
        "personal": None,
        "custom_properties": {},
    }
    for event in (view, click, engagement, page_end):
        assert {name: event[name] for name in shared} == shared
        assert event["page_load_hash"] == view["page_load_hash"]
        assert event["visitor_hash"] == view["visitor_hash"]
        assert event["type"] in EVENT_TYPES
    assert view["event_time"] == NINE_US - 120_000
    assert [event["title"] for event in collector.sink.events()] == ["Каталог", "", "", ""]
    assert (view["path"], view["referrer_host"]) == ("/каталог#top", "search.example.net")
    assert [view[f"utm_{name}"] for name in ("source", "medium", "term")] == ["mail", "", "a b"]
    assert [click[f"{axis}_permille"] for axis in ("x", "y", "scroll")] == [512, 0, -1]
    assert (click["target_role"], click["target_label"]) == ("link", "Купити")
    assert (engagement["engaged_ms"], engagement["x_permille"]) == (5_000, -1)
    assert (page_end["engaged_ms"], page_end["scroll_permille"]) == (7, 830)
    assert [event["seq"] for event in collector.sink.events()] == [0, 1, 2, 3]
    assert len({event["hit_key"] for event in collector.sink.events()}) == 4


async def test_a_retry_repeats_its_keys_and_partition(collector: Collector) -> None:
    """The same page load and numbers, minutes later: same row keys, same partition."""
    body = make_body(make_view(), make_view(seq=1))
    await post(collector.app, body)
    collector.clock.move(minutes=3)
    await post(collector.app, body, user_agent=FIREFOX)
    first, second = collector.sink.sent
    assert first[0] == second[0]
    for form in (PAGE_LOAD_ID.encode(), bytes.fromhex(PAGE_LOAD_ID)):
        assert form not in first[1] + second[1]
    keys = [event["hit_key"] for event in collector.sink.events()]
    assert keys[:2] == keys[2:]
    times = {event["received_at"] for event in collector.sink.events()}
    assert times == {NINE_US, NINE_US + 180_000_000}


async def test_visitors_are_told_apart_by_address_and_user_agent(
    volatile: Path, tmp_path: Path
) -> None:
    """Another address or user agent is another visitor; another page load is the same one."""
    collector = make_collector(
        volatile, tmp_path / "tag.js", edge=replace(EDGE, trusted=parse_networks(["10.0.0.0/8"]))
    )
    for peer, agent, forwarded in (
        ("203.0.113.7", CHROME, ""),
        ("203.0.113.7", CHROME, "198.51.100.1"),  # the peer is no proxy of ours
        ("10.0.0.1", CHROME, "203.0.113.7"),
        ("::ffff:203.0.113.7", CHROME, ""),
        ("203.0.113.8", CHROME, ""),
        ("203.0.113.7", FIREFOX, ""),
    ):
        headers = {"user-agent": agent, "x-forwarded-for": forwarded}
        await ask(collector.app, Request(body=(make_body(),), headers=headers, peer=peer))
    found = [event["visitor_hash"] for event in collector.sink.events()]
    assert len(set(found[:4])) == 1
    assert len(set(found)) == 3


async def test_the_day_is_that_of_the_acceptance(collector: Collector) -> None:
    """An event's day and hour are those of its acceptance in the site's zone, not of its age."""
    collector.clock.now = datetime(2026, 7, 1, 21, 0, tzinfo=UTC)  # midnight in Kyiv
    await post(collector.app, make_body(make_view(age_ms=12 * 3_600_000)))
    (event,) = collector.sink.events()
    assert event["site_day"] * DAY_US == NINE_US - 9 * 3_600_000_000 + DAY_US
    assert event["site_hour"] == 0
    assert event["received_at"] - event["event_time"] == MAX_AGE_US


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.text("0123456789abcdef", min_size=16, max_size=16))
async def test_a_page_load_stays_on_one_partition(collector: Collector, page_load_id: str) -> None:
    """A page load's partition follows from its id alone, and its id is in no record."""
    collector.sink.sent.clear()
    for seq in (0, 1):
        await post(collector.app, make_body(make_view(seq=seq), page_load_id=page_load_id))
    (first, one), (second, other) = collector.sink.sent
    assert first == second == int(page_load_id, 16) % 4
    assert page_load_id.encode() not in one + other


async def test_page_loads_spread_over_all_partitions(collector: Collector) -> None:
    """Random page loads use every partition about equally."""
    for number in range(200):
        page_load_id = f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}"
        await post(collector.app, make_body(page_load_id=page_load_id))
    counts = Counter(partition for partition, _ in collector.sink.sent)
    assert set(counts) == set(range(4))
    assert min(counts.values()) > 20


async def test_the_answer_waits_for_the_acknowledgement(collector: Collector) -> None:
    """No 202 before Kafka has acknowledged the record."""
    collector.sink.is_auto = False
    asking = asyncio.ensure_future(post(collector.app, make_body()))
    await collector.sink.taken.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not asking.done()
    collector.sink.acknowledge()
    assert (await asking).status == 202


async def test_a_failed_acknowledgement_is_503(collector: Collector) -> None:
    """A record that Kafka did not acknowledge is answered 503 with Retry-After."""
    collector.sink.is_auto = False
    asking = asyncio.ensure_future(post(collector.app, make_body()))
    await collector.sink.taken.wait()
    collector.sink.acknowledge(0, too_late())
    answer = await asking
    assert (answer.status, answer.reason) == (503, "not_durable")
    assert int(answer.headers["retry-after"]) >= 1


async def test_a_collector_that_holds_too_much_is_503(volatile: Path, tmp_path: Path) -> None:
    """Memory is bounded: what would go above is turned away, and the next request is taken."""
    collector = make_collector(volatile, tmp_path / "tag.js", max_waiting_bytes=10)
    assert (await post(collector.app, make_body())).status == 503
    assert not collector.sink.sent


async def test_without_a_salt_nothing_is_taken(collector: Collector, volatile: Path) -> None:
    """A salt that can not be kept is 503, and no event is hashed without it."""
    os.rmdir(volatile)  # noqa: PTH106 - the blocking call is short
    answer = await post(collector.app, make_body())
    assert (answer.status, answer.reason) == (503, "not_durable")
    assert not collector.sink.sent


async def test_the_other_addresses_answer(collector: Collector) -> None:
    """The tag, health, readiness and metrics answer over HTTP as a client sees it."""
    transport = httpx.ASGITransport(app=collector.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://collector") as client:
        tag = await client.get("/tag.js")
        assert (tag.status_code, tag.content) == (200, TAG)
        assert tag.headers["content-type"].startswith("text/javascript")
        assert tag.headers["x-content-type-options"] == "nosniff"
        same = await client.get("/tag.js", headers={"if-none-match": tag.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        assert (await client.head("/tag.js")).status_code == 200
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get("/readyz")).status_code == 200
        collector.readiness[0] = False
        unready = await client.get("/readyz")
        assert (unready.status_code, unready.json()["reason"]) == (503, "not_ready")
        assert (await client.get("/healthz")).status_code == 200
        assert "hmara_collector_requests_total" in (await client.get("/metrics")).text
        posted = await client.post(
            "/v1/events",
            content=make_body(),
            headers={"origin": ORIGIN, "content-type": "application/json"},
        )
        assert posted.status_code == 202


async def test_a_page_of_the_site_may_read_the_answer(collector: Collector) -> None:
    """A known origin is named in the answer, an unknown one is not, and neither gets cookies."""
    for origin, allowed in ((ORIGIN, ORIGIN), ("https://evil.example", None), ("null", None)):
        for method in ("POST", "OPTIONS"):
            request = Request(method=method, body=(make_body(),), headers={"origin": origin})
            answer = await ask(collector.app, request)
            assert answer is not None
            assert answer.headers.get("access-control-allow-origin") == allowed
            assert "access-control-allow-credentials" not in answer.headers
            assert answer.headers["vary"] == "Origin"
            exposed = answer.headers.get("access-control-expose-headers")
            assert exposed == ("x-request-id, retry-after" if allowed else None)


async def test_a_preflight_has_no_content(collector: Collector) -> None:
    """The answer to a preflight names method and header and, being 204, no length."""
    answer = await ask(collector.app, Request(method="OPTIONS"))
    assert answer is not None
    assert answer.status == 204
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert not {"content-length", "content-type"} & set(answer.headers)


async def test_midnight_changes_every_pseudonym(collector: Collector) -> None:
    """The same visitor a second before and after the site's midnight shares nothing."""
    collector.clock.now = NINE + timedelta(hours=11, minutes=59, seconds=59)
    await post(collector.app, make_body())
    collector.clock.move(seconds=1)
    await post(collector.app, make_body())
    before, after = collector.sink.events()
    for name in ("visitor_hash", "page_load_hash", "hit_key", "salt_segment"):
        assert before[name] != after[name]
    assert after["site_day"] == before["site_day"] + 1
    assert (before["site_hour"], after["site_hour"]) == (23, 0)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_an_answer(reason: Reason) -> None:
    """Each machine-readable reason has a status from 400 on and a sentence."""
    answer = ANSWERS[reason]
    assert 400 <= answer.status <= 503
    assert answer.title.endswith(".")
