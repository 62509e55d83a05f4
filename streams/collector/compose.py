"""How the collector's service is put together: its rules, its look-ups and its encoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from streams import metrics
from streams.collector.bots import BotRules, DataCenters
from streams.collector.channels import Channels
from streams.collector.encode import EventEncoder
from streams.collector.gather import Gatherer
from streams.collector.pages import PageReducer
from streams.collector.redact import RedactionKind, Redactor
from streams.collector.service import CollectorService, Rules
from streams.collector.sites import Sites
from streams.collector.stamp import Minimiser, Stamper


@dataclass(frozen=True, slots=True)
class Options:
    """What may be left out: without `centers` no address is a data centre's."""

    centers: DataCenters = field(default_factory=DataCenters.none)
    phone_regions: tuple[str, ...] = ("UA",)


def make_service(
    sites: Sites,
    minimiser: Minimiser,
    gatherer: Gatherer,
    read_clock: Callable[[], datetime],
    options: Options | None = None,
) -> CollectorService:
    """Put the service together.

    Each part that the requests go through is made here but what the caller has opened: the
    look-ups with their files, and the way to Kafka.
    """
    options = options or Options()
    redactor = Redactor(_count_redaction, options.phone_regions)
    bots = BotRules(minimiser.agents.is_bot, options.centers)
    return CollectorService(
        Rules(sites, bots, read_clock, _count_signal),
        Stamper(minimiser),
        EventEncoder(PageReducer(redactor, Channels.load()), redactor, bots.is_spam),
        gatherer,
    )


def make_pages(phone_regions: tuple[str, ...]) -> PageReducer:
    """Put together what reduces addresses, for those that take events by another way."""
    return PageReducer(Redactor(_count_redaction, phone_regions), Channels.load())


def _count_redaction(kind: RedactionKind) -> None:
    metrics.COLLECTOR_REDACTIONS.labels(kind.value).inc()


def _count_signal(signal: str) -> None:
    metrics.COLLECTOR_SIGNALS.labels(signal).inc()
