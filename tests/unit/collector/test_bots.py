"""The rules on who sent a request: their order, their switches, and what they cost."""

from __future__ import annotations

import time
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from processors.reasons import DropReason
from streams.collector import bots
from streams.collector.bots import (
    ASN_FILES,
    AgentRules,
    BotRules,
    DataCenters,
    read_lines,
    to_bounds,
    to_prefix,
)
from streams.collector.client import Client
from streams.collector.minimise import pack_address
from streams.collector.sites import Site

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/141.0.0.0 Safari/537.36"
)
HEADLESS = CHROME.replace("Chrome/", "HeadlessChrome/")
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
HOSTED = bytes((192, 0, 2, 7))
PERSON = Client(bytes((198, 51, 100, 7)), CHROME, "https://site.example")
SITE = Site("demo", frozenset({"https://site.example"}), ZoneInfo("UTC"))
V4_NETWORKS = st.builds(
    lambda bits, size: IPv4Network((bits, size), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)
V6_NETWORKS = st.builds(
    lambda bits, size: IPv6Network((bits, size), strict=False),
    st.integers(0, 2**128 - 1),
    st.integers(0, 128),
)


def is_no_spider(agent: str) -> bool:
    """Stand for ua-parser where another rule is under test."""
    del agent
    return False


@pytest.fixture(scope="module")
def rules() -> BotRules:
    """Return the rules, with 192.0.2.0/24 and 2001:db8::/32 for hosting providers' networks."""
    v4, v6 = ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")
    return BotRules(
        is_no_spider,
        DataCenters(
            to_bounds([(int(v4[0]), int(v4[-1]))]),
            to_bounds([(int(v6[0]) >> 64, int(v6[-1]) >> 64)]),
        ),
    )


def test_a_person_is_kept(rules: BotRules) -> None:
    """A browser at home is no robot, whatever the site's settings."""
    assert rules.judge(PERSON, SITE) is None
    assert rules.judge(PERSON, replace(SITE, keep_headless=True, keep_data_centers=True)) is None


def test_reasons_come_in_order(rules: BotRules) -> None:
    """Of several reasons the first counts: address, choice, robot, headless, data centre."""
    client = Client(HOSTED, GOOGLEBOT, "", is_headless=True, has_opted_out=True)
    site = replace(SITE, excluded=(IPv4Network("192.0.2.7/32"),))
    seen = [rules.judge(client, site, webdriver=True), rules.judge(client, SITE, webdriver=True)]
    client = replace(client, has_opted_out=False)
    seen.append(rules.judge(client, SITE, webdriver=True))
    client = replace(client, user_agent=CHROME)
    seen.append(rules.judge(client, SITE))
    client = replace(client, is_headless=False)
    seen += [rules.judge(client, SITE, webdriver=True), rules.judge(client, SITE)]
    assert seen == [
        DropReason.EXCLUDED_ADDRESS,
        DropReason.OPTED_OUT,
        DropReason.BOT,
        DropReason.HEADLESS,
        DropReason.HEADLESS,
        DropReason.DATA_CENTER,
    ]


@pytest.mark.parametrize(
    ("client", "webdriver"),
    [
        (replace(PERSON, user_agent=HEADLESS), False),
        (replace(PERSON, is_headless=True), False),
        (PERSON, True),
    ],
)
def test_a_site_may_keep_headless_browsers(
    rules: BotRules, client: Client, *, webdriver: bool
) -> None:
    """With keep_headless no sign of a headless browser drops an event; a robot still goes."""
    keeping = replace(SITE, keep_headless=True)
    assert rules.judge(client, SITE, webdriver=webdriver) is DropReason.HEADLESS
    assert rules.judge(client, keeping, webdriver=webdriver) is None
    robot = replace(client, user_agent=GOOGLEBOT)
    assert rules.judge(robot, keeping, webdriver=webdriver) is DropReason.BOT


def test_a_site_may_keep_data_centers(rules: BotRules) -> None:
    """With keep_data_centers an address of a hosting provider drops nothing."""
    client = replace(PERSON, address=HOSTED)
    assert rules.judge(client, SITE) is DropReason.DATA_CENTER
    assert rules.judge(client, replace(SITE, keep_data_centers=True)) is None
    client = replace(PERSON, address=ip_address("2001:db8:1::1").packed)
    assert rules.judge(client, SITE) is DropReason.DATA_CENTER


@pytest.mark.parametrize("agent", ["", " ", "\t", "-"])
def test_an_empty_agent_is_a_robot(rules: BotRules, agent: str) -> None:
    """Who names no browser at all is a robot."""
    assert rules.judge(replace(PERSON, user_agent=agent), SITE) is DropReason.BOT


def test_ua_parser_has_a_say() -> None:
    """What ua-parser calls a spider is a robot, though no list of ours has it."""
    rules = BotRules(lambda agent: agent == CHROME, DataCenters([], []))
    assert rules.judge(PERSON, SITE) is DropReason.BOT


def test_excluded_addresses_follow_the_settings(rules: BotRules) -> None:
    """A site's networks are those of its newest settings, of both families, mapped ones too."""
    client = replace(PERSON, address=bytes((203, 0, 113, 9)))
    for text, reason in {
        "203.0.113.0/24": DropReason.EXCLUDED_ADDRESS,
        "203.0.114.0/24": None,
        "::ffff:203.0.113.9": DropReason.EXCLUDED_ADDRESS,
        "2001:db8::/32": None,
        "::/0": None,
        "0.0.0.0/0": DropReason.EXCLUDED_ADDRESS,
    }.items():
        assert rules.judge(client, replace(SITE, excluded=(ip_network(text),))) is reason, text
    assert rules.judge(client, SITE) is None


@given(V4_NETWORKS | V6_NETWORKS, st.ip_addresses())
def test_prefixes_say_what_ipaddress_says(
    network: IPv4Network | IPv6Network, address: object
) -> None:
    """A prefix holds an address exactly if the network does."""
    for each in (ip_address(str(address)), network[0], network[-1]):
        packed = pack_address(str(each))
        assert packed is not None
        seen = ip_address(packed)
        prefix = to_prefix(network)
        found = prefix.size == len(packed) and int(seen) >> prefix.shift == prefix.head
        expected = seen.version == network.version and seen in network
        mapped = isinstance(network, IPv6Network) and network[0].ipv4_mapped is not None
        assert mapped or found == expected


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted)))
def test_bounds_hold_the_ranges(ranges: list[list[int]]) -> None:
    """Merged bounds ascend and hold the addresses of the ranges and no other."""
    bounds = to_bounds((start, end) for start, end in ranges)
    assert bounds == sorted(set(bounds))
    centers = DataCenters(bounds, [])
    held = {address for start, end in ranges for address in range(start, end + 1)}
    assert {address for address in range(64) if centers.has(address.to_bytes(4))} == held


