"""Records to Kafka: idempotent, acknowledged by all in-sync replicas, reported on the loop."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import Any, Final

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streams.collector.gather import Acknowledge, NotDurableError

_POLL_S: Final = 0.1
_FLUSH_S: Final = 10.0
_METADATA_S: Final = 2.0
log = structlog.get_logger(__name__)


class KafkaRecordSink:
    """A confluent-kafka producer for one topic, with the thread that polls it.

    A fatal error of the idempotent producer (its sequence is lost) can not be healed, so the
    producer is replaced; what it held is reported as not durable, and the client retries.
    """

    def __init__(self, bootstrap_servers: str, topic: str, ack_timeout_s: float) -> None:
        self._topic = topic
        self._settings: dict[str, Any] = {
            "bootstrap.servers": bootstrap_servers,
            "client.id": "hmara-collector",
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 0,
            "compression.type": "lz4",
            "delivery.timeout.ms": int(ack_timeout_s * 1000),
            "request.timeout.ms": int(ack_timeout_s * 1000),
            "message.max.bytes": 1 << 20,
            "log_level": 2,  # librdkafka would write a line per attempt, past our log
        }
        self._loop = asyncio.get_running_loop()
        self._producer = Producer(self._settings)
        self._reported: deque[tuple[Acknowledge, NotDurableError | None]] = deque()
        self._is_woken = False
        self._running = True
        self._thread = threading.Thread(target=self._poll, name="kafka-poll", daemon=True)
        self._thread.start()

    def send(self, partition: int, value: bytes, acknowledge: Acknowledge) -> None:
        """Send a record; see `RecordSink.send`."""

        def report(error: KafkaError | None, message: Message) -> None:
            del message
            self._reported.append((acknowledge, None if error is None else _not_durable(error)))
            if self._is_woken:
                return
            self._is_woken = True
            try:
                self._loop.call_soon_threadsafe(self._acknowledge)
            except RuntimeError:  # the loop is closed: nobody waits for the answer any more
                return

        try:
            self._producer.produce(
                self._topic, value=value, partition=partition, on_delivery=report
            )
        except BufferError:
            message = "sending record: the producer's queue is full"
            raise NotDurableError(message) from None
        except KafkaException as error:
            kafka_error = error.args[0]
            if kafka_error.fatal():
                self._replace(kafka_error)
            raise _not_durable(kafka_error) from None

    def count_partitions(self) -> int:
        """Ask Kafka how many partitions the topic has; 0 if it has no such topic.

        Blocks up to two seconds.

        Raises:
            NotDurableError: Kafka does not answer.
        """
        try:
            metadata = self._producer.list_topics(self._topic, timeout=_METADATA_S)
        except KafkaException as error:
            message = f"asking for {self._topic}: {error.args[0].str()}"
            raise NotDurableError(message) from None
        topic = metadata.topics.get(self._topic)
        return len(topic.partitions) if topic is not None and topic.error is None else 0

    def close(self) -> None:
        """Wait for the records under way, then stop the thread."""
        self._producer.flush(_FLUSH_S)
        self._running = False
        self._thread.join()

    def _acknowledge(self) -> None:
        """Hand on, on the loop, what was reported since it was woken: once for many reports."""
        self._is_woken = False  # first: what is reported from here on wakes it again
        while self._reported:
            acknowledge, failure = self._reported.popleft()
            try:
                acknowledge(failure)
            except Exception:
                self._loop.call_soon(self._acknowledge)  # the others wait all the same
                raise

    def _poll(self) -> None:
        while self._running:
            self._producer.poll(_POLL_S)

    def _replace(self, error: KafkaError) -> None:
        log.error("producer_replaced", code=error.code(), name=error.name())
        broken, self._producer = self._producer, Producer(self._settings)
        broken.purge()
        broken.poll(0)


def _not_durable(error: KafkaError) -> NotDurableError:
    message = f"sending record: {error.name()}"
    return NotDurableError(message)
