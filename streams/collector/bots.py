"""Which requests count for nobody: robots, headless browsers, data centres, spam, own visits."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Network
from pathlib import Path
from typing import Final

import structlog
from crawleruseragents import (  # type: ignore[import-untyped] # ships no types
    CRAWLER_USER_AGENTS_DATA,
)

from processors.reasons import DropReason
from streams.collector.client import Client, Network
from streams.collector.sites import Site

log = structlog.get_logger(__name__)

ASN_FILES: Final = ("asn-ipv4-num.csv", "asn-ipv6-num.csv")
_DATA: Final = Path(__file__).with_name("data")
_MAX_USER_AGENTS: Final = 20_000
_MAX_USER_AGENT_CHARS: Final = 512
_MAX_HOST_CHARS: Final = 253  # RFC 1035, 2.3.4
_V4_BYTES: Final = 4
_V6_KEPT_BITS: Final = 64
_V4_BITS: Final = 32
_LITERAL: Final = re.compile(r"(?:[^\\.^$*+?{}\[\]|()]|\\[^\w\s])*")
"""A pattern that stands for one text only."""


class BotRules:
    """Judges who sent a request; remembers the verdict on the most recent user agents.

    Args:
        is_spider: what ua-parser says of a user agent.
        centers: the addresses of hosting providers.
    """

    def __init__(self, is_spider: Callable[[str], bool], centers: DataCenters) -> None:
        self._agents = AgentRules(is_spider)
        self._centers = centers
        self._spam = frozenset(read_lines("referrer_spam.txt"))
        self._known: dict[str, DropReason | None] = {}
        self._excluded: dict[str, tuple[tuple[Network, ...], tuple[Prefix, ...]]] = {}

    def judge(self, client: Client, site: Site, *, webdriver: bool = False) -> DropReason | None:
        """Return why a request counts for nobody, or None; the first reason that holds.

        `webdriver` is what the browser's own `navigator.webdriver` says.
        """
        if site.excluded and self._is_excluded(client.address, site):
            return DropReason.EXCLUDED_ADDRESS
        if client.has_opted_out:
            return DropReason.OPTED_OUT
        verdict = self._known.get(client.user_agent, DropReason.OPTED_OUT)
        if verdict is DropReason.OPTED_OUT:  # no verdict on an agent: not known
            verdict = self._judge_agent(client.user_agent)
        if verdict is DropReason.BOT:
            return verdict
        if not site.keep_headless and (verdict is not None or client.is_headless or webdriver):
            return DropReason.HEADLESS
        if not site.keep_data_centers and self._centers.has(client.address):
            return DropReason.DATA_CENTER
        return None

    def forget(self) -> None:
        """Let go of the user agents that are remembered."""
        self._known.clear()

    def is_spam(self, referrer_host: str) -> bool:
        """Say whether a host, or one above it, sends itself as a referrer only to be seen."""
        host = referrer_host[-_MAX_HOST_CHARS:].rstrip(".").lower()
        while host:
            if host in self._spam:
                return True
            host = host.partition(".")[2]
        return False

    def _judge_agent(self, agent: str) -> DropReason | None:
        agent = agent[:_MAX_USER_AGENT_CHARS]
        if agent not in self._known:
            if len(self._known) >= _MAX_USER_AGENTS:
                self._known.clear()
            self._known[agent] = self._agents.judge(agent)
        return self._known[agent]

    def _is_excluded(self, address: bytes, site: Site) -> bool:
        networks, prefixes = self._excluded.get(site.id, ((), ()))
        if networks is not site.excluded:
            prefixes = tuple(map(to_prefix, site.excluded))
            self._excluded[site.id] = (site.excluded, prefixes)
        bits = int.from_bytes(address)
        size = len(address)
        for net in prefixes:  # noqa: SIM110 - any() of a generator costs twice as much
            if size == net.size and bits >> net.shift == net.head:
                return True
        return False


class AgentRules:
    """What a user agent says of its sender; costs some 0.3 ms, linear in the agent's length."""

    def __init__(self, is_spider: Callable[[str], bool]) -> None:
        rules = tomllib.loads((_DATA / "agents.toml").read_text("utf-8"))
        self._is_spider = is_spider
        self._browser = _join(rules["browsers"])
        self._headless = _join(rules["headless"])
        passed_over = frozenset(rules["people_too"])
        patterns = [
            entry["pattern"]
            for entry in CRAWLER_USER_AGENTS_DATA
            if entry["pattern"] not in passed_over
            and not self._headless.search(_unescape(entry["pattern"]))
        ]
        # Searched one by one, they take time linear in the agent, whatever stands in it.
        self._texts = tuple(_unescape(text) for text in patterns if _LITERAL.fullmatch(text))
        others = (_bound(text) for text in patterns if not _LITERAL.fullmatch(text))
        self._robot = _join([*rules["robots"], *others])

    def judge(self, agent: str) -> DropReason | None:
        """Return BOT, HEADLESS or None."""
        if (
            not self._browser.search(agent)
            or self._robot.search(agent)
            or any(text in agent for text in self._texts)
            or self._is_spider(agent)
        ):
            return DropReason.BOT
        return DropReason.HEADLESS if self._headless.search(agent) else None