@pytest.fixture
def _own_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the module's log be heard, also if another test has configured logging before."""
    monkeypatch.setattr(bots, "log", structlog.get_logger("bots"))


@pytest.mark.usefixtures("_own_log")
def test_without_the_files_the_rule_is_off(tmp_path: Path) -> None:
    """A missing database is said once in the log, and no address is a data centre's."""
    (tmp_path / ASN_FILES[0]).write_text("0,4294967295,16509,Cloud\n")
    for folder in (None, tmp_path / "nowhere", tmp_path):
        with capture_logs() as logs:
            centers = DataCenters.load(folder)
        assert [line["event"] for line in logs] == ["data_center_rule_off"]
        assert len(centers) == 0
        assert not centers.has(HOSTED)
        assert not centers.has(bytes(16))


@pytest.mark.usefixtures("_own_log")
def test_an_unreadable_file_turns_the_rule_off(tmp_path: Path) -> None:
    """A database that is cut or of another form is said in the log too, and stops nothing."""
    for name in ASN_FILES:
        (tmp_path / name).write_text("first,last,16509,Cloud\n")
    with capture_logs() as logs:
        assert len(DataCenters.load(tmp_path)) == 0
    assert [line["event"] for line in logs] == ["data_center_rule_off"]


def test_an_address_that_is_none_is_no_data_center(rules: BotRules) -> None:
    """A request without a readable address, or from this machine, passes the address rules."""
    site = replace(SITE, excluded=(ip_network("::/0"), ip_network("10.0.0.0/8")))
    for address in (b"", bytes(4), bytes((127, 0, 0, 1))):
        assert rules.judge(replace(PERSON, address=address), site) is None


