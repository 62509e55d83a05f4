"""What is kept of an address, a user agent and a screen: a class, never the thing itself."""

from __future__ import annotations

import ipaddress
import re
import socket
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import maxminddb
from ua_parser import Domain, Parser, load_lazy_builtins
from ua_parser.regex import Resolver

from schemas.errors import HmaraError

_MAX_NETWORKS: Final = 20_000
_MAX_USER_AGENTS: Final = 20_000
_MAX_USER_AGENT_CHARS: Final = 512
_FAMILIES: Final = Path(__file__).parent / "data" / "families.toml"
_OTHER_FAMILY: Final = "Other"
_MAJOR: Final = re.compile(r"[0-9]{1,4}")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?=$|[-_])")
_SIZES: Final = ((480, "xs"), (768, "s"), (1366, "m"), (1920, "l"))
_LARGEST: Final = "xl"
_ADDRESS_BYTES: Final = (4, 16)
_V4_KEPT_BYTES: Final = 3
_V6_KEPT_BYTES: Final = 6


class GeoError(HmaraError):
    """A country database that is missing or unreadable."""


@dataclass(frozen=True, slots=True)
class AgentClass:
    """What is kept of a user agent: device class, OS family, browser family and its version."""

    device: tuple[str, str, str, str]
    is_bot: bool


def pack_address(text: str) -> bytes | None:
    """Return the 4 or 16 bytes of an address, an IPv4-mapped one as 4; None if it is none."""
    try:
        return socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):
        pass
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped
    return mapped.packed if mapped is not None else address.packed


def truncate_address(packed: bytes) -> bytes:
    """Keep the /24 of an IPv4 address and the /48 of an IPv6 one; the rest becomes zero."""
    kept = _V4_KEPT_BYTES if len(packed) == 4 else _V6_KEPT_BYTES  # noqa: PLR2004 - IPv4
    return packed[:kept] + bytes(len(packed) - kept)


class CountryLookup:
    """Countries of truncated addresses, from an mmdb file; without a file every answer is ''."""

    def __init__(self, path: Path | None) -> None:
        self._reader: maxminddb.Reader | None = None
        self._known: dict[bytes, str] = {}
        if path is None:
            return
        try:
            self._reader = maxminddb.open_database(path)
        except (OSError, maxminddb.InvalidDatabaseError) as error:
            message = f"opening country database: {path}: {error}"
            raise GeoError(message) from None

    def find(self, packed: bytes) -> str:
        """Return the ISO 3166 alpha-2 code of a packed address, looked up on its truncation.

        Truncated networks are remembered, never an address.
        """
        if self._reader is None or len(packed) not in _ADDRESS_BYTES:
            return ""
        truncated = truncate_address(packed)
        code = self._known.get(truncated)
        if code is None:
            if len(self._known) >= _MAX_NETWORKS:
                self._known.clear()
            code = self._known[truncated] = self._look_up(self._reader, truncated)
        return code

    @staticmethod
    def _look_up(reader: maxminddb.Reader, truncated: bytes) -> str:
        family = socket.AF_INET if len(truncated) == 4 else socket.AF_INET6  # noqa: PLR2004 - IPv4
        record = reader.get(socket.inet_ntop(family, truncated))
        code = record.get("country_code", "") if isinstance(record, dict) else ""
        return code if isinstance(code, str) else ""


class AgentClassifier:
    """User agents to classes, remembered for the most recent ones.

    What stands in a user agent is its client's to choose, so families are kept out of a closed set.
    """

    def __init__(self) -> None:
        self._parser = Parser(Resolver(load_lazy_builtins()))
        kept = tomllib.loads(_FAMILIES.read_text("utf-8"))
        self._browsers, self._systems = frozenset(kept["browsers"]), frozenset(kept["systems"])
        self._known: dict[str, AgentClass] = {}

    def classify(self, user_agent: str) -> AgentClass:
        """Return the class of a user agent; of a long one only the beginning counts."""
        user_agent = user_agent[:_MAX_USER_AGENT_CHARS]
        found = self._known.get(user_agent)
        if found is None:
            if len(self._known) >= _MAX_USER_AGENTS:
                self._known.clear()
            found = self._known[user_agent] = self._parse(user_agent)
        return found

    def is_bot(self, user_agent: str) -> bool:
        """Say whether a user agent calls itself a robot, or is empty."""
        return self.classify(user_agent).is_bot

    def forget(self) -> None:
        """Let go of the user agents that are remembered."""
        self._known.clear()

    def _parse(self, user_agent: str) -> AgentClass:
        result = self._parser(user_agent, Domain.ALL)
        browser, os, device = result.user_agent, result.os, result.device
        is_bot = not user_agent or (device is not None and device.family == "Spider")
        return AgentClass(
            device=(
                _classify_device(user_agent),
                _keep(os.family, self._systems) if os else "",
                _keep(browser.family, self._browsers) if browser else "",
                _keep_version(browser.major) if browser else "",
            ),
            is_bot=is_bot,
        )


def _keep(family: str, known: frozenset[str]) -> str:
    return family if family in known else _OTHER_FAMILY


def _keep_version(major: str | None) -> str:
    return major if major is not None and _MAJOR.fullmatch(major) else ""


def _classify_device(user_agent: str) -> str:
    if "iPad" in user_agent or "Tablet" in user_agent:
        return "tablet"
    if "Mobi" in user_agent:
        return "mobile"
    if "Android" in user_agent:
        return "tablet"
    if any(word in user_agent for word in ("Windows NT", "Macintosh", "X11", "CrOS")):
        return "desktop"
    return "other"


def reduce_language(language: str) -> str:
    """Keep the primary subtag of a language tag (BCP 47), in lower case."""
    match = _LANGUAGE.match(language)
    return match[0].lower() if match else ""


def bucket_pixels(pixels: int) -> str:
    """Return the size class of a number of CSS pixels: xs, s, m, l or xl."""
    for limit, name in _SIZES:
        if pixels <= limit:
            return name
    return _LARGEST
