"""Dead letters to their topic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from confluent_kafka import KafkaException, Producer

from schemas.catalogue import Catalogue
from schemas.codec import encode_reference
from schemas.dead_letter import DeadLetter
from schemas.topics import DEAD_LETTER
from sinks.base import SinkBackpressure

_RETRY_AFTER_S: Final = 1.0
_FLUSH_S: Final = 30.0


class DeadLetterSink:
    """Writes dead letters, keyed by their source topic, and waits until Kafka has them."""

    name: Final = DEAD_LETTER.name
    max_batch: Final = 10_000

    def __init__(self, bootstrap_servers: str, catalogue: Catalogue) -> None:
        self._schema = catalogue.newest(DEAD_LETTER.name)
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "client.id": "hmara-dead-letter",
                "acks": "all",
                "enable.idempotence": True,
                "compression.type": "lz4",
                "message.max.bytes": DEAD_LETTER.max_record_bytes,
                "delivery.timeout.ms": int(_FLUSH_S * 1000),
                "log_level": 2,  # what fails is raised, and said once
            }
        )

    def write(self, batch: Sequence[DeadLetter]) -> None:
        """Send the letters; see `Sink.write`."""
        failed: list[str] = []
        try:
            for letter in batch:
                self._producer.produce(
                    DEAD_LETTER.name,
                    key=letter.source_topic.encode(),
                    value=encode_reference(self._schema, letter.to_datum()),
                    on_delivery=lambda error, _: failed.append(error.name()) if error else None,
                )
                self._producer.poll(0)
            left = self._producer.flush(_FLUSH_S)
        except (KafkaException, BufferError) as error:
            message = f"writing dead letters: {type(error).__name__}"
            raise SinkBackpressure(message, retry_after_s=_RETRY_AFTER_S) from error
        if failed or left:
            message = f"writing dead letters: {left} not acknowledged, {failed[:1]}"
            raise SinkBackpressure(message, retry_after_s=_RETRY_AFTER_S)

    def healthy(self) -> bool:
        """Say whether Kafka answers."""
        try:
            self._producer.list_topics(DEAD_LETTER.name, timeout=_RETRY_AFTER_S)
        except KafkaException:
            return False
        return True

    def close(self) -> None:
        """Wait for what is under way."""
        self._producer.flush(_FLUSH_S)
