"""Events that are sent in bulk: packed into full records, bounded in memory, all acknowledged."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from schemas.catalogue import Catalogue
from schemas.errors import HmaraError
from schemas.topics import WEB_EVENT
from streams.collector.avro_writer import check_field_order, write_batch
from streams.collector.gather import MAX_RECORD_BYTES, MAX_RECORD_EVENTS

_POLL_S: Final = 0.1
_FLUSH_S: Final = 60.0
_METADATA_S: Final = 5.0
_QUEUE_KIB: Final = 65_536


class PackerError(HmaraError):
    """Kafka did not take everything; sending the same again is safe."""


@dataclass(slots=True)
class _Load:
    pieces: list[bytes] = field(default_factory=list)
    events: int = 0
    size_bytes: int = 0


class RecordPacker:
    """Packs events as the collector does, for callers that have many and wait for none."""

    def __init__(self, bootstrap_servers: str, sender: str) -> None:
        schema = Catalogue.load().newest(WEB_EVENT.name)
        check_field_order(schema)
        self._schema_id = schema.schema_id
        self._sender = sender
        self._failed: str | None = None
        self._loads: dict[int, _Load] = defaultdict(_Load)
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "client.id": "hmara-packer",
                "acks": "all",
                "enable.idempotence": True,
                "compression.type": "lz4",
                "queue.buffering.max.kbytes": _QUEUE_KIB,
                "log_level": 2,  # what fails is raised, and said once
            }
        )
        self._partitions = self._count_partitions(bootstrap_servers)

    def add(self, number: int, events: bytes, count: int = 1) -> None:
        """Take `count` encoded events; `number` decides their partition, the same one each time.

        Blocks while Kafka is behind.

        Raises:
            PackerError: an earlier record was not acknowledged.
        """
        partition = number % self._partitions
        load = self._loads[partition]
        is_full = load.events + count > MAX_RECORD_EVENTS
        if load.events and (is_full or load.size_bytes + len(events) > MAX_RECORD_BYTES):
            self._send(partition)
            load = self._loads[partition]
        load.pieces.append(events)
        load.events += count
        load.size_bytes += len(events)

    def finish(self) -> None:
        """Send what is left and wait until all is acknowledged.

        Raises:
            PackerError: something was not.
        """
        for partition in list(self._loads):
            self._send(partition)
        left = self._producer.flush(_FLUSH_S)
        if left or self._failed:
            message = f"sending events: {left} records not acknowledged {self._failed or ''}"
            raise PackerError(message.rstrip())

    def _send(self, partition: int) -> None:
        if self._failed:
            message = f"sending events: a record was not acknowledged: {self._failed}"
            raise PackerError(message)
        load = self._loads.pop(partition)
        value = write_batch(self._schema_id, self._sender, load.events, load.pieces)
        while True:
            try:
                self._producer.produce(
                    WEB_EVENT.name, value=value, partition=partition, on_delivery=self._report
                )
            except BufferError:
                self._producer.poll(_POLL_S)
            else:
                break
        self._producer.poll(0)

    def _report(self, error: KafkaError | None, message: Message) -> None:
        del message
        if error is not None:
            self._failed = error.name()

    def _count_partitions(self, bootstrap_servers: str) -> int:
        try:
            topic = self._producer.list_topics(WEB_EVENT.name, timeout=_METADATA_S).topics[
                WEB_EVENT.name
            ]
        except KafkaException as error:
            message = f"reaching Kafka at {bootstrap_servers}: {error.args[0].str()}"
            raise PackerError(message) from None
        if topic.error is not None:
            message = f"sending events: no topic {WEB_EVENT.name}; run `hmara topics apply`"
            raise PackerError(message)
        return len(topic.partitions)
