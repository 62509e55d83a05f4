"""No Faust: a confluent-kafka consumer, our own decode, steps and insert, in one loop.

python -m tests.bench.straight_loop TOPIC GROUP EVENTS
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Final

from confluent_kafka import Consumer

from processors.columns import Context
from processors.decode import decode_records
from schemas.catalogue import Catalogue
from schemas.codec import EventCodec
from sinks.clickhouse.sink import ClickHouseSink
from streams.settings import ClickHouseSettings, KafkaSettings
from streams.topology import WEB_EVENTS

_CHUNK_BYTES: Final = 8 << 20
_READ: Final = 500
_WAIT_S: Final = 0.1


def read_chunk(consumer: Consumer) -> list[bytes]:
    """Read until there are bytes enough for a large insert, or nothing more comes."""
    values: list[bytes] = []
    size_bytes = 0
    while size_bytes < _CHUNK_BYTES:
        records = consumer.consume(_READ, _WAIT_S)
        if not records:
            break
        found = [record.value() for record in records]
        values += found
        size_bytes += sum(map(len, found))
    return values


def main(topic: str, group: str, events: int) -> None:
    """Empty a topic and say so."""
    codec = EventCodec(Catalogue.load())
    outlet = WEB_EVENTS.outlets[0]
    sink = ClickHouseSink(ClickHouseSettings.load().as_service(), outlet.database, outlet.table)
    consumer = Consumer(
        {
            "bootstrap.servers": KafkaSettings.load().bootstrap_servers,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic], on_assign=lambda *_: _say("ready"))
    ctx = Context(policy_version="0")
    stored = inserts = 0
    while stored < events:
        values = read_chunk(consumer)
        if not values:
            continue
        columns = decode_records(codec, values).columns
        for step in WEB_EVENTS.steps:
            columns = step(columns, ctx).kept
        sink.write(outlet.cut(columns, ctx))
        consumer.commit(asynchronous=False)
        stored += len(columns)
        inserts += 1
    _say(json.dumps({"inserts": inserts}))
    signal.pause()  # its CPU and memory are read from outside


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
