"""The cubes have each one place in every list that names them."""

from __future__ import annotations

from schemas.policy.cubes import CUBES
from sinks.clickhouse.cells.count import _FACTS
from sinks.clickhouse.cells.today import CUBES_OF_TODAY


def test_every_cube_is_filled_by_one_file() -> None:
    """Each cube of the policy is filled by one SQL file, and no file fills an unknown one."""
    filled = [cube for cubes in _FACTS.values() for cube in cubes]
    assert sorted(filled) == sorted(CUBES)
    assert set(CUBES_OF_TODAY) <= set(CUBES)
