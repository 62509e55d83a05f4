"""Whose address counts: the peer's, or what trusted proxies say of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collector.client import ProxyError, find_address, parse_networks
from streams.collector.minimise import pack_address

NOBODY = bytes(4)
PROXY, CLIENT = "10.0.0.1", "203.0.113.7"
TRUSTED = parse_networks(["10.0.0.0/8", "2001:db8:ffff::/48"])
addresses = st.ip_addresses().map(str)


def find(peer: str, forwarded: str, *networks: str) -> bytes:
    """Return the client's packed address."""
    return find_address(peer, forwarded, parse_networks(networks) if networks else TRUSTED)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        (CLIENT, "", CLIENT),
        (PROXY, "", PROXY),
        (PROXY, CLIENT, CLIENT),
        (PROXY, f"198.51.100.1, {CLIENT}", CLIENT),
        (PROXY, f"{CLIENT}, 10.9.9.9", CLIENT),
        (PROXY, f"198.51.100.1,{CLIENT},10.9.9.9 , 10.1.1.1", CLIENT),
        (PROXY, "10.2.2.2, 10.3.3.3", "10.2.2.2"),
        (CLIENT, "198.51.100.1", CLIENT),
        (CLIENT, "10.0.0.1", CLIENT),
        (PROXY, "unknown", PROXY),
        (PROXY, f"{CLIENT}, unknown", PROXY),
        (PROXY, f"{CLIENT}, 10.4.4.4, ", PROXY),
        (PROXY, f"{CLIENT}, unknown, 10.4.4.4", "10.4.4.4"),
        (f"::ffff:{PROXY}", CLIENT, CLIENT),
        (PROXY, f"::ffff:{CLIENT}", CLIENT),
        ("2001:db8:ffff::1", "2001:db8::7", "2001:db8::7"),
        ("2001:db8:fffe::1", "2001:db8::7", "2001:db8:fffe::1"),
    ],
)
def test_the_last_untrusted_hop_is_the_client(peer: str, forwarded: str, client: str) -> None:
    """X-Forwarded-For is read from the right while its writer is one of our proxies."""
    assert find(peer, forwarded) == pack_address(client)


@pytest.mark.parametrize("peer", ["", "unix:", "client.example.org"])
def test_a_peer_without_an_address_is_nobody(peer: str) -> None:
    """A peer that has no address is nobody, and what it forwards is not believed."""
    assert find(peer, CLIENT) == NOBODY


@given(addresses, st.lists(st.one_of(addresses, st.text(max_size=8)), max_size=5))
def test_without_trusted_proxies_the_peer_counts(peer: str, hops: list[str]) -> None:
    """No header of a client can change its address when no proxy is trusted."""
    assert find_address(peer, ",".join(hops), ()) == pack_address(peer)


@given(st.lists(st.one_of(addresses, st.text(max_size=8)), max_size=5), st.ip_addresses(v=4))
def test_a_client_can_not_choose_its_address(hops: list[str], client: object) -> None:
    """Whatever a client writes into the header, what our proxy appends decides."""
    real = str(client)
    if any(pack_address(real) == pack_address(PROXY) for _ in hops) or real.startswith("10."):
        return
    assert find(PROXY, ",".join([*hops, real])) == pack_address(real)


@pytest.mark.parametrize(
    ("hop", "address"),
    [
        ("192.0.2.1:5123", "192.0.2.1"),
        ('"192.0.2.1"', "192.0.2.1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ('"[2001:db8::1]:443"', "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_a_hop_may_be_written_with_a_port(hop: str, address: str) -> None:
    """Proxies that add a port, brackets or quotes name the same client."""
    assert find(PROXY, hop) == pack_address(address)


def test_all_may_be_trusted() -> None:
    """If every address is trusted the leftmost hop is the client, and reading ends there."""
    assert find(CLIENT, "192.0.2.1, 192.0.2.2", "0.0.0.0/0") == pack_address("192.0.2.1")


@pytest.mark.parametrize("text", ["", "proxy", "10.0.0.1/8", "10.0.0.0/33"])
def test_a_wrong_network_is_named(text: str) -> None:
    """A trusted proxy that is no address and no network is an error at the start."""
    with pytest.raises(ProxyError, match=repr(text).replace(".", r"\.")):
        parse_networks(["10.0.0.1", text])
