"""Who sent a request, as far as the connection, its headers and trusted proxies say."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from schemas.errors import HmaraError
from streams.collector.minimise import pack_address

_NOBODY: Final = bytes(4)
"""Stands for a client whose address can not be read."""

_V4_BYTES: Final = 4
_V6_LOOPBACK: Final = bytes(15) + b"\1"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Client:
    """Who sent a request: held for the time of the request, then forgotten.

    `address` is packed, 4 or 16 bytes, empty if there is none; `origin` is the Origin header, '' if
    there was none; the others are what more headers say: client hints, the cookie `hmara_choice`,
    `Sec-GPC` and `DNT`.
    """

    address: bytes
    user_agent: str
    origin: str
    is_headless: bool = False
    has_opted_out: bool = False
    has_gpc: bool = False
    has_dnt: bool = False

    def __repr__(self) -> str:
        return "Client(…)"


class ProxyError(HmaraError):
    """A trusted proxy that is no address and no network."""


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read addresses and networks.

    Raises:
        ProxyError: names the one that is none.
    """
    networks = []
    for text in texts:
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError:
            message = f"reading trusted proxies: {text!r} is no address or network"
            raise ProxyError(message) from None
    return tuple(networks)


def find_address(peer: str, forwarded: str, trusted: tuple[Network, ...]) -> bytes:
    """Return the packed address of the client.

    X-Forwarded-For is believed from the right, as long as the one who wrote it is trusted; a
    client can so not choose its own address.

    Args:
        peer: address of the connection.
        forwarded: the X-Forwarded-For headers, joined with commas; '' if there are none.
        trusted: networks of our own proxies.
    """
    address = pack_address(peer)
    if not forwarded or not trusted:
        return address or _NOBODY
    hops = [hop.strip() for hop in forwarded.split(",")]
    while hops and address is not None and is_trusted(address, trusted):
        found = pack_address(_strip_hop(hops.pop()))
        if found is None:
            break
        address = found
    return address or _NOBODY


def _strip_hop(hop: str) -> str:
    """Return the address of a hop that some proxies write with quotes, brackets or a port."""
    hop = hop.strip('"')
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    address, _, port = hop.partition(":")
    return address if "." in address and port.isdecimal() else hop


def is_loopback(packed: bytes) -> bool:
    """Say whether a packed address is this machine's own."""
    return packed[:1] == b"\x7f" if len(packed) == _V4_BYTES else packed == _V6_LOOPBACK


def is_trusted(packed: bytes, trusted: tuple[Network, ...]) -> bool:
    """Say whether a packed address is one of our own proxies'."""
    address = ipaddress.ip_address(packed)
    return any(address.version == net.version and address in net for net in trusted)
