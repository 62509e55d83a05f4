"""The body of a POST: the bounds of each field, and what a refusal says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collector.bodies import parse_body
from streams.collector.payload import Click, Engagement, PageEnd, PageView
from streams.collector.problems import Problem, Reason
from tests.support.collector import make_body, make_view

URL = "https://www.example.org/path"
DAY_HALF_MS = 12 * 3_600_000


def refusal_of(body: bytes) -> Problem:
    """Return why a body is refused."""
    with pytest.raises(Problem) as caught:
        parse_body(body)
    return caught.value


def outcome_of(body: bytes) -> str:
    """Return why a body is refused, or that it is taken."""
    try:
        parse_body(body)
    except Problem as problem:
        return str(problem)
    return "taken"


def make_event(kind: str, **fields: object) -> dict[str, Any]:
    """Return an event with only what it must have, and some fields."""
    needed: dict[str, Any] = {"engaged_ms": 1} if kind == "engagement" else {}
    return {"type": kind, "seq": 0, "url": URL} | needed | fields


BOUNDS: list[tuple[str, str, object, object]] = [
    ("page_view", "seq", 0, -1),
    ("page_view", "seq", 1_000_000, 1_000_001),
    ("page_view", "age_ms", 0, -1),
    ("page_view", "age_ms", DAY_HALF_MS, DAY_HALF_MS + 1),
    ("page_view", "url", "h", ""),
    ("page_view", "url", "u" * 2_048, "u" * 2_049),
    ("page_view", "referrer", "r" * 2_048, "r" * 2_049),
    ("page_view", "title", "t" * 512, "t" * 513),
    ("click", "target_role", "r" * 40, "r" * 41),
    ("click", "target_label", "ї" * 200, "ї" * 201),
    ("click", "x_permille", 0, -1),
    ("click", "x_permille", 1000, 1001),
    ("click", "y_permille", 1000, 1001),
    ("engagement", "engaged_ms", 0, -1),
    ("engagement", "engaged_ms", DAY_HALF_MS, DAY_HALF_MS + 1),
    ("page_end", "engaged_ms", DAY_HALF_MS, DAY_HALF_MS + 1),
    ("page_end", "scroll_permille", 0, -1),
    ("page_end", "scroll_permille", 1000, 1001),
]


@pytest.mark.parametrize(("kind", "name", "last_good", "first_bad"), BOUNDS)
def test_each_field_of_an_event_has_its_bounds(
    kind: str, name: str, last_good: object, first_bad: object
) -> None:
    """The last value within a bound is taken, and the first beyond it is refused by its name."""
    (event,) = parse_body(make_body(make_event(kind, **{name: last_good}))).events
    assert getattr(event, name) == last_good
    problem = refusal_of(make_body(make_event(kind, **{name: first_bad})))
    assert problem.reason is Reason.INVALID_FIELD
    assert f"$.events[0].{name}" in problem.detail


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("site", "s" * 64, "s" * 65),
        ("site", "s", ""),
        ("page_load_id", "0123456789abcdef", "0123456789abcde"),
        ("page_load_id", "f" * 16, "F" * 16),
        ("page_load_id", "0" * 16, "0" * 16 + "\n"),
        ("language", "l" * 35, "l" * 36),
        ("screen", [0, 100_000], [0, 100_001]),
        ("screen", [1, 2], [1]),
        ("viewport", [1, 2], [1, 2, 3]),
        ("viewport", None, [1, -2]),
        ("events", [make_view()] * 100, [make_view()] * 101),
        ("events", [make_view()], []),
    ],
)
def test_each_field_of_a_request_has_its_bounds(name: str, good: object, bad: object) -> None:
    """The last value within a bound is taken, and the first beyond it is refused by its name."""
    parse_body(make_body(**{name: good}))
    problem = refusal_of(make_body(**{name: bad}))
    assert problem.reason is Reason.INVALID_FIELD
    assert f"$.{name}" in problem.detail


@pytest.mark.parametrize("name", ["site", "page_load_id", "events"])
def test_a_request_must_have_these(name: str) -> None:
    """Site, page load and events are needed; all else is optional."""
    body = json.loads(make_body())
    del body[name]
    assert refusal_of(json.dumps(body).encode()).reason is Reason.INVALID_FIELD


@pytest.mark.parametrize(
    ("kind", "name"),
    [("page_view", "type"), ("page_view", "seq"), ("click", "url"), ("engagement", "engaged_ms")],
)
def test_an_event_must_have_these(kind: str, name: str) -> None:
    """Type, number and URL are needed, and engagement its time."""
    event = make_event(kind)
    del event[name]
    assert refusal_of(make_body(event)).reason is Reason.INVALID_FIELD


def test_all_optional_fields_may_be_absent() -> None:
    """An event of each type with nothing optional has the defaults that mean unknown."""
    kinds = ("page_view", "click", "engagement", "page_end")
    payload = parse_body(make_body(*map(make_event, kinds)))
    assert payload.events == [
        PageView(seq=0, url=URL),
        Click(seq=0, url=URL),
        Engagement(seq=0, url=URL, engaged_ms=1),
        PageEnd(seq=0, url=URL),
    ]
    assert (payload.language, payload.screen, payload.viewport) == ("", None, None)


def test_unknown_fields_are_left_out() -> None:
    """A newer tag may send more; what is not known is not kept."""
    payload = parse_body(make_body(make_view(mouse=[1, 2]), account={"all": True}))
    assert not hasattr(payload, "account")
    assert not hasattr(payload.events[0], "mouse")


@pytest.mark.parametrize(
    "number", ["1.5", '"1"', "true", "null", "1e400", "9" * 5_000, "-1", "[]", "{}"]
)
def test_a_number_is_a_whole_number(number: str) -> None:
    """Fractions, texts, booleans and numbers beyond all bounds are no place in a page load."""
    body = make_body(make_view(seq="?")).replace(b'"?"', number.encode())
    assert refusal_of(body).reason is Reason.INVALID_FIELD


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"site": "\xff"}',
        b'{"site": "\xed\xa0\x80"}',
        b'{"site": "\\ud800"}',
        b'{"site": "demo"',
        b"{'site': 'demo'}",
        b'{"site": NaN}',
        b'{"site": Infinity}',
        make_body() + b"x",
        make_body(make_view(title="?")).replace(b'"?"', b"NaN"),
        make_body(make_view(title="?")).replace(b'"?"', b"\xff"),
        make_body(make_view(deep="?")).replace(b'"?"', b"[" * 30_000 + b"]" * 30_000),
        make_body(make_view(deep="?")).replace(b'"?"', b'{"a":' * 9_000 + b"1" + b"}" * 9_000),
        b"{" * 60_000,
        "{}".encode("utf-16"),
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    """Broken, badly encoded, endlessly nested or non-finite JSON is malformed, and no crash."""
    assert refusal_of(body).reason is Reason.MALFORMED_JSON


@pytest.mark.parametrize("body", [b"null", b"[]", b"1", b'""', b"true", b"{}"])
def test_json_that_is_no_request_is_refused(body: bytes) -> None:
    """JSON of another shape is a fault of its fields."""
    assert refusal_of(body).reason is Reason.INVALID_FIELD


def test_an_unknown_choice_is_not_quoted() -> None:
    """The detail of a value out of a closed set names its place and not what stood there."""
    for fields in ({"keyboard": "s3cr3t' - at `$.site`"}, {"consent": {"s3cr3t": "s3cr3t"}}):
        problem = refusal_of(make_body(make_event("page_view"), **fields))
        assert problem.reason is Reason.INVALID_FIELD
        assert "s3cr3t" not in problem.detail
        assert problem.detail.endswith(("`$.keyboard`", "`key` in `$.consent`", "`$.consent[...]`"))


@pytest.mark.parametrize("kind", ["customs", "PAGE_VIEW", "", 'x" - at `$.site`', "s3cr3t`"])
def test_an_unknown_type_is_not_quoted(kind: str) -> None:
    """The detail of an unknown type names its place and not what stood there."""
    problem = refusal_of(make_body(make_event(kind)))
    assert problem.reason is Reason.INVALID_FIELD
    assert problem.detail == "Invalid value - at `$.events[0].type`"


@given(st.data())
def test_a_refusal_never_quotes_the_body(data: st.DataObject) -> None:
    """Put a secret, or a structure that holds it, anywhere: the refusal does not repeat it."""
    body = json.loads(
        make_body(
            make_event("click", target_role="link", x_permille=1),
            make_event("page_end"),
            language="uk",
            screen=[1, 2],
        )
    )
    place: Any = body
    while isinstance(place, dict | list):
        holder = place
        key = data.draw(st.sampled_from(range(len(place)) if isinstance(place, list) else [*place]))
        place = holder[key]
        if data.draw(st.booleans()):
            break
    holder[key] = data.draw(
        st.sampled_from(["s3cr3t", ["s3cr3t"], {"s3cr3t": 1}, {"type": "s3cr3t"}, [["s3cr3t"]]])
    )
    assert "s3cr3t" not in outcome_of(json.dumps(body).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused(body: bytes) -> None:
    """No bytes can do more than be refused."""
    outcome = outcome_of(body)
    assert outcome.partition(":")[0] in {"taken", Reason.MALFORMED_JSON, Reason.INVALID_FIELD}
