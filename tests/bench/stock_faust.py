"""The usual way: a stock Faust agent, one event per record, fastavro, rows of tuples.

    python -m tests.bench.stock_faust TOPIC GROUP EVENTS

The comparison of the benchmark, written as Faust's and the driver's documentation show it: batches
through `take`, which is faster than event by event.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import tempfile
from typing import Any, Final

import faust
from clickhouse_driver import Client
from fastavro import schemaless_reader

from schemas.catalogue import Catalogue
from schemas.codec import UNSIGNED_FIELDS
from schemas.framing import HEADER_BYTES
from schemas.topics import WEB_EVENT
from streams.collector.stamp import to_us
from streams.settings import ClickHouseSettings, KafkaSettings

_TAKE: Final = 5_000
_WITHIN_S: Final = 1.0
_LOOK_S: Final = 0.05
_MASK: Final = 2**64 - 1
_PERSONAL: Final = "personal"


def to_row(value: bytes, schema: Any) -> dict[str, Any]:  # noqa: ANN401 - fastavro's schema
    """Decode a record of one event to a row of `staging.hit`."""
    batch: Any = schemaless_reader(io.BytesIO(value[HEADER_BYTES:]), schema, None)
    row: dict[str, Any] = batch["events"][0]
    del row[_PERSONAL]
    for name in UNSIGNED_FIELDS:
        row[name] &= _MASK
    row["first_wins"] = _MASK - to_us(row["received_at"])
    return row


def main(topic: str, group: str, events: int) -> None:
    """Empty a topic and say so."""
    schema = Catalogue.load().newest(WEB_EVENT.name).parsed
    address = ClickHouseSettings.load().as_service()
    client = Client(
        host=address.host,
        port=address.native_port,
        user=address.user,
        password=address.password,
    )
    app = faust.App(
        group,
        broker=f"kafka://{KafkaSettings.load().bootstrap_servers}",
        datadir=tempfile.mkdtemp(),
        store="memory://",
        value_serializer="raw",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        worker_redirect_stdouts=False,
    )
    stored = inserts = 0

    @app.agent(app.topic(topic, value_type=bytes, value_serializer="raw"))
    async def store(stream: Any) -> None:  # noqa: ANN401 - Faust is untyped
        nonlocal stored, inserts
        async for values in stream.take(_TAKE, within=_WITHIN_S):
            rows = [to_row(value, schema) for value in values]
            names = ", ".join(rows[0])
            tuples = [tuple(row.values()) for row in rows]
            client.execute(f"INSERT INTO staging.hit ({names}) VALUES", tuples)
            stored += len(rows)
            inserts += 1
            if stored >= events:
                _say(json.dumps({"inserts": inserts}))

    @app.task
    async def say_when_ready() -> None:
        while not app.consumer.assignment():  # noqa: ASYNC110 - Faust has no event for it
            await asyncio.sleep(_LOOK_S)
        _say("ready")

    worker = faust.Worker(app, quiet=True, override_logging=False, redirect_stdouts=False)
    worker.execute_from_commandline()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
