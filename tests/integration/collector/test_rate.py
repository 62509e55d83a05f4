"""One client's rate, on the running collector: who floods is turned away, and nobody else."""

from __future__ import annotations

import json

import pytest

from tests.integration.collector.page_loads import draw_page_load, make_body, make_headers
from tests.integration.collector.raw_http import Answer, exchange, write_request
from tests.integration.collector.records import count_stored, read_ends
from tests.support.services import Stack

pytestmark = pytest.mark.integration

FLOODING, QUIET = "203.0.113.1", "203.0.113.2"
BURST = 10


def test_a_flood_is_turned_away_and_others_are_served(stack: Stack) -> None:
    """Of 200 posts of one address the burst is taken and the rest 429; each other post is 202."""
    url = stack.start_collector(
        HMARA_COLLECTOR_REQUESTS_PER_S="0.01", HMARA_COLLECTOR_BURST_REQUESTS=str(BURST)
    )
    before = read_ends(stack)
    flood, others = [], []
    for number in range(200):
        flood.append(send(stack, url, FLOODING))
        if number % 20 == 0:
            others.append(send(stack, url, QUIET))
    assert [answer.status for answer in flood] == [202] * BURST + [429] * (200 - BURST)
    assert {answer.reason for answer in flood[BURST:]} == {"rate_limited"}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in flood[BURST:])
    assert {answer.status for answer in others} == {202}
    assert count_stored(stack, before, read_ends(stack)) == BURST + len(others)


def test_a_client_can_not_choose_its_bucket(stack: Stack) -> None:
    """Where no proxy is trusted, X-Forwarded-For moves nobody to another bucket."""
    url = stack.start_collector(
        HMARA_COLLECTOR_REQUESTS_PER_S="0.01",
        HMARA_COLLECTOR_BURST_REQUESTS=str(BURST),
        HMARA_COLLECTOR_TRUSTED_PROXIES="[]",
    )
    statuses = [send(stack, url, f"198.51.100.{number}").status for number in range(BURST + 5)]
    assert statuses == [202] * BURST + [429] * 5


def send(stack: Stack, url: str, address: str) -> Answer:
    """Send one page view from behind a proxy."""
    body = json.dumps(make_body(stack.site, draw_page_load())).encode()
    headers = make_headers(stack.origin, **{"X-Forwarded-For": address})
    answer = exchange(url, write_request("POST", "/v1/events", headers, body))
    assert answer is not None
    return answer
