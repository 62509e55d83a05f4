"""Visitors: addresses, languages and browsers."""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from streams.traffic.audience import VISITORS, Audience, accept_language
from streams.traffic.dice import Dice
from streams.traffic.networks import NETWORKS

if TYPE_CHECKING:
    from streams.traffic.user_agents import UserAgentRow


@pytest.fixture(scope="module")
def audience(user_agents: tuple[UserAgentRow, ...]) -> Audience:
    """The visitors of seed 1."""
    return Audience(1, user_agents)


def test_one_visitor_in_five_comes_over_ipv6(audience: Audience) -> None:
    """Of 5,000 visitors 18 to 22 percent have an IPv6 address."""
    versions = Counter(ip_address(audience.visitor(n).address).version for n in range(5_000))
    assert 0.18 < versions[6] / 5_000 < 0.22


def test_addresses_are_global_and_of_a_listed_country(audience: Audience) -> None:
    """Every address lies in one of the listed blocks and is globally routable."""
    for number in range(500):
        address = ip_address(audience.visitor(number).address)
        assert address.is_global
        assert any(address in (entry.v4, entry.v6)[address.version == 6] for entry in NETWORKS)


def test_visitors_have_addresses_of_their_own(audience: Audience) -> None:
    """Of 5,000 visitors no two share an address."""
    assert len({audience.visitor(number).address for number in range(5_000)}) == 5_000


def test_user_agents_have_their_weights(audience: Audience) -> None:
    """The browser with half of the weight is half of the visitors' browser."""
    browsers = Counter(audience.visitor(number).user_agent for number in range(5_000))
    assert 0.47 < browsers.most_common(1)[0][1] / 5_000 < 0.53
    assert len(browsers) > 700


def test_visitors_come_by_zipf(audience: Audience) -> None:
    """The top percent of visitors makes several percent of the visits, and the tail is long."""
    visits = Counter(audience.draw(Dice(1, 9), 50_000).tolist())
    top = sum(visits[rank] for rank in range(VISITORS // 100))
    assert 0.2 < top / 50_000 < 0.4
    assert len(visits) > 15_000


@pytest.mark.parametrize(
    ("language", "header"),
    [
        ("uk-UA", "uk-UA,uk;q=0.9,en;q=0.8"),
        ("en-GB", "en-GB,en;q=0.9"),
        ("uk", "uk"),
    ],
)
def test_accept_language_is_what_browsers_send(language: str, header: str) -> None:
    """The header lists region, language and English, each once."""
    assert accept_language(language) == header
