"""Past visits as bytes: keys that repeat, pseudonyms that do not, and what the collector keeps."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.catalogue import Catalogue
from schemas.codec import decode_reference
from schemas.topics import WEB_EVENT
from streams.access_log.import_log import destroy_salts
from streams.collector.avro_writer import write_batch
from streams.collector.minimise import CountryLookup
from streams.collector.salt import SaltKeeper
from streams.collector.sites import Site
from streams.traffic.backfill import DayCounts, name_run
from streams.traffic.past_visits import BackfillPlan, PastVisits
from streams.traffic.past_writer import PastWriter
from streams.traffic.user_agents import UserAgentRow

DAYS = (date(2025, 9, 30), date(2025, 10, 1))
RANDOM = {"visitor_hash", "page_load_hash", "salt_segment"}
CATALOGUE = Catalogue.load()


def make_plan(site: str = "shop", seed: int = 1) -> BackfillPlan:
    """Plan two days of a few visitors."""
    origin = frozenset({"https://shop.example"})
    return BackfillPlan(
        Site(site, origin, ZoneInfo("Europe/Kyiv"), synthetic=True), DAYS, 100, seed
    )


class Run:
    """One run: its rows, in order, and what it counted."""

    def __init__(
        self, folder: Path, user_agents: tuple[UserAgentRow, ...], plan: BackfillPlan
    ) -> None:
        salts = SaltKeeper(folder / "salts")
        writer, drawn = PastWriter(plan, CountryLookup(None), salts), PastVisits(plan, user_agents)
        schema_id = CATALOGUE.newest(WEB_EVENT.name).schema_id
        self.rows: list[dict[str, Any]] = []
        self.counts = [DayCounts(day) for day in plan.days]
        for counts in self.counts:
            for visit in (visit for block in drawn.draw(counts.day) for visit in block):
                counts.add(visit)
                for written in writer.write(visit):
                    batch = write_batch(schema_id, "", written.how_many, [written.events])
                    self.rows += decode_reference(CATALOGUE, batch)["events"]
        salts.forget()
        destroy_salts(folder / "salts")

    def keys(self) -> set[int]:
        """Return the row keys."""
        return {row["hit_key"] for row in self.rows}


@pytest.fixture
def run(volatile: Path, user_agents: tuple[UserAgentRow, ...]) -> Run:
    """Run seed 1."""
    return Run(volatile, user_agents, make_plan())


def test_a_second_run_makes_the_same_rows_under_other_pseudonyms(
    run: Run, volatile: Path, user_agents: tuple[UserAgentRow, ...]
) -> None:
    """All fields of two runs are equal but those that hang on the salt, which all differ."""
    again = Run(volatile, user_agents, make_plan())
    assert len(again.rows) == len(run.rows)
    for one, other in zip(run.rows, again.rows, strict=True):
        assert {name for name in one if one[name] != other[name]} == RANDOM


def test_every_row_has_a_key_of_its_own(run: Run) -> None:
    """No two events share a key, and there are as many as were counted."""
    assert len(run.keys()) == len(run.rows) == sum(one.types.total() for one in run.counts)


@pytest.mark.parametrize("plan", [make_plan(site="blog"), make_plan(seed=2)])
def test_another_site_or_seed_shares_no_key(
    run: Run, volatile: Path, user_agents: tuple[UserAgentRow, ...], plan: BackfillPlan
) -> None:
    """The rows of two sites, or of two seeds, do not replace each other."""
    assert not run.keys() & Run(volatile, user_agents, plan).keys()


def test_a_visitor_is_one_on_a_day_and_another_on_the_next(run: Run) -> None:
    """There are as many pseudonyms a day as visitors were counted, and none is of both days."""
    by_day: dict[Any, set[int]] = {}
    for row in run.rows:
        by_day.setdefault(row["site_day"], set()).add(row["visitor_hash"])
    first, second = by_day.values()
    assert [len(first), len(second)] == [counts.visitors for counts in run.counts]
    assert not first & second


def test_rows_say_where_they_are_from(run: Run) -> None:
    """Every row is an import's, of its site, and has no personal part."""
    assert {(row["site"], row["source"], row["personal"]) for row in run.rows} == {
        ("shop", "import", None)
    }


def test_nothing_made_up_is_taken_for_personal(run: Run) -> None:
    """No text of a row was replaced as an e-mail address, a number or a token."""
    assert not [row for row in run.rows if re.search(r"\[[a-z]+\]", str(list(row.values())))]


def test_the_counts_are_those_of_the_rows(run: Run) -> None:
    """What is said of each day is what its rows say."""
    found = Counter((row["site_day"], row["type"]) for row in run.rows)
    said = [counts.to_json() for counts in run.counts]
    assert sorted(found.values()) == sorted(n for day in said for n in day["types"].values())
    assert [day["day"] for day in said] == ["2025-09-30", "2025-10-01"]
    assert sum(day["events"] for day in said) == len(run.rows)


def test_runs_of_one_site_and_seed_share_their_salts() -> None:
    """A run's folder is named by site and seed: neither by its days nor by its visitors."""
    plan = make_plan()
    later = BackfillPlan(plan.site, DAYS[1:], 7, plan.seed)
    assert name_run(plan) == name_run(later)
    assert len({name_run(plan), name_run(make_plan(seed=2)), name_run(make_plan("blog"))}) == 3
