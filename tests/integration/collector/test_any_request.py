"""Whatever is sent: never a mistake of ours, as documented, and as much stored as was said.

The seed is fixed and printed, so that a failure is the same one in the next run.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from streams.collector.operations import OPERATIONS
from streams.collector.payload import MAX_URL_CHARS
from tests.integration.collector.any_body import any_bodies
from tests.integration.collector.conftest import Collecting
from tests.integration.collector.figures import read_accepted
from tests.integration.collector.page_loads import PLANTED_AGENT, make_headers
from tests.integration.collector.raw_http import exchange, write_request
from tests.integration.collector.records import count_stored, read_ends
from tests.support.collector import WRITE_KEY, Collector, make_collector, post

SEED = 20_261_124
IN_PROCESS = 10_000
PER_EXAMPLE = 20
OVER_HTTP = 400
PER_OPERATION = 60
MAX_GROWTH_BYTES = 100 << 20
QUIETLY = settings(
    database=None,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
DOCUMENTED = {(each.path, each.method) for each in OPERATIONS}


@dataclass
class Sums:
    """What a run was answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    accepted: int = 0

    def add(self, status: int, body: bytes) -> None:
        """Count an answer."""
        self.statuses[status] += 1
        if status == 202:
            self.accepted += json.loads(body)["accepted"]

    def show(self, where: str) -> None:
        """Print what a run came to."""
        print(f"{where}: seed {SEED}, {dict(self.statuses)}, {self.accepted} accepted")  # noqa: T201


@pytest.fixture
def in_process(tmp_path: Path) -> Iterator[Collector]:
    """Return a collector without a network."""
    folder = Path(tempfile.mkdtemp(prefix="hmara-test-", dir="/dev/shm"))
    yield make_collector(folder, tmp_path / "tag.js")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.integration  # no service is needed, but a minute is
def test_ten_thousand_bodies_are_answered(in_process: Collector) -> None:
    """Of 10,000 bodies none is a 5xx, and the sink has exactly the events that were accepted."""
    sums = Sums()

    @seed(SEED)
    @settings(QUIETLY, max_examples=IN_PROCESS // PER_EXAMPLE)
    @given(st.lists(any_bodies("demo"), min_size=PER_EXAMPLE, max_size=PER_EXAMPLE))
    def send_all(bodies: list[bytes]) -> None:
        for body in bodies:
            answer = runner.run(post(in_process.app, body))
            assert answer.status < 500
            sums.add(answer.status, answer.body)

    with asyncio.Runner() as runner:
        send_all()
    sums.show("in process")
    assert sums.statuses.total() >= IN_PROCESS
    assert {202, 400, 422} <= set(sums.statuses)
    assert len(in_process.sink.events()) == sums.accepted > 0


@pytest.mark.integration
def test_what_was_accepted_is_in_kafka(collecting: Collecting) -> None:
    """Of hundreds of bodies over HTTP none is a 5xx; Kafka has as many events as were accepted."""
    stack, sums = collecting.stack, Sums()
    process = psutil.Process(collecting.pid)
    rss, before = process.memory_info().rss, read_ends(stack)

    @seed(SEED)
    @settings(QUIETLY, max_examples=OVER_HTTP)
    @given(any_bodies(stack.site))
    def send(body: bytes) -> None:
        headers = make_headers(stack.origin, **{"Content-Length": str(len(body))})
        answer = exchange(collecting.url, write_request("POST", "/v1/events", headers, body))
        assert answer is not None
        assert answer.status < 500
        sums.add(answer.status, answer.body)

    send()
    sums.show("over HTTP")
    assert count_stored(stack, before, read_ends(stack)) == sums.accepted > 0
    assert process.memory_info().rss - rss < MAX_GROWTH_BYTES


@pytest.mark.integration
def test_the_collector_does_as_its_document_says(collecting: Collecting) -> None:
    """Requests drawn from the OpenAPI document, and spoilt ones, are answered as it describes."""
    stack, sums = collecting.stack, Sums()
    schema = schemathesis.openapi.from_dict(httpx.get(f"{collecting.url}/openapi.json").json())
    process = psutil.Process(collecting.pid)
    rss, before = process.memory_info().rss, read_ends(stack)
    accepted_before = read_accepted(collecting.url, stack.site)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert {(each.path, each.method.upper()) for each in operations} == DOCUMENTED
    for operation in operations:
        takes_something = len(operation.body) + len(operation.query) > 0
        modes = GenerationMode if takes_something else [GenerationMode.POSITIVE]
        for mode in modes:
            ask_as_documented(operation.as_strategy(generation_mode=mode), collecting, sums)
    sums.show("by the document")
    accepted = read_accepted(collecting.url, stack.site) - accepted_before
    assert count_stored(stack, before, read_ends(stack)) == accepted > sums.accepted > 0
    assert process.memory_info().rss - rss < MAX_GROWTH_BYTES


def ask_as_documented(cases: st.SearchStrategy[Any], collecting: Collecting, sums: Sums) -> None:
    """Send requests for one operation, and hold the answers to the document."""
    stack = collecting.stack

    @seed(SEED)
    @settings(QUIETLY, max_examples=PER_OPERATION)
    @given(cases, st.booleans())
    def send(case: schemathesis.Case[Any], is_ours: bool) -> None:  # noqa: FBT001 - hypothesis draws it
        headers = {"User-Agent": PLANTED_AGENT, "Origin": stack.origin}
        if is_ours:  # else hardly any request is for a site that there is
            headers["Authorization"] = f"Bearer {WRITE_KEY}"
            put_ours(case.body, stack.site)
            put_ours(case.query, stack.site)
        response = case.call(base_url=collecting.url, headers=headers, allow_redirects=False)
        case.validate_response(response, checks=CHECKS)
        sums.add(response.status_code, response.content)

    send()


def put_ours(found: Any, site: str) -> None:  # noqa: ANN401 - whatever was drawn
    """Put this test's site, and addresses of pages, where such are named."""
    if isinstance(found, dict):
        if "site" in found:
            found["site"] = site
        for name in {"url", "link"} & set(found):
            found[name] = f"https://www.example.org/{found[name]}"[:MAX_URL_CHARS]
        put_ours(found.get("events"), site)
    elif isinstance(found, list):
        for item in found:
            put_ours(item, site)
