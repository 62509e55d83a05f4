"""Where a visit came from, as one of seven channels: by campaign parameters, else by referrer."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

CHANNELS: Final = ("direct", "search", "social", "email", "campaign", "referral", "assistant")
_FILE: Final = Path(__file__).with_name("data") / "channels.toml"
_MAX_KNOWN: Final = 10_000
_MAX_HOST_CHARS: Final = 253  # RFC 1035, 2.3.4
_MAX_WORD_CHARS: Final = 100
_ANY_COUNTRY: Final = ".*"
_SECOND_LEVELS: Final = frozenset({"co", "com", "ne", "net", "or", "org"})
"""Stand between a name and its country: google.co.uk."""
_COUNTRY_CHARS: Final = 2
_AS_DASH: Final = str.maketrans("_ ", "--")


class Channels:
    """Classifies sources; remembers the most recent ones.

    Args:
        hosts: a host, or a name with `.*` for any country, to its channel.
        mediums: a utm_medium to its channel.
        sources: a utm_source that is no host to its channel.
    """

    def __init__(
        self, hosts: Mapping[str, str], mediums: Mapping[str, str], sources: Mapping[str, str]
    ) -> None:
        self._hosts = hosts
        self._mediums = mediums
        self._sources = sources
        self._known: dict[tuple[str, str, str, bool], str] = {}

    @classmethod
    def load(cls) -> Channels:
        """Read the lists that come with hmara."""
        rules = tomllib.loads(_FILE.read_text("utf-8"))
        return cls(*(_invert(rules[name]) for name in ("hosts", "mediums", "sources")))

    def forget(self) -> None:
        """Let go of the sources that are remembered."""
        self._known.clear()

    def classify(
        self, referrer_host: str, utm_source: str, utm_medium: str, *, has_click_id: bool = False
    ) -> str:
        """Return the channel of a page view that opens a visit.

        Whoever set utm_medium decides; then a click id, which only advertisements have; then
        utm_source; then the referrer.

        Args:
            referrer_host: without port; '' if there is none or it is the site's own.
            utm_source: '' if there is none.
            utm_medium: '' if there is none.
            has_click_id: the address had an advertisement's click id (gclid, msclkid, …).
        """
        key = (referrer_host, utm_source, utm_medium, has_click_id)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            host = _to_host(referrer_host)
            source, medium = _to_word(utm_source), _to_word(utm_medium)
            known = self._decide(host, source, medium, has_click_id=has_click_id)
            if max(len(referrer_host), len(utm_source), len(utm_medium)) <= _MAX_HOST_CHARS:
                self._known[key] = known
        return known

    def _decide(self, host: str, source: str, medium: str, *, has_click_id: bool) -> str:
        channel = self._find_medium(medium)
        if channel is not None and channel != "referral":
            return channel
        if has_click_id:
            return "campaign"
        if source and self._is_assistant(source):
            return "assistant"
        if medium or source:
            return channel or "campaign"
        return (self._find(host) or "referral") if host else "direct"

    def _find_medium(self, medium: str) -> str | None:
        if medium.startswith("paid") or medium.endswith("paid"):
            return "campaign"
        return self._mediums.get(medium)

    def _is_assistant(self, source: str) -> bool:
        return self._sources.get(source) == "assistant" or self._find(source) == "assistant"

    def _find(self, host: str) -> str | None:
        """Return the channel of a host: that of the longest entry it stands under."""
        for tail in _walk_tails(host):
            for entry in (tail, *_to_countryless(tail)):
                channel = self._hosts.get(entry)
                if channel is not None:
                    return channel
        return None


def _invert(lists: Mapping[str, list[str]]) -> dict[str, str]:
    return {entry: channel for channel, entries in lists.items() for entry in entries}


def _to_host(text: str) -> str:
    return text[-_MAX_HOST_CHARS:].rstrip(".").lower()


def _to_word(text: str) -> str:
    return text[:_MAX_WORD_CHARS].strip().lower().translate(_AS_DASH)


def _walk_tails(host: str) -> Iterator[str]:
    """Yield a host and each domain above it, the longest first."""
    while host:
        yield host
        host = host.partition(".")[2]


def _to_countryless(tail: str) -> Iterator[str]:
    """Yield the entries for any country that a domain may stand under."""
    name, _, top = tail.rpartition(".")
    if not name or (len(top) != _COUNTRY_CHARS and top != "com"):
        return
    yield name + _ANY_COUNTRY
    upper, _, second = name.rpartition(".")
    if upper and second in _SECOND_LEVELS:
        yield upper + _ANY_COUNTRY
