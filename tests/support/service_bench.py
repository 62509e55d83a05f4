"""The collector's service without HTTP and Kafka, as tests send events to it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from streams.collector.client import Client
from streams.collector.minimise import pack_address
from streams.collector.service import Accepted, CollectorService
from streams.collector.sites import Site, Sites
from tests.support.collector import (
    CHROME,
    ORIGIN,
    SITE,
    WRITE_KEY,
    Clock,
    MemorySink,
    make_body,
    make_collector_service,
)
from tests.support.events import Datum

PAGE: Final = f"{ORIGIN}/tea"
ADDRESS: Final = pack_address("176.36.1.2") or b""
SHOP: Final = replace(SITE, query_parameters=frozenset({"page"}))


class Bench:
    """A service over a sink of memory, for one site."""

    def __init__(self, volatile: Path, site: Site = SHOP) -> None:
        self.sink = MemorySink(is_auto=True)
        self.clock = Clock()
        self.service: CollectorService = make_collector_service(
            volatile, self.sink, self.clock, Sites({site.id: site})
        )

    async def send(self, *events: Datum, client: Client | None = None, **fields: Any) -> Accepted:  # noqa: ANN401 - any JSON
        """Send events as the tag does, and wait until they are durable."""
        accepted = self.service.accept(make_body(*events, **fields), client or make_client())
        return await self.settle(accepted)

    async def settle(self, accepted: Accepted) -> Accepted:
        """Wait until what was accepted is durable."""
        if accepted.durable is not None:
            await asyncio.wait_for(accepted.durable, 5)
        return accepted


def make_client(**changes: Any) -> Client:  # noqa: ANN401 - the fields of a client
    """Return a person's client."""
    return replace(Client(ADDRESS, CHROME, ORIGIN), **changes)


def make_server_event(**fields: Any) -> Datum:  # noqa: ANN401 - any JSON
    """Return a custom event of a server."""
    return {"type": "custom", "id": str(uuid4()), "name": "order_paid"} | fields


async def send_server(bench: Bench, *events: Datum, key: str = WRITE_KEY) -> Accepted:
    """Send events as a server does."""
    body = json.dumps({"site": "demo", "events": list(events)}).encode()
    return await bench.settle(bench.service.accept_server_events(body, key))
