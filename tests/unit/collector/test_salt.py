"""The salt of a site and day: its day, its pseudonyms, its rotation."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from streams.collector.salt import GRACE, SaltError, SaltKeeper
from streams.collector.sites import Site
from tests.support.collector import NINE, SITE

SECOND = timedelta(seconds=1)
ADDRESS, AGENT = b"\xcb\x00\x71\x07", b"Mozilla/5.0 (X11; Linux x86_64)"
ZONES = (
    *("UTC", "Europe/Kyiv", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati"),
    *("America/Havana", "Africa/Cairo", "Australia/Lord_Howe"),  # change at midnight, or by half
)


def make_site(zone: str, site_id: str = "demo") -> Site:
    """Return a site in a time zone."""
    return replace(SITE, id=site_id, zone=ZoneInfo(zone))


def local(zone: str, day: date, hour: int = 0) -> datetime:
    """Return an hour of a zone's day, in UTC."""
    return datetime.combine(day, time(hour), ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Kyiv", date(2026, 3, 28), 24),
        ("Europe/Kyiv", date(2026, 3, 29), 23),
        ("Europe/Kyiv", date(2026, 10, 25), 25),
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("America/Havana", date(2026, 3, 8), 23),
        ("UTC", date(2026, 3, 29), 24),
    ],
)
def test_a_day_is_as_long_as_the_zone_says(
    volatile: Path, zone: str, day: date, hours: int
) -> None:
    """A salt lives from local midnight to local midnight, 23 or 25 hours when the clocks change."""
    site, keeper = make_site(zone), SaltKeeper(volatile)
    salt = keeper.get(site, local(zone, day, 12))
    assert salt.day == day
    assert salt.ends_at - salt.starts_at == timedelta(hours=hours)
    first = keeper.get(site, salt.starts_at)
    last = keeper.get(site, salt.ends_at - timedelta(microseconds=1))
    assert first.segment == last.segment == salt.segment
    assert keeper.get(site, salt.starts_at - SECOND).segment != salt.segment
    assert keeper.get(site, salt.ends_at).segment != salt.segment
    assert keeper.get(site, salt.ends_at).day == day + timedelta(days=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2015, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the strategy sets the zone
)
@example("Pacific/Apia", datetime(2011, 12, 30, 5, tzinfo=UTC))  # the next day does not exist
@example("Pacific/Apia", datetime(2011, 12, 30, 11, tzinfo=UTC))
def test_any_moment_has_one_day(volatile: Path, zone: str, at: datetime) -> None:
    """The salt of a moment holds it, and its day is that of the zone's clock all along."""
    tz = ZoneInfo(zone)
    salt = SaltKeeper(volatile).get(make_site(zone, zone.lower().replace("/", ".")), at)
    assert salt.starts_at <= at < salt.ends_at
    for moment in (salt.starts_at, at, salt.ends_at - SECOND):
        assert moment.astimezone(tz).date() == salt.day
    assert salt.ends_at.astimezone(tz).date() > salt.day
    assert (salt.starts_at - SECOND).astimezone(tz).date() < salt.day


def test_pseudonyms_are_repeated_within_a_day_only(volatile: Path) -> None:
    """A retry repeats visitor, page load and row key; the next day none of them does."""
    keeper = SaltKeeper(volatile)

    def hash_all(at: datetime) -> tuple[int, int, int, int]:
        salt = keeper.get(SITE, at)
        return (
            salt.hash_visitor(ADDRESS, AGENT),
            salt.hash_page_load(b"8 bytes."),
            salt.hash_hit(b"8 bytes.", 3),
            salt.segment,
        )

    today = hash_all(NINE)
    assert hash_all(NINE + timedelta(hours=3)) == today
    keeper.forget()
    assert hash_all(NINE) == today
    assert not set(hash_all(NINE + timedelta(days=1))) & set(today)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["demo", "shop", "demo2"]),
            st.integers(0, 3),
            st.sampled_from([ADDRESS, ADDRESS[:3], bytes(16), b""]),
            st.sampled_from([AGENT, b"", ADDRESS[3:] + AGENT]),
        ),
        unique=True,
        max_size=30,
    )
)
def test_sites_days_and_visitors_share_no_pseudonym(
    volatile: Path, visitors: list[tuple[str, int, bytes, bytes]]
) -> None:
    """Another site, day, address or user agent is another visitor, wherever the bytes are cut."""
    keeper = SaltKeeper(volatile)
    seen = {
        keeper.get(make_site("UTC", site_id), NINE + timedelta(days=day)).hash_visitor(ip, agent)
        for site_id, day, ip, agent in visitors
    }
    assert len(seen) == len(visitors)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pseudonyms_are_avro_longs(volatile: Path, page_load: int, seq: int) -> None:
    """Pseudonyms are signed 64-bit numbers, and those of page loads, hits and visitors differ."""
    salt = SaltKeeper(volatile).get(SITE, NINE)
    page_load_id = page_load.to_bytes(8, "big")
    found = {
        salt.hash_page_load(page_load_id),
        salt.hash_hit(page_load_id, seq),
        salt.hash_hit(page_load_id, (seq + 1) % 2**32),
        salt.hash_visitor(page_load_id, b""),
    }
    assert len(found) == 4
    assert all(-(2**63) <= pseudonym < 2**63 for pseudonym in found)


