"""What the collector decides: which requests it takes, and what it makes of an event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import msgspec

from streams.collector.avro_writer import RequestPart, write_request_part
from streams.collector.encode import InvalidUrlError, Stamp, encode_events, to_us
from streams.collector.gather import Gatherer
from streams.collector.minimise import (
    AgentClassifier,
    CountryLookup,
    bucket_pixels,
    reduce_language,
)
from streams.collector.payload import Payload, parse_payload
from streams.collector.problems import Problem, Reason
from streams.collector.salt import Salt, SaltKeeper
from streams.collector.sites import Site, Sites

POLICY_VERSION: Final = "0"
"""Until the policy is code, events say that no version of it was applied."""
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Client:
    """Who sent a request: held for the time of the request, then forgotten.

    `address` is packed, 4 or 16 bytes; `origin` is the Origin header, '' if there was none.
    """

    address: bytes
    user_agent: str
    origin: str

    def __repr__(self) -> str:
        return "Client(…)"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A taken request: how many events, and the future that is done when they are durable."""

    site: str
    count: int
    durable: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class Minimiser:
    """The look-ups that turn what identifies into what does not."""

    countries: CountryLookup
    agents: AgentClassifier
    salts: SaltKeeper


class CollectorService:
    """Checks, minimises and hands over; knows neither HTTP nor Kafka."""

    def __init__(
        self,
        sites: Sites,
        minimiser: Minimiser,
        gatherer: Gatherer,
        read_clock: Callable[[], datetime],
    ) -> None:
        self._sites = sites
        self._minimiser = minimiser
        self._gatherer = gatherer
        self._read_clock = read_clock

    def accept(self, body: bytes, client: Client) -> Accepted:
        """Take the body of `POST /v1/events`.

        Raises:
            Problem: the request is refused; nothing of it is kept.
            NotDurableError: too much is waiting for Kafka already.
            SaltError: the day's salt can not be kept.
        """
        payload = parse_body(body)
        site = self._sites.by_id.get(payload.site)
        if site is None:
            raise Problem(Reason.UNKNOWN_SITE)
        if client.origin not in site.origins:
            raise Problem(Reason.WRONG_ORIGIN)
        received_at = self._read_clock()
        salt = self._minimiser.salts.get(site, received_at)
        page_load_id = bytes.fromhex(payload.page_load_id)
        try:
            request = self._write_request(payload, site, client, (salt, received_at))
            stamp = Stamp(salt, to_us(received_at), request)
            events = encode_events(payload.events, page_load_id, stamp)
        except InvalidUrlError as error:
            raise Problem(Reason.INVALID_URL, error.field) from None
        except UnicodeEncodeError:
            raise Problem(Reason.INVALID_FIELD, "a text is not valid Unicode") from None
        partition = int.from_bytes(page_load_id, "big") % self._gatherer.partitions
        durable = self._gatherer.put(partition, events)
        return Accepted(site.id, len(events), durable)

    def _write_request(
        self, payload: Payload, site: Site, client: Client, stamp: tuple[Salt, datetime]
    ) -> bytes:
        salt, received_at = stamp
        agent = self._minimiser.agents.classify(client.user_agent)
        return write_request_part(
            RequestPart(
                site=site.id,
                source="tag",
                received_at_us=to_us(received_at),
                site_day=salt.day.toordinal() - _EPOCH_DAY,
                site_hour=received_at.astimezone(salt.zone).hour,
                visitor_hash=salt.hash_visitor(
                    client.address, client.user_agent.encode(errors="surrogatepass")
                ),
                salt_segment=salt.segment,
                country=self._minimiser.countries.find(client.address),
                device=(
                    agent.device_class,
                    agent.os_family,
                    agent.browser_family,
                    agent.browser_major,
                ),
                resolution_bucket=bucket_pixels(max(payload.screen)) if payload.screen else "",
                viewport_class=bucket_pixels(payload.viewport[0]) if payload.viewport else "",
                language=reduce_language(payload.language),
                policy_version=POLICY_VERSION,
            )
        )


def parse_body(body: bytes) -> Payload:
    """Parse and bound the body of `POST /v1/events`.

    Raises:
        Problem: the body is no JSON, or a field is missing or out of bounds; the detail names the
            field and never its value.
    """
    try:
        return parse_payload(body)
    except msgspec.ValidationError as error:
        raise Problem(Reason.INVALID_FIELD, _name_fault(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Problem(Reason.MALFORMED_JSON) from None
    except RecursionError:
        raise Problem(Reason.MALFORMED_JSON, "too deeply nested") from None


def _name_fault(text: str) -> str:
    """Return msgspec's sentence; it quotes one kind of value, an unknown type, and that goes."""
    if not text.startswith("Invalid value"):
        return text
    return f"Invalid value{text[text.rfind(' - at `') :]}"
