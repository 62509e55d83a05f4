"""The OpenAPI document says what the collector does, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from processors.reasons import DropReason
from streams.collector.limits import MAX_HEAD_BYTES, Limits
from streams.collector.openapi import write_document
from streams.collector.operations import OPERATIONS
from streams.collector.problems import ANSWERS, Reason
from tests.support.collector import LIMITS, Collector, Request, ask

DOCUMENT: dict[str, Any] = json.loads(write_document(LIMITS))
UNDESCRIBED = {Reason.NOT_FOUND, Reason.METHOD_NOT_ALLOWED}
"""Answers where there is nothing to describe."""


def walk(node: Any) -> Any:  # noqa: ANN401 - any JSON
    """Yield every object of a document."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def find(reference: str) -> Any:  # noqa: ANN401 - any JSON
    """Return what a local reference points to."""
    node: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_every_route_is_described(collector: Collector) -> None:
    """The document has the methods of the routes, and of CORS, and no other."""
    served = {(path, name) for path, methods in collector.app.routes.items() for name in methods}
    described = {
        (path, name.upper()) for path, found in DOCUMENT["paths"].items() for name in found
    }
    assert described == served | {("/v1/events", "OPTIONS")}


def test_every_reason_is_listed() -> None:
    """Each reason stands with its status in the list, and is an answer of an operation."""
    listed = {reason: found["status"] for reason, found in DOCUMENT["x-reasons"].items()}
    assert listed == {reason.value: int(answer.status) for reason, answer in ANSWERS.items()}
    used = {reason for operation in OPERATIONS for reason in operation.reasons}
    assert used == set(Reason) - UNDESCRIBED


def test_every_limit_is_listed() -> None:
    """The document has the limits that are in force, not those of the code's defaults."""
    document = json.loads(write_document(Limits(max_body_bytes=4_711, requests_per_s=0.5)))
    limits = document["x-limits"]
    assert (limits["max_body_bytes"], limits["requests_per_s"]) == (4_711, 0.5)
    assert limits["max_head_bytes"] == MAX_HEAD_BYTES
    assert document["paths"]["/v1/events"]["post"]["requestBody"]["x-max-bytes"] == 4_711


def test_every_reference_leads_somewhere() -> None:
    """No `$ref` of the document is broken."""
    references = [node["$ref"] for node in walk(DOCUMENT) if "$ref" in node]
    assert references
    for reference in references:
        assert isinstance(find(reference), dict)


def test_patterns_are_those_of_json_schema() -> None:
    """Python's own anchors, which JSON Schema does not know, are written in its way."""
    patterns = [node["pattern"] for node in walk(DOCUMENT) if isinstance(node.get("pattern"), str)]
    assert "^[0-9a-f]{16}$" in patterns
    assert not [pattern for pattern in patterns if "\\A" in pattern or "\\Z" in pattern]


def test_bodies_are_described_field_by_field() -> None:
    """Each event type and each bound of its fields is in the document."""
    schemas = DOCUMENT["components"]["schemas"]
    events = schemas["Payload"]["properties"]["events"]
    assert events["maxItems"] == 100
    assert set(events["items"]["discriminator"]["mapping"]) >= {"page_view", "click", "custom"}
    assert schemas["PageView"]["properties"]["url"]["maxLength"] == 2_048
    names = schemas["Accepted"]["properties"]["dropped"]["propertyNames"]["enum"]
    assert set(names) == {reason.value for reason in DropReason}


async def test_it_is_served(collector: Collector) -> None:
    """GET /openapi.json gives the document, with an ETag that brings 304."""
    answer = await ask(collector.app, Request("GET", "/openapi.json"))
    assert answer is not None
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert json.loads(answer.body) == DOCUMENT
    headers = {"if-none-match": answer.headers["etag"]}
    again = await ask(collector.app, Request("GET", "/openapi.json", headers=headers))
    assert again is not None
    assert again.status == 304


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.method} {each.path}")
def test_headers_of_problems_are_described(operation: Any) -> None:  # noqa: ANN401 - an Operation
    """An answer that always has a header of its own says so in the document."""
    answers = DOCUMENT["paths"][operation.path][operation.method.lower()]["responses"]
    for reason in operation.reasons:
        found = find(answers[str(int(ANSWERS[reason].status))]["$ref"])
        told = {name.lower() for name in found["headers"]}
        assert {name.decode() for name, _ in ANSWERS[reason].headers} <= told
        assert "x-request-id" in told