def test_an_event_of_yesterday_keeps_yesterdays_salt(volatile: Path) -> None:
    """A request stamped before midnight and answered after it is hashed with the old salt."""
    keeper = SaltKeeper(volatile)
    old = keeper.get(SITE, NINE)
    new = keeper.get(SITE, old.ends_at)
    late = keeper.get(SITE, old.ends_at - SECOND)
    assert late.segment == old.segment != new.segment
    assert keeper.get(SITE, old.ends_at + SECOND).segment == new.segment


def test_a_changed_time_zone_waits_for_the_end_of_the_day(volatile: Path) -> None:
    """The day that has begun ends in its old zone; the next one begins then, in the new zone."""
    keeper = SaltKeeper(volatile)
    old = keeper.get(make_site("Europe/Kyiv"), NINE)
    moved = make_site("America/New_York")
    keeper.forget()
    same = keeper.get(moved, NINE + timedelta(hours=8))
    assert (same.segment, same.zone.key) == (old.segment, "Europe/Kyiv")
    after = keeper.get(moved, old.ends_at)
    assert after.zone.key == "America/New_York"
    assert after.starts_at == old.ends_at
    assert after.day == date(2026, 7, 1)
    assert after.ends_at == local("America/New_York", date(2026, 7, 2))
    assert after.segment != old.segment


def test_a_salt_is_destroyed_half_an_hour_after_its_day(volatile: Path) -> None:
    """Until then it answers for late requests; then it is gone from memory and folder."""
    keeper = SaltKeeper(volatile)
    salt = keeper.get(SITE, NINE)
    assert keeper.expire(salt.ends_at + GRACE - SECOND) == 0
    assert keeper.get(SITE, NINE).segment == salt.segment
    assert keeper.expire(salt.ends_at + GRACE) == 1
    assert not list((volatile / SITE.id).iterdir())
    assert keeper.get(SITE, NINE).segment != salt.segment


def test_only_what_is_over_is_destroyed(volatile: Path) -> None:
    """Days of other sites and zones that still run keep their salts."""
    keeper, kyiv = SaltKeeper(volatile), make_site("Europe/Kyiv", "kyiv")
    york = make_site("America/New_York", "york")
    first, second = keeper.get(kyiv, NINE), keeper.get(york, NINE)
    assert first.ends_at < second.ends_at
    assert keeper.expire(first.ends_at + GRACE) == 1
    assert keeper.get(york, NINE).segment == second.segment
    assert SaltKeeper(volatile).get(york, NINE).segment == second.segment


def test_a_salt_does_not_show_its_secret(volatile: Path) -> None:
    """Neither the text of a salt nor of an error holds a byte of the secret."""
    salt = SaltKeeper(volatile).get(SITE, NINE)
    (path,) = (volatile / SITE.id).iterdir()
    secret = path.read_bytes()[:32]
    assert secret.hex() not in repr(salt)
    assert repr(secret)[2:-1] not in repr(salt)


def test_a_folder_that_is_gone_is_an_error(volatile: Path) -> None:
    """A salt that can not be kept is an error that names the site: nothing is hashed unsalted."""
    keeper = SaltKeeper(volatile)
    volatile.rmdir()
    with pytest.raises(SaltError, match="site demo"):
        keeper.get(SITE, NINE)


def test_salts_are_not_repeated(volatile: Path) -> None:
    """Two hundred salts have two hundred segments and secrets, none of them zero."""
    keeper = SaltKeeper(volatile)
    days = random.sample(range(3_000), 200)
    segments = {keeper.get(SITE, NINE + timedelta(days=day)).segment for day in days}
    secrets = {path.read_bytes()[:32] for path in (volatile / SITE.id).iterdir()}
    assert len(segments) == len(secrets) == 200
    assert bytes(32) not in secrets
