"""What a collector's answers mean to the sender."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.traffic.answer import Refused, Taken, Unavailable, read_answer

NOW = datetime(2025, 10, 1, 12, 0, 0, tzinfo=UTC)


def test_a_2xx_answer_counts_accepted_and_dropped() -> None:
    """Both counts are read from the body."""
    answer = read_answer(202, None, b'{"accepted": 3, "dropped": {"bot": 1}}', NOW)
    assert answer == Taken(3, {"bot": 1})


def test_a_4xx_answer_gives_its_reason() -> None:
    """The problem's machine-readable reason is kept."""
    body = b'{"type": "about:blank", "status": 403, "reason": "origin_not_allowed"}'
    assert read_answer(403, None, body, NOW) == Refused(403, "origin_not_allowed")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"accepted": "3"}', b"\xff\xfe"])
def test_a_2xx_answer_that_cannot_be_read_counts_nothing(body: bytes) -> None:
    """Without a readable count nothing is taken for accepted."""
    assert read_answer(202, None, body, NOW) == Refused(202, "unreadable_answer")


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("2", 2.0),
        (" 0 ", 0.0),
        ("Wed, 01 Oct 2025 12:00:07 GMT", 7.0),
        ("Wed, 01 Oct 2025 11:00:00 GMT", 0.0),
        ("Wed, 01 Oct 2025 12:00:07 -0000", 7.0),
        ("soon", None),
        ("-1", None),
        ("²", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(retry_after: str | None, seconds: float | None) -> None:
    """Both forms of RFC 9110 are read; nonsense is as good as nothing."""
    answer = read_answer(503, retry_after, b'{"reason": "kafka"}', NOW)
    assert answer == Unavailable("HTTP 503 kafka", seconds)


@given(status=st.integers(100, 599), retry_after=st.none() | st.text(max_size=40), body=st.binary())
def test_no_answer_raises(status: int, retry_after: str | None, body: bytes) -> None:
    """Any status, header and body is one of the three."""
    answer = read_answer(status, retry_after, body, NOW)
    assert isinstance(answer, Taken | Refused | Unavailable)
