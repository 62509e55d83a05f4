"""Which days may be filled."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from streams.collector.sites import Site
from streams.traffic.past_days import (
    BackfillRefusedError,
    TakenDays,
    check_days,
    check_site,
    list_days,
)

TODAY = date(2025, 10, 3)
SITE = Site("shop", frozenset({"https://shop.example"}), ZoneInfo("UTC"), synthetic=True)
DAYS = (date(2025, 9, 30), date(2025, 10, 1), date(2025, 10, 2))


def test_the_days_end_with_yesterday() -> None:
    """Three days are the three before today, the oldest first."""
    assert list_days(3, TODAY) == DAYS


def test_free_days_of_a_synthetic_site_are_taken() -> None:
    """Days that are over and that nothing stands against are not refused."""
    check_site(SITE)
    check_days(SITE, DAYS, TODAY, TakenDays(frozenset({date(2025, 9, 29)}), frozenset({TODAY})))


def test_a_site_for_people_is_refused_by_name() -> None:
    """Without the mark `synthetic` nothing may be made up, and the site is named."""
    site = Site("shop", frozenset({"https://shop.example"}), ZoneInfo("UTC"))
    with pytest.raises(BackfillRefusedError, match=r"backfilling shop: .*synthetic = true"):
        check_site(site)


@pytest.mark.parametrize(
    ("day", "taken", "words"),
    [
        (TODAY, TakenDays(), "2025-10-03 is today"),
        (date(2025, 10, 4), TakenDays(), "2025-10-04 has not begun"),
        (DAYS[0], TakenDays(closed=frozenset(DAYS[:1])), "2025-09-30 is closed"),
        (
            DAYS[1],
            TakenDays(tagged=frozenset(DAYS[1:])),
            "2025-10-01 has hits of the site's own traffic",
        ),
    ],
)
def test_a_day_is_refused_by_name_and_reason(day: date, taken: TakenDays, words: str) -> None:
    """Today, a day to come, a closed day and a day with traffic are each named."""
    with pytest.raises(BackfillRefusedError) as caught:
        check_days(SITE, [day], TODAY, taken)
    assert str(caught.value) == f"backfilling shop: {words}"


def test_every_refused_day_is_named() -> None:
    """Of three days the two that are refused are named, and the third is not."""
    taken = TakenDays(closed=frozenset(DAYS[:1]), tagged=frozenset(DAYS[2:]))
    with pytest.raises(BackfillRefusedError) as caught:
        check_days(SITE, DAYS, TODAY, taken)
    assert "2025-09-30 is closed; 2025-10-02 has hits" in str(caught.value)
    assert "2025-10-01" not in str(caught.value)
