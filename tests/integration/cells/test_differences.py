"""Subtracting cells from each other: what is left is about at least k visitors, or nobody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from sinks.clickhouse.cells.count import count_day
from sinks.clickhouse.client import open_native
from tests.integration.cells.made_days import K, MadeDay

pytestmark = pytest.mark.integration

OF_VIEWS = (
    *("page", "page_reading", "source", "device", "place", "session"),
    *("resolution", "language", "keyboard"),
)
FACTS = (
    "SELECT cube, level, path.key, path.is_other, session, visitor, sum(views) FROM fact"
    " WHERE views > 0 AND cube IN (SELECT cube FROM shown) GROUP BY ALL"
)
Cells = npt.NDArray[np.uint8]


def read_views(made: MadeDay, k: int) -> tuple[Cells, npt.NDArray[np.uint64]]:
    """Return the views of each cell (rows) by session (columns), and each session's visitor."""
    cells: dict[object, dict[int, int]] = defaultdict(dict)
    visitors: dict[int, int] = {}
    with open_native(made.admin) as client:
        count_day(client, made.site_day, dict.fromkeys(OF_VIEWS, k))
        for cube, level, keys, others, session, visitor, views in client.execute(FACTS):
            cells[cube, level, tuple(keys), tuple(others)][session] = views
            visitors[session] = visitor
    columns = {session: number for number, session in enumerate(visitors)}
    matrix = np.zeros((len(cells), len(columns)), np.uint8)
    for row, by_session in enumerate(cells.values()):
        for session, views in by_session.items():
            matrix[row, columns[session]] = views
    return matrix, np.array(list(visitors.values()), np.uint64)


def count_small_differences(made: MadeDay, k: int) -> int:
    """Count the pairs of cells, one within the other, that differ by fewer than ten visitors."""
    cells, visitors = read_views(made, k)
    totals = cells.sum(1, dtype=np.int64)
    found = 0
    for cell, total in zip(cells, totals, strict=True):
        smaller = cells[totals < total]
        within = smaller[(smaller <= cell).all(1)]
        for other in within:
            found += len(np.unique(visitors[cell > other])) < K
    return found


@pytest.mark.parametrize(("hits", "people"), [(3_000, 60), (8_000, 150)])
def test_no_difference_is_about_fewer_than_k(
    make_day: Callable[[], MadeDay], hits: int, people: int
) -> None:
    """Of all pairs of cells, within and across cubes, none differs by one to nine visitors' views.

    The same search finds many when cells are shown from two visitors on.
    """
    made = make_day()
    made.fill(hits, people)
    assert count_small_differences(made, K) == 0
    assert count_small_differences(made, 2) > 0
