"""The checks: each bound, and nothing lost between kept and dead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.check import (
    EVENT_TYPES,
    MAX_AGE_US,
    check_numbers,
    check_site,
    check_time,
    check_type,
)
from processors.columns import Context, EventColumns
from processors.reasons import DeadLetterReason
from streams.topology import WEB_EVENTS, Step
from tests.support.events import (
    DAY_US,
    Datum,
    any_events,
    good_events,
    make_event,
    to_columns,
    to_data,
)

CTX: Final = Context(policy_version="0")
LAST_DAY: Final = 65_535
ZONE_US: Final = 14 * 3_600_000_000
NOON: Final = 20_000 * DAY_US + DAY_US // 2
CHECKS: Final = (check_type, check_site, check_time, check_numbers)


def to_batch(events: list[Datum]) -> EventColumns:
    """Return events as a batch, each from a record of its own."""
    return EventColumns(to_columns(events), pa.array(range(len(events)), pa.int64()))


def is_time_good(event: Datum) -> bool:
    """Say in plain integers what `check_time` says in columns."""
    received: int = event["received_at"]
    day: int = event["site_day"]
    age: int = received - event["event_time"]
    return (
        0 <= received <= LAST_DAY * DAY_US
        and 0 <= age <= MAX_AGE_US
        and 0 <= day <= LAST_DAY
        and -ZONE_US <= received - day * DAY_US <= DAY_US + ZONE_US
    )


def are_numbers_good(event: Datum) -> bool:
    """Say in plain integers what `check_numbers` says in columns."""
    permilles = (event["x_permille"], event["y_permille"], event["scroll_permille"])
    return (
        event["seq"] >= 0
        and event["engaged_ms"] >= 0
        and all(-1 <= number <= 1000 for number in permilles)
        and 0 <= event["site_hour"] <= 23
    )


ORACLES: Final[dict[Step, tuple[Callable[[Datum], bool], DeadLetterReason]]] = {
    check_type: (lambda event: event["type"] in EVENT_TYPES, DeadLetterReason.UNKNOWN_TYPE),
    check_site: (lambda event: event["site"] != "", DeadLetterReason.NO_SITE),
    check_time: (is_time_good, DeadLetterReason.TIME_OUT_OF_RANGE),
    check_numbers: (are_numbers_good, DeadLetterReason.NUMBER_OUT_OF_RANGE),
}
near: Final = st.integers(-(2**40), 2**40)
slips: Final = st.one_of(
    st.just({}),
    st.builds(lambda us: {"event_time": NOON + us, "received_at": NOON, "site_day": 20_000}, near),
    st.builds(lambda us: {"received_at": NOON + us, "event_time": NOON + us}, near),
    st.builds(lambda day: {"site_day": day}, st.integers(-(2**31), 2**31 - 1)),
    st.builds(lambda number: {"scroll_permille": number}, st.integers(-3, 1003)),
    st.builds(lambda hour: {"site_hour": hour}, st.integers(-2, 26)),
    st.builds(lambda kind: {"type": kind}, st.text(max_size=3)),
    st.just({"site": ""}),
)
events: Final = st.one_of(
    any_events, good_events(), st.builds(lambda event, slip: event | slip, good_events(), slips)
)


@pytest.mark.parametrize("step", CHECKS, ids=lambda step: step.__name__)
@given(given_events=st.lists(events, max_size=8))
def test_kept_and_dead_are_what_was_given(step: Step, given_events: list[Datum]) -> None:
    """A check keeps the good in their order, sets the rest aside with its reason, loses none."""
    is_good, reason = ORACLES[step]
    batch = to_batch(given_events)
    outcome = step(batch, CTX)
    assert outcome.dropped == ()
    assert len(outcome.dead) <= 1
    kept = [event for event in given_events if is_good(event)]
    assert to_data(outcome.kept.events) == kept
    good = [place for place, event in enumerate(given_events) if is_good(event)]
    assert outcome.kept.record.to_pylist() == good
    for dead in outcome.dead:
        assert dead.reason is reason
        bad = [place for place in range(len(given_events)) if place not in good]
        assert dead.columns.record.to_pylist() == bad
        assert to_data(dead.columns.events) == [given_events[place] for place in bad]


@given(st.lists(good_events(), min_size=1, max_size=8))
def test_good_events_pass_every_step(given_events: list[Datum]) -> None:
    """Events within all bounds pass the whole pipeline, unchanged."""
    batch = to_batch(given_events)
    for step in WEB_EVENTS.steps:
        outcome = step(batch, CTX)
        assert outcome.kept is batch, step.__name__
        assert not outcome.dead


def is_kept(step: Step, **fields: object) -> bool:
    """Say whether a check keeps a plain event with these fields."""
    return len(step(to_batch([make_event(**fields)]), CTX).kept) == 1


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [
        ("seq", 0, 2**31 - 1),
        ("engaged_ms", 0, 2**31 - 1),
        ("x_permille", -1, 1000),
        ("y_permille", -1, 1000),
        ("scroll_permille", -1, 1000),
        ("site_hour", 0, 23),
    ],
)
def test_each_number_has_its_bounds(name: str, lowest: int, highest: int) -> None:
    """The first and last allowed number pass, and the ones beside them do not."""
    assert is_kept(check_numbers, **{name: lowest})
    assert is_kept(check_numbers, **{name: highest})
    assert not is_kept(check_numbers, **{name: lowest - 1})
    if highest < 2**31 - 1:
        assert not is_kept(check_numbers, **{name: highest + 1})


def at(received: int, *, age: int = 0, day: int) -> dict[str, object]:
    """Return the three times of an event."""
    return {"received_at": received, "event_time": received - age, "site_day": day}


@pytest.mark.parametrize(
    ("times", "kept"),
    [
        (at(NOON, age=0, day=20_000), True),
        (at(NOON, age=MAX_AGE_US, day=20_000), True),
        (at(NOON, age=MAX_AGE_US + 1, day=20_000), False),
        (at(NOON, age=-1, day=20_000), False),
        (at(0, day=0), True),
        (at(-1, day=0), False),
        (at(LAST_DAY * DAY_US, day=LAST_DAY), True),
        (at(LAST_DAY * DAY_US + 1, day=LAST_DAY), False),
        (at(LAST_DAY * DAY_US, day=LAST_DAY + 1), False),
        (at(0, day=-1), False),
        (at(20_000 * DAY_US - ZONE_US, day=20_000), True),
        (at(20_000 * DAY_US - ZONE_US - 1, day=20_000), False),
        (at(20_001 * DAY_US + ZONE_US, day=20_000), True),
        (at(20_001 * DAY_US + ZONE_US + 1, day=20_000), False),
        (at(2**63 - 1, day=20_000), False),
        (at(-(2**63), day=20_000), False),
        ({"received_at": NOON, "event_time": -(2**63), "site_day": 20_000}, False),
        ({"received_at": NOON, "event_time": 2**63 - 1, "site_day": 20_000}, False),
    ],
)
def test_times_have_their_bounds(times: dict[str, object], kept: bool) -> None:  # noqa: FBT001 - a column of the table
    """Age 0..12 h, a day ClickHouse has, and a day that some zone on Earth had at that moment."""
    assert is_kept(check_time, **times) is kept


def test_a_day_that_wraps_around_64_bits_is_refused() -> None:
    """213,503,982 days are 2^64 us less eight hours: such a day is not taken for today."""
    assert is_kept(check_time, **at(NOON, day=20_000))
    assert not is_kept(check_time, **at(NOON, day=20_000 + 213_503_982))


@pytest.mark.parametrize("kind", ["", "PAGE_VIEW", "page_view ", "ping"])
def test_an_unknown_type_is_refused(kind: str) -> None:
    """A type is known letter by letter, or not at all."""
    assert not is_kept(check_type, type=kind)
