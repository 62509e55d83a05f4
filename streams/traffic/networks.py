"""Where synthetic visitors seem to come from: large address blocks that a country database knows.

The blocks are allocations of whole providers; an address drawn inside one is random and stands for
nobody. Ranges reserved for documentation would be the polite choice, but no country is known for
them, and a pipeline without countries is not what anybody wants to try.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network

_WORD_BITS = 64


@dataclass(frozen=True, slots=True)
class CountryNetworks:
    """One country's share of visitors, its blocks and the language its browsers mostly ask for."""

    country: str
    weight: float
    v4: IPv4Network
    v6: IPv6Network
    language: str


def _networks(country: str, weight: float, v4: str, v6: str, language: str) -> CountryNetworks:
    return CountryNetworks(country, weight, IPv4Network(v4), IPv6Network(v6), language)


NETWORKS: tuple[CountryNetworks, ...] = (
    _networks("UA", 34, "176.36.0.0/14", "2a00:17a0::/29", "uk-UA"),
    _networks("US", 12, "73.0.0.0/9", "2600:1000::/24", "en-US"),
    _networks("PL", 9, "83.0.0.0/11", "2a01:1000::/21", "pl-PL"),
    _networks("DE", 8, "79.192.0.0/10", "2003:800::/21", "de-DE"),
    _networks("GB", 6, "86.128.0.0/10", "2001:5400::/22", "en-GB"),
    _networks("CZ", 4, "88.100.0.0/14", "2a02:8300::/28", "cs-CZ"),
    _networks("FR", 4, "86.192.0.0/10", "2a01:d000::/21", "fr-FR"),
    _networks("IT", 3, "79.0.0.0/10", "2a01:2000::/20", "it-IT"),
    _networks("ES", 3, "83.32.0.0/11", "2a02:9000::/23", "es-ES"),
    _networks("CA", 3, "99.224.0.0/11", "2600:1600::/24", "en-CA"),
    _networks("NL", 2, "145.96.0.0/11", "2001:980::/29", "nl-NL"),
    _networks("RO", 2, "109.96.0.0/14", "2a02:2f00::/28", "ro-RO"),
    _networks("SE", 1.5, "78.64.0.0/12", "2a02:1400::/26", "sv-SE"),
    _networks("LT", 1.5, "78.56.0.0/13", "2001:778::/29", "lt-LT"),
    _networks("BR", 1.5, "179.128.0.0/11", "2804:d40::/27", "pt-BR"),
    _networks("PT", 1, "85.240.0.0/13", "2001:1588::/29", "pt-PT"),
    _networks("TR", 1, "78.160.0.0/12", "2001:1b68::/29", "tr-TR"),
    _networks("JP", 1, "126.64.0.0/10", "2400:2000::/20", "ja-JP"),
    _networks("IN", 1, "117.192.0.0/10", "2409:4000::/22", "en-IN"),
    _networks("AU", 0.7, "121.208.0.0/12", "2001:8000::/20", "en-AU"),
    _networks("MX", 0.5, "189.128.0.0/10", "2806:1000::/24", "es-MX"),
    _networks("ZA", 0.3, "105.0.0.0/12", "2c0f:fc00::/27", "en-ZA"),
)


def ipv4_text(network: IPv4Network, word: int) -> str:
    """Write the address of `network` that a random 64-bit word stands for."""
    address = int(network.network_address) + word % network.num_addresses
    return f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


def ipv6_text(network: IPv6Network, word: int) -> str:
    """Write the address of `network` that a random 64-bit word stands for.

    The low half of the word becomes the network part, as a provider hands out prefixes, and the
    whole word, stirred, the interface part.
    """
    host_bits = 128 - network.prefixlen
    subnet = word % (1 << (host_bits - _WORD_BITS))
    interface = (word * 0x9E3779B97F4A7C15 + 1) % (1 << _WORD_BITS)
    return str(IPv6Address(int(network.network_address) | subnet << _WORD_BITS | interface))
