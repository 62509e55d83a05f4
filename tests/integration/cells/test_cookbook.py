"""The cookbook's questions, asked as the analyst of a site whose hits are known."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sinks.clickhouse.client import open_native
from streams.embedded.services import Services
from tests.integration.cells.made_days import MadeDay
from tests.support.services import address_of

pytestmark = pytest.mark.integration

COOKBOOK = Path(__file__).parents[3] / "docs" / "analytics" / "cookbook.md"
RECIPE = re.compile(
    r"^## \d+\. (?P<question>.+?)\n\n```sql\n(?P<sql>.+?)\n```", re.MULTILINE | re.DOTALL
)
RECIPES = {
    found["question"]: found["sql"] for found in RECIPE.finditer(COOKBOOK.read_text("utf-8"))
}
HITS = 8_000
VIEWS = HITS // 4


@pytest.fixture(scope="module")
def span(services: Services) -> dict[str, object]:
    """Return the parameters of a span in which a site has two equal closed days."""
    admin = address_of(services, "hmara_admin")
    last = MadeDay(admin)
    first = MadeDay(admin, last.site, last.day - timedelta(days=1))
    for made in (first, last):
        made.fill(HITS, 400)
        made.close()
    return {"site": last.site, "from": first.day.isoformat(), "to": last.day.isoformat()}


def ask(services: Services, question: str, span: dict[str, object]) -> list[dict[str, Any]]:
    """Return what a recipe answers."""
    with open_native(address_of(services, "analyst")) as client:
        rows, columns = client.execute(RECIPES[question], span, with_column_types=True)
    return [dict(zip([name for name, _ in columns], row, strict=True)) for row in rows]


def test_there_are_enough_questions() -> None:
    """The cookbook answers at least fifteen questions, each asked once."""
    assert len(RECIPES) >= 15
    assert len(RECIPES) == COOKBOOK.read_text("utf-8").count("```sql")


@pytest.mark.parametrize("question", RECIPES)
def test_every_question_has_an_answer(
    services: Services, span: dict[str, object], question: str
) -> None:
    """Each recipe runs as the analyst, and its answer has rows with a count above zero."""
    rows = ask(services, question, span)
    assert rows
    values = [value for row in rows for value in row.values()]
    assert any(isinstance(value, int | float | Decimal) and value > 0 for value in values)


@pytest.mark.parametrize(
    ("question", "column"),
    [
        ("How many visitors did the site have each day?", "views"),
        ("At which hour of the day do people come?", "seen"),
        ("Which pages were seen most?", "seen"),
        ("What did each campaign bring?", "seen"),
        ("Telephone or desk?", "seen"),
        ("How far down is a page read?", "seen"),
    ],
)
def test_the_answers_add_up_to_the_hits(
    services: Services, span: dict[str, object], question: str, column: str
) -> None:
    """What a recipe counts is, over all its rows, what was sent: two days of known page views."""
    rows = ask(services, question, span)
    total = sum(int(row[column]) for row in rows)
    if len(rows) < 20:  # not cut by LIMIT
        assert total == 2 * VIEWS
    else:
        assert 0 < total <= 2 * VIEWS


def test_a_comparison_sees_both_spans(services: Services, span: dict[str, object]) -> None:
    """A day against the day before, which were made equal: no change."""
    question = "How do views compare with the span of the same length before?"
    (row,) = ask(services, question, {**span, "from": span["to"]})
    assert row == {"now_seen": VIEWS, "before_seen": VIEWS, "change_percent": 0.0}
