"""The cells of a closed day against the hits they were counted from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from schemas.policy.cubes import CUBES
from streams.embedded.services import Services
from tests.integration.cells.made_days import MEASURES, K, MadeDay
from tests.integration.cells.sessions import Hit, cut_sessions, read_hits, sum_by
from tests.support.services import address_of

pytestmark = pytest.mark.integration

HITS = 30_000
VISITORS = 2_000
HIT_COLUMNS = "visitor_hash, event_time, seq, hit_key, type, path, engaged_ms, device_class"
USE_CUBES = frozenset(
    {"page", "page_reading", "source", "device", "place", "session"}
    | {"resolution", "language", "keyboard"}
)
EVENT_TYPES = {
    "heatmap": "click",
    "outbound": "outbound",
    "download": "download",
    "form": "form_submit",
    "custom": "custom",
}


@pytest.fixture(scope="module")
def closed(services: Services) -> MadeDay:
    """Return one closed day, shared: no test of this module changes it."""
    made = MadeDay(address_of(services, "hmara_admin"))
    made.fill(HITS, VISITORS)
    done = made.close()
    assert done.is_new
    assert done.hits == HITS
    return made


def read_sessions(made: MadeDay) -> list[list[Hit]]:
    """Return the day's sessions, by the oracle."""
    sql = f"SELECT {HIT_COLUMNS} FROM staging.hit FINAL WHERE site = {{site:String}}"
    return cut_sessions(read_hits(made.ask(sql)))


def read_level(made: MadeDay, cube: str, level: int) -> list[dict[str, Any]]:
    """Return the published cells of one level of a cube."""
    names = ("cube", "level", "keys", "is_other", "merged", "visitors", "sessions", *MEASURES)
    rows = (dict(zip(names, row, strict=True)) for row in made.read_cells())
    return [row for row in rows if (row["cube"], row["level"]) == (cube, level)]


@pytest.mark.parametrize("cube", CUBES)
def test_children_add_up_to_their_parent(closed: MadeDay, cube: str) -> None:
    """At each level of each cube the additive measures of the children are the parent's."""
    for level in range(1, CUBES[cube] + 1):
        parents = read_level(closed, cube, level - 1)
        assert parents
        sums: dict[Any, dict[str, int]] = defaultdict(lambda: dict.fromkeys(MEASURES, 0))
        for child in read_level(closed, cube, level):
            parent = tuple(zip(child["keys"][:-1], child["is_other"][:-1], strict=True))
            for measure in MEASURES:
                sums[parent][measure] += child[measure]
        assert sums == {
            tuple(zip(row["keys"], row["is_other"], strict=True)): {
                measure: row[measure] for measure in MEASURES
            }
            for row in parents
        }


@pytest.mark.parametrize("cube", CUBES)
def test_no_cell_is_below_k(closed: MadeDay, cube: str) -> None:
    """Every cell counts at least k visitors; merged ones alone say how many they hide."""
    cells = [cell for level in range(CUBES[cube] + 1) for cell in read_level(closed, cube, level)]
    assert min(cell["visitors"] for cell in cells) >= K
    assert all((cell["merged"] > 0) == (cell["is_other"][-1:] == [1]) for cell in cells)


@pytest.mark.parametrize("cube", sorted(USE_CUBES))
def test_a_cube_of_use_adds_up_to_the_hits(closed: MadeDay, cube: str) -> None:
    """The day's cell of each cube of use is what the oracle counts over all hits of S."""
    ((total,),) = [read_level(closed, cube, 0)]
    sessions = read_sessions(closed)
    views = [[hit for hit in session if hit.type == "page_view"] for session in sessions]
    assert {name: total[name] for name in ("visitors", "sessions", *MEASURES)} == {
        "visitors": len({session[0].visitor for session in sessions}),
        "sessions": len(sessions),
        "views": sum(map(len, views)),
        "entries": sum(1 for seen in views if seen),
        "exits": sum(1 for seen in views if seen),
        "bounces": sum(1 for seen in views if len(seen) == 1),
        "engaged_ms": sum(hit.engaged_ms for session in sessions for hit in session),
        "events": 0,
    }
    assert total["views"] == HITS // 4


@pytest.mark.parametrize(("cube", "event_type"), EVENT_TYPES.items())
def test_a_cube_of_events_adds_up_to_the_hits(closed: MadeDay, cube: str, event_type: str) -> None:
    """The day's cell of each cube of events counts the events of its type, each once."""
    ((total,),) = [read_level(closed, cube, 0)]
    hits = [hit for session in read_sessions(closed) for hit in session]
    assert total["events"] == sum(hit.type == event_type for hit in hits) > 0


@pytest.mark.parametrize(("cube", "attribute"), [("page", "path"), ("device", "device")])
def test_each_shown_cell_is_right(closed: MadeDay, cube: str, attribute: str) -> None:
    """A cell has the measures of the hits with its key, the merged one those of all hidden keys."""
    expected = sum_by(read_sessions(closed), attribute)
    cells = read_level(closed, cube, 1)
    shown = {cell["keys"][0]: cell for cell in cells if not cell["is_other"][0]}
    assert len(shown) > 1
    columns = ("visitors", "sessions", "views", "entries", "exits", "bounces", "engaged_ms")
    for key, cell in shown.items():
        assert tuple(cell[name] for name in columns) == expected[key].to_row()
    for cell in cells:
        if cell["is_other"][0]:
            hidden = [sums for key, sums in expected.items() if key not in shown]
            assert cell["merged"] == len(hidden)
            assert cell["visitors"] == len(set().union(*(sums.visitors for sums in hidden)))
            assert cell["views"] == sum(sums.views for sums in hidden)


def test_hours_are_exact(closed: MadeDay) -> None:
    """Each hour's hits, visitors and views are those of S; the sessions add up to the day's."""
    found = closed.ask(
        "SELECT site_hour, hits, visitors, views FROM anonymous.site_hour"
        " WHERE site = {site:String} ORDER BY site_hour"
    )
    assert found == closed.ask(
        "SELECT site_hour, count(), uniqExact(visitor_hash), countIf(type = 'page_view')"
        " FROM staging.hit FINAL WHERE site = {site:String} GROUP BY site_hour ORDER BY site_hour"
    )
    ((sessions,),) = closed.ask(
        "SELECT sum(sessions) FROM anonymous.site_hour WHERE site = {site:String}"
    )
    assert sessions == len(read_sessions(closed))


def test_a_lost_salt_hides_and_never_fakes(make_day: Callable[[], MadeDay]) -> None:
    """Two salts for six people on a page are no twelve visitors: the page is not shown.

    What is shown counts the larger segment alone and says that it is a lower bound.
    """
    made = make_day()
    for segment in (1, 2):
        made.visit("/six", [segment * 100 + number for number in range(6)], segment)
        made.visit("/many", [segment * 1_000 + number for number in range(20)], segment)
    assert made.close().salt_segments == 2
    pages = {tuple(row["keys"]): row for row in read_level(made, "page", 1)}
    assert set(pages) == {("",)}  # the six are hidden in what joined them
    assert pages[("",)]["visitors"] == 26
    assert pages[("",)]["views"] == 52
    bounds = made.ask("SELECT DISTINCT is_lower_bound FROM anonymous.cell WHERE site={site:String}")
    assert bounds == [(1,)]
