"""What is kept of an address, a user agent, a URL: never what could identify."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import maxminddb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collector import minimise
from streams.collector.minimise import (
    AgentClassifier,
    CountryLookup,
    GeoError,
    bucket_pixels,
    pack_address,
    reduce_language,
    truncate_address,
)

SECRET = "s3cr3t"
ANY_TEXT = st.text(max_size=40)
PATHS = st.text(st.characters(exclude_characters="?#\\", exclude_categories=["Cs"]), max_size=20)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/141.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)
PIXEL = CHROME.replace("Windows NT 10.0; Win64; x64", "Linux; Android 15; Pixel 9").replace(
    " Safari", " Mobile Safari"
)
GALAXY_TAB = CHROME.replace("Windows NT 10.0; Win64; x64", "Linux; Android 14; SM-X710")
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("192.0.2.255", bytes((192, 0, 2, 255))),
        ("::ffff:192.0.2.255", bytes((192, 0, 2, 255))),
        ("::ffff:c000:2ff", bytes((192, 0, 2, 255))),
        ("2001:db8::1", bytes.fromhex("20010db8000000000000000000000001")),
        ("fe80::1%eth0", bytes.fromhex("fe800000000000000000000000000001")),
        *[(text, None) for text in ("", "192.0.2", "192.0.2.256", "host", "1.2.3.4:80", "[::1]")],
        *[(text, None) for text in ("192.0.2.1 ", "\0", "0x7f.1", "127.1", "٣.1.1.1")],
    ],
)
def test_addresses_are_packed(text: str, packed: bytes | None) -> None:
    """An address is 4 or 16 bytes, an IPv4-mapped one 4; anything else is none."""
    assert pack_address(text) == packed


@given(st.one_of(st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16)))
def test_truncation_keeps_a_network(packed: bytes) -> None:
    """Of an IPv4 address its /24 is kept and of an IPv6 one its /48, the rest is zero."""
    kept = 3 if len(packed) == 4 else 6
    assert truncate_address(packed) == packed[:kept] + bytes(len(packed) - kept)


class Reader:
    """A country database in memory that remembers what it was asked."""

    def __init__(self, answer: Any) -> None:  # noqa: ANN401 - whatever a file may hold
        self.answer = answer
        self.asked: list[str] = []

    def get(self, address: str) -> Any:  # noqa: ANN401 - as maxminddb's
        """Answer."""
        self.asked.append(address)
        return self.answer


def test_the_country_is_looked_up_on_the_truncated_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The database is asked for the network, never for the address."""
    reader = Reader({"country_code": "UA"})
    monkeypatch.setattr(maxminddb, "open_database", lambda _: reader)
    lookup = CountryLookup(Path("countries.mmdb"))
    assert lookup.find(bytes((203, 0, 113, 77))) == "UA"
    assert lookup.find(bytes.fromhex("20010db8aaaabbbbccccddddeeeeffff")) == "UA"
    assert reader.asked == ["203.0.113.0", "2001:db8:aaaa::"]


@pytest.mark.parametrize("answer", [None, {}, {"country_code": None}, {"country_code": 7}, "UA"])
def test_an_unknown_country_is_empty(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    """An address that the database does not know, or an odd record, has no country."""
    monkeypatch.setattr(maxminddb, "open_database", lambda _: Reader(answer))
    assert CountryLookup(Path("countries.mmdb")).find(bytes(4)) == ""
    assert CountryLookup(None).find(bytes(4)) == ""


def test_a_broken_database_is_named(tmp_path: Path) -> None:
    """A country database that is missing or no database is an error at the start."""
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"no database")
    for path in (broken, tmp_path / "missing.mmdb"):
        with pytest.raises(GeoError, match=path.name):
            CountryLookup(path)


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (CHROME, ("desktop", "Windows", "Chrome", "141", False)),
        (IPHONE, ("mobile", "iOS", "Mobile Safari", "18", False)),
        (PIXEL, ("mobile", "Android", "Chrome Mobile", "141", False)),
        (GALAXY_TAB, ("tablet", "Android", "Chrome", "141", False)),
        ("", ("other", "", "", "", True)),
    ],
)
def test_a_user_agent_is_families_and_a_major(
    agent: str, expected: tuple[str, str, str, str, bool]
) -> None:
    """Of a user agent device class, families and the major version are kept."""
    found = AgentClassifier().classify(agent)
    assert (*found.device, found.is_bot) == expected


def test_a_robot_says_so() -> None:
    """A user agent that calls itself a robot is one, and so is an empty one."""
    classifier = AgentClassifier()
    assert classifier.is_bot(GOOGLEBOT)
    assert classifier.is_bot("")
    assert not classifier.is_bot(CHROME)


def test_remembered_user_agents_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many user agents come, and however long, the memory of them stays small."""
    monkeypatch.setattr(minimise, "_MAX_USER_AGENTS", 10)
    classifier = AgentClassifier()
    for number in range(100):
        classifier.classify(f"agent {number} " + "x" * 10_000)
    known = classifier._known  # noqa: SLF001 - the bound is of this memory
    assert len(known) <= 10
    assert max(map(len, known)) <= 512
    same_start = "y" * 512
    assert classifier.classify(same_start + "a") is classifier.classify(same_start + "b")


@pytest.mark.parametrize(
    ("tag", "kept"),
    [("uk-UA", "uk"), ("en", "en"), ("FIL-ph", "fil"), ("zh_Hans", "zh"), ("ukr", "ukr")]
    + [(tag, "") for tag in ("", "u", "*", "abcd", "12", "-en", "a-bc", "en.US")],
)
def test_a_language_is_its_primary_subtag(tag: str, kept: str) -> None:
    """Two or three letters before the first hyphen, in lower case; else nothing."""
    assert reduce_language(tag) == kept


@pytest.mark.parametrize(
    ("pixels", "name"),
    [
        *((0, "xs"), (480, "xs"), (481, "s"), (768, "s"), (769, "m"), (1366, "m"), (1367, "l")),
        *((1920, "l"), (1921, "xl"), (100_000, "xl")),
    ],
)
def test_sizes_are_classes(pixels: int, name: str) -> None:
    """A size in pixels is one of five classes."""
    assert bucket_pixels(pixels) == name