def test_hosting_providers_are_named_once() -> None:
    """The list has at least sixty systems, each a number with a name, none twice."""
    rows = [line.split("\t") for line in read_lines("hosting_asns.txt")]
    numbers = [int(number) for number, _ in rows]
    assert len(set(numbers)) == len(numbers) >= 60
    assert all(name for _, name in rows)


def test_proxies_of_people_are_not_on_the_list() -> None:
    """Networks through which people browse are no data centres."""
    numbers = {int(line.partition("\t")[0]) for line in read_lines("hosting_asns.txt")}
    relays = {13335, 209242, 20940, 16625, 36183, 54113}
    proxies = {15169, 39832, 21837, 13238, 22616, 53813, 62044, 55256, 36692}
    assert not numbers & (relays | proxies)


@pytest.mark.parametrize(
    ("host", "is_spam"),
    [
        ("semalt.com", True),
        ("Semalt.Semalt.Com.", True),
        ("a.b.semalt.com", True),
        ("notsemalt.com", False),
        ("semalt.com.example.org", False),
        ("com", False),
        ("", False),
        (".", False),
        ("." * 500, False),
        ("x." * 5_000 + "semalt.com", True),
    ],
)
def test_spam_is_a_host_or_one_below_it(rules: BotRules, host: str, *, is_spam: bool) -> None:
    """A referrer is spam if its host, or a domain above it, is on the list: by whole labels."""
    assert rules.is_spam(host) is is_spam


def test_a_verdict_is_remembered() -> None:
    """An agent is looked at once, and the memory of agents is bounded."""
    seen: list[str] = []

    def is_spider(agent: str) -> bool:
        seen.append(agent)
        return False

    rules = BotRules(is_spider, DataCenters([], []))
    for _ in range(3):
        rules.judge(PERSON, SITE)
    assert seen == [CHROME]


def test_the_memory_of_agents_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many agents come, only so many are held."""
    monkeypatch.setattr(bots, "_MAX_USER_AGENTS", 10)
    rules = BotRules(is_no_spider, DataCenters([], []))
    for number in range(95):
        assert rules.judge(replace(PERSON, user_agent=f"{CHROME} {number}"), SITE) is None
    assert len(rules._known) <= 10  # noqa: SLF001 - the bound is the fact


def test_of_a_long_agent_the_beginning_counts(rules: BotRules) -> None:
    """After 512 characters nothing is read: neither a robot's mark nor a second agent."""
    filled = CHROME.ljust(512)
    assert rules.judge(replace(PERSON, user_agent=filled + " Googlebot/2.1"), SITE) is None
    marked = CHROME + " Googlebot/2.1"
    assert rules.judge(replace(PERSON, user_agent=marked), SITE) is DropReason.BOT


GROWING = [
    *("ContextualBo", "ContextualBot", "Spider", "compatible; a", "compatible; a-.a-.a-."),
    *("Current", "+http", "Chrome/1 ", "(", "A", "a.", " ", "bot", "Headles", "\\", "\x00", "é"),
]


@pytest.mark.parametrize("part", GROWING)
def test_no_agent_makes_the_rules_slow(part: str) -> None:
    """The time for an agent grows with its length, not with the square of it."""
    judge = AgentRules(is_no_spider).judge

    def measure(size: int) -> int:
        agent, taken_ns = CHROME + (part * size)[:size], []
        for _ in range(5):
            start = time.process_time_ns()
            judge(agent)
            taken_ns.append(time.process_time_ns() - start)
        return min(taken_ns)

    short = measure(2_000)
    assert measure(32_000) < 64 * short  # sixteen times as long: 16 if linear, 256 if square
