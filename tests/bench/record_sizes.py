"""How many events the collector puts into a record at a given load: measured, not guessed."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import Final

from processors.decode import decode_records
from schemas.catalogue import Catalogue
from schemas.codec import EventCodec
from schemas.topics import WEB_EVENT
from streams.collector.client import Client
from streams.collector.gather import Acknowledge, NotDurableError
from streams.collector.producer import KafkaRecordSink
from streams.collector.service import CollectorService
from tests.bench.errors import BenchError
from tests.bench.events import make_gatherer, open_service, take_posts, to_client
from tests.bench.services import Services

_ACK_TIMEOUT_S: Final = 5.0
_SEED: Final = 3


@dataclass(frozen=True, slots=True)
class RecordSizes:
    """Events per record at one rate, with how often each number occurred."""

    rate_events_per_s: int
    counts: Counter[int]
    ack_p50_ms: float

    @property
    def mean(self) -> float:
        """Events per record on average."""
        return sum(size * times for size, times in self.counts.items()) / self.counts.total()

    def percentile(self, share: float) -> int:
        """Return the size that `share` of the records do not exceed."""
        sizes = sorted(self.counts.elements())
        return sizes[min(int(share * len(sizes)), len(sizes) - 1)]


class _Recording:
    """The collector's sink, keeping a copy of every record."""

    def __init__(self, sink: KafkaRecordSink) -> None:
        self._sink = sink
        self.values: list[bytes] = []

    def send(self, partition: int, value: bytes, acknowledge: Acknowledge) -> None:
        self.values.append(value)
        self._sink.send(partition, value, acknowledge)


async def measure_record_sizes(
    services: Services, rate_events_per_s: int, seconds: float
) -> RecordSizes:
    """Give the collector's service and gatherer a load, and count the events in its records.

    Posts arrive at random times (exponential gaps), from a thread of their own.
    """
    sink = KafkaRecordSink(services.kafka.bootstrap_servers, WEB_EVENT.name, _ACK_TIMEOUT_S)
    recording = _Recording(sink)
    gatherer = make_gatherer(recording)
    posts = take_posts(_SEED, int(rate_events_per_s * seconds))
    requests = [(post.body(), to_client(post)) for post in posts]
    with open_service(gatherer) as service:
        waits_s = await _accept_all(service, requests, seconds / len(requests))
    sink.close()
    counts = count_events(recording.values)
    return RecordSizes(rate_events_per_s, counts, median(waits_s) * 1_000)


async def _accept_all(
    service: CollectorService, requests: list[tuple[bytes, Client]], gap_s: float
) -> list[float]:
    """Hand over each request when it is due; return how long each waited for its ack, seconds."""
    loop = asyncio.get_running_loop()
    waits_s: list[float] = []
    acknowledged: list[asyncio.Future[None]] = []

    def accept(position: int) -> None:
        taken_s = loop.time()
        durable = service.accept(*requests[position]).durable
        if durable is None:
            message = "measuring record sizes: the collector took a visitor for a robot"
            raise BenchError(message)
        durable.add_done_callback(lambda _: waits_s.append(loop.time() - taken_s))
        acknowledged.append(durable)

    def feed() -> None:
        dice = random.Random(_SEED)
        due_s = time.monotonic()
        for position in range(len(requests)):
            due_s += dice.expovariate(1 / gap_s)
            if (wait_s := due_s - time.monotonic()) > 0:
                time.sleep(wait_s)
            loop.call_soon_threadsafe(accept, position)

    await asyncio.to_thread(feed)
    await asyncio.sleep(0)
    try:
        await asyncio.gather(*acknowledged)
    except NotDurableError as error:
        message = f"measuring record sizes: a post failed: {error}"
        raise BenchError(message) from error
    return waits_s


def count_events(values: list[bytes]) -> Counter[int]:
    """Count the events of each record."""
    decoded = decode_records(EventCodec(Catalogue.load()), values)
    per_record = Counter(decoded.columns.record.to_pylist())
    return Counter(per_record.values())