class DataCenters:
    """Addresses of hosting providers: ascending bounds, each first that is in or out again.

    IPv6 is looked up by its first 64 bits.
    """

    def __init__(self, v4: list[int], v6: list[int]) -> None:
        self._v4 = v4
        self._v6 = v6

    @classmethod
    def none(cls) -> DataCenters:
        """Return no data centre at all."""
        return cls([], [])

    @classmethod
    def load(cls, folder: Path | None) -> DataCenters:
        """Read the networks of hosting providers out of npm's `@ip-location-db/asn`.

        Without readable files no address is a data centre's; the log says so.
        """
        if folder is None or not all((folder / name).is_file() for name in ASN_FILES):
            log.warning("data_center_rule_off", cause="no file of autonomous systems")
            return cls.none()
        wanted = frozenset(
            line.partition("\t")[0].encode() for line in read_lines("hosting_asns.txt")
        )
        try:
            v4, v6 = (list(_read_ranges(folder / name, wanted)) for name in ASN_FILES)
        except (OSError, ValueError) as error:
            log.warning("data_center_rule_off", cause=type(error).__name__)
            return cls.none()
        kept = ((start >> _V6_KEPT_BITS, end >> _V6_KEPT_BITS) for start, end in v6)
        return cls(to_bounds(v4), to_bounds(kept))

    def has(self, packed: bytes) -> bool:
        """Say whether an address, 4 or 16 bytes, is a hosting provider's."""
        if len(packed) == _V4_BYTES:
            return bisect_right(self._v4, int.from_bytes(packed)) % 2 == 1
        return bisect_right(self._v6, int.from_bytes(packed[:8])) % 2 == 1

    def __len__(self) -> int:
        return (len(self._v4) + len(self._v6)) // 2


@dataclass(frozen=True, slots=True)
class Prefix:
    """A network as addresses are compared with it: their size in bytes, and the leading bits."""

    size: int
    shift: int
    head: int


def to_prefix(network: Network) -> Prefix:
    """Return a network's prefix; that of an IPv4-mapped one is IPv4's, as addresses are."""
    bits = int(network.network_address)
    shift = network.max_prefixlen - network.prefixlen
    size = network.max_prefixlen // 8
    if (
        isinstance(network, IPv6Network)
        and network.network_address.ipv4_mapped
        and shift <= _V4_BITS
    ):
        size, bits = _V4_BYTES, bits & 0xFFFF_FFFF
    return Prefix(size, shift, bits >> shift)


def to_bounds(ranges: Iterable[tuple[int, int]]) -> list[int]:
    """Merge inclusive ranges, in any order, to ascending bounds: in at even places, out at odd."""
    bounds: list[int] = []
    for start, end in sorted(ranges):
        if bounds and start <= bounds[-1]:
            bounds[-1] = max(bounds[-1], end + 1)
        else:
            bounds.extend((start, end + 1))
    return bounds


def read_lines(name: str) -> Iterator[str]:
    """Yield the lines of a data file of ours that are no comments."""
    for line in (_DATA / name).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line


def _read_ranges(path: Path, wanted: frozenset[bytes]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last address of each range that belongs to a wanted system."""
    with path.open("rb") as file:
        for line in file:
            start, end, number, _ = line.split(b",", 3)
            if number in wanted:
                yield int(start), int(end)


def _bound(pattern: str) -> str:
    """Keep an expression from reading to the end of an agent again and again."""
    return pattern.replace(r"[\s\S]*", r"[\s\S]{0,80}")


def _unescape(pattern: str) -> str:
    return re.sub(r"\\(.)", r"\1", pattern)


def _join(patterns: Iterable[str]) -> re.Pattern[str]:
    flagged = (
        f"(?i:{text[4:]})" if text.startswith("(?i)") else f"(?:{text})" for text in patterns
    )
    return re.compile("|".join(flagged))
