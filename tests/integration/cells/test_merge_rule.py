"""The merge rule in SQL against the same rule in a few lines of Python, on random facts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import pytest
from clickhouse_driver import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sinks.clickhouse.cells.count import merge_facts
from sinks.clickhouse.cells.statements import run_file
from sinks.clickhouse.client import open_native
from streams.embedded.services import Services
from tests.support.services import address_of

pytestmark = pytest.mark.integration

LEVELS = 3
OTHER = ("", 1)
Path = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Fact:
    """What one visitor of a salt segment did in one finest cell of a cube."""

    cube: str
    keys: tuple[str, ...]
    segment: int
    visitor: int
    views: int


def count_visitors(facts: list[Fact]) -> int:
    """Count the visitors of the segment that has most."""
    by_segment: dict[int, set[int]] = defaultdict(set)
    for fact in facts:
        by_segment[fact.segment].add(fact.visitor)
    return max((len(visitors) for visitors in by_segment.values()), default=0)


def find_cells(facts: list[Fact], k: int) -> dict[Path, list[Fact]]:
    """Return the shown cells of one cube with their facts: the rule, read from the design."""
    if count_visitors(facts) < k:
        return {}
    cells: dict[Path, list[Fact]] = {(): facts}
    parents: dict[Path, list[Fact]] = {(): facts}
    for level in range(LEVELS):
        below: dict[Path, list[Fact]] = {}
        for path, group in parents.items():
            children: dict[str, list[Fact]] = defaultdict(list)
            for fact in group:
                if len(fact.keys) > level:
                    children[fact.keys[level]].append(fact)
            queue = sorted(children, key=lambda key: (count_visitors(children[key]), key))
            merged: list[Fact] = []
            while queue:
                smallest = children[queue[0]]
                is_short = merged and count_visitors(merged) < k
                if count_visitors(smallest) >= k and not is_short:
                    break
                merged += children[queue.pop(0)]
            below |= {(*path, (key, 0)): children[key] for key in queue}
            if merged:
                below[*path, OTHER] = merged
        cells |= below
        parents = below
    return cells


facts_of_a_cube = st.lists(
    st.builds(
        Fact,
        cube=st.just(""),
        keys=st.tuples(*[st.sampled_from("abcde")] * LEVELS),
        segment=st.integers(1, 2),
        visitor=st.integers(1, 30),
        views=st.integers(0, 9),
    ),
    max_size=60,
)


def read_cells(client: Client) -> dict[tuple[str, Path], tuple[int, int]]:
    """Return the visitors and views of each counted cell."""
    rows = client.execute("SELECT cube, path.key, path.is_other, visitors, views FROM counted_cell")
    return {
        (cube, tuple(zip(keys, others, strict=True))): (visitors, views)
        for cube, keys, others, visitors, views in rows
    }


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(cubes=st.lists(st.tuples(facts_of_a_cube, st.integers(2, 8)), min_size=8, max_size=8))
def test_the_rule_is_the_rule(services: Services, cubes: list[tuple[list[Fact], int]]) -> None:
    """The SQL shows the cells that the rule shows, with their visitors and views, and no other."""
    expected: dict[tuple[str, Path], tuple[int, int]] = {}
    rows: list[tuple[object, ...]] = []
    for number, (facts, k) in enumerate(cubes):
        cube = f"cube {number}"
        for path, group in find_cells(facts, k).items():
            visitors, views = count_visitors(group), sum(fact.views for fact in group)
            expected[cube, path] = (visitors, views)
            assert visitors >= k
        rows += [
            (0, cube, list(fact.keys), [], fact.segment, fact.visitor, fact.visitor, fact.views)
            for fact in facts
        ]
    with open_native(address_of(services, "hmara_admin")) as client:
        run_file(client, "steps/1_make_tables")
        if rows:
            client.execute(
                "INSERT INTO fact (level, cube, keys, path, segment, visitor, session, views)"
                " VALUES",
                rows,
            )
        thresholds = [(f"cube {number}", k) for number, (_, k) in enumerate(cubes)]
        client.execute("INSERT INTO threshold VALUES", thresholds)
        merge_facts(client, LEVELS)
        assert read_cells(client) == expected
