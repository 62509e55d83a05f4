"""The real collector, whole or with its end cut off, to see what Kafka and the encoding cost.

    python -m tests.bench.collector_server VARIANT SITES_FILE PORT

Variants: `kafka` is the collector as it is; `instant` does all but send: its sink acknowledges at
once; `validate` parses and bounds the body, and answers.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, Final

import uvloop

from schemas.topics import WEB_EVENT
from streams.collector import server
from streams.collector.bodies import parse_body
from streams.collector.client import Client
from streams.collector.gather import Acknowledge
from streams.collector.service import Accepted
from streams.logs import configure_logging
from streams.settings import CollectorSettings, KafkaSettings

VARIANTS: Final = ("kafka", "instant", "validate")


class InstantSink:
    """Acknowledges a record when it is handed over."""

    def __init__(self, *_: object) -> None:
        self.count_partitions = lambda: WEB_EVENT.partitions

    def send(self, partition: int, value: bytes, acknowledge: Acknowledge) -> None:
        """Say that the record is durable, which it is not."""
        del partition, value
        acknowledge(None)

    def close(self) -> None:
        """Nothing is open."""


class ValidatingService:
    """Looks at the body and keeps nothing."""

    def __init__(self, *_: object) -> None:
        """Take what the service is put together from, and need none of it."""

    def accept(self, body: bytes, client: Client) -> Accepted:
        """Parse and bound the body as the collector does."""
        del client
        payload = parse_body(body)
        return Accepted(payload.site, len(payload.events), None)


def main(variant: str, sites_file: Path, port: int) -> None:
    """Serve until SIGTERM."""
    configure_logging()
    replaced: Any = server
    if variant != "kafka":
        replaced.KafkaRecordSink = InstantSink
    if variant == "validate":
        replaced.make_service = ValidatingService
    # The load's addresses are few: their rates are counted, and never too high.
    settings = CollectorSettings.load(
        sites_file=sites_file,
        port=port,
        trusted_proxies=("127.0.0.1",),
        requests_per_s=1e9,
        burst_requests=1_000_000_000,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve(settings, KafkaSettings.load()))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
