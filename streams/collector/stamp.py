"""What the acceptance of a request gives to its events: a time, a salt, what they share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec

from streams.collector.avro_writer import RequestPart, Traits, write_request_part
from streams.collector.client import Client
from streams.collector.minimise import (
    AgentClassifier,
    CountryLookup,
    bucket_pixels,
    reduce_language,
)
from streams.collector.salt import Salt, SaltKeeper
from streams.collector.sites import Site

POLICY_VERSION: Final = "0"
"""Until the policy is code, events say that no version of it was applied."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_MICROSECOND: Final = timedelta(microseconds=1)
_MINUTE_US: Final = 60 * 1_000_000
"""No zone's clock is changed within a minute; within a quarter of an hour some are."""


def to_us(moment: datetime) -> int:
    """Return microseconds since 1970-01-01 UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def to_site_day(salt: Salt) -> int:
    """Return the salt's day as days since 1970-01-01."""
    return salt.day.toordinal() - _EPOCH_DAY


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """What each event of a request gets; `request` is what `write_request_part` returned."""

    site: Site
    salt: Salt
    received_at_us: int
    request: bytes


class Browser(msgspec.Struct, frozen=True, gc=False):
    """What a client says of its own window, keyboard and language; sizes in CSS pixels."""

    language: str = ""
    screen: tuple[int, int] | None = None
    viewport: tuple[int, int] | None = None
    keyboard: str = ""


NO_BROWSER: Final = Browser()


class Sender(msgspec.Struct, frozen=True, gc=False):
    """Whose events they are, and how they came: tag, pixel, server or import."""

    client: Client
    source: str
    browser: Browser = NO_BROWSER

    def __repr__(self) -> str:
        return "Sender(…)"


@dataclass(frozen=True, slots=True)
class Minimiser:
    """The look-ups that turn what identifies into what does not."""

    countries: CountryLookup
    agents: AgentClassifier
    salts: SaltKeeper


class Stamper:
    """Stamps requests."""

    def __init__(self, minimiser: Minimiser) -> None:
        self._minimiser = minimiser
        self._hours: dict[str, tuple[int, int, int]] = {}

    def forget(self) -> None:
        """Let go of the user agents that are remembered."""
        self._minimiser.agents.forget()

    def stamp(self, site: Site, sender: Sender, received_at: datetime) -> Stamp:
        """Stamp a request with its time (aware UTC), its salt and what its events share.

        Raises:
            SaltError: the day's salt can not be kept.
        """
        client, browser = sender.client, sender.browser
        salt = self._minimiser.salts.get(site, received_at)
        received_at_us = to_us(received_at)
        agent = self._minimiser.agents.classify(client.user_agent)
        request = write_request_part(
            RequestPart(
                site=site.id,
                source=sender.source,
                received_at_us=received_at_us,
                site_day=to_site_day(salt),
                site_hour=self._find_hour(site.id, salt, received_at, received_at_us),
                visitor_hash=salt.hash_visitor(
                    client.address, client.user_agent.encode(errors="surrogatepass")
                ),
                salt_segment=salt.segment,
                traits=Traits(
                    self._minimiser.countries.find(client.address),
                    "",
                    *agent.device,
                    bucket_pixels(max(browser.screen)) if browser.screen else "",
                    bucket_pixels(browser.viewport[0]) if browser.viewport else "",
                    reduce_language(browser.language),
                    browser.keyboard,
                    POLICY_VERSION,
                ),
            )
        )
        return Stamp(site, salt, received_at_us, request)

    def _find_hour(self, site: str, salt: Salt, received_at: datetime, at_us: int) -> int:
        """Return the hour in the zone of the salt, looked up once a minute."""
        minute = at_us // _MINUTE_US
        known = self._hours.get(site)
        if known is not None and known[0] == minute and known[1] == salt.segment:
            return known[2]
        hour = received_at.astimezone(salt.zone).hour
        self._hours[site] = (minute, salt.segment, hour)
        return hour
