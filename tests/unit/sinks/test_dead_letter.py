"""Dead letters on their way to Kafka."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import pytest
from confluent_kafka import KafkaError, KafkaException

from schemas.catalogue import Catalogue
from schemas.codec import decode_reference
from schemas.dead_letter import DeadLetter
from schemas.topics import DEAD_LETTER
from sinks import dead_letter as module
from sinks.base import Sink, SinkBackpressure
from sinks.dead_letter import DeadLetterSink

CATALOGUE: Final = Catalogue.load()
NOW: Final = datetime(2026, 7, 1, 9, tzinfo=UTC)
LETTERS: Final = [
    DeadLetter("web.event.v1", 0, offset, -1, "decode", "no_frame", "", "1", NOW, b"\xff secret")
    for offset in range(3)
]


class Library:
    """Kafka's producer in memory: acknowledges on `flush`."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.held: list[tuple[bytes, bytes, Any]] = []
        self.error: Exception | None = None
        self.delivery: KafkaError | None = None
        self.left = 0

    def produce(self, topic: str, *, key: bytes, value: bytes, on_delivery: Any) -> None:  # noqa: ANN401 - the library's callback
        """Take a record."""
        assert topic == DEAD_LETTER.name
        if self.error is not None:
            raise self.error
        self.held.append((key, value, on_delivery))

    def poll(self, _: float) -> None:
        """Report nothing yet."""

    def flush(self, _: float) -> int:
        """Report all."""
        for _key, _value, report in self.held:
            report(self.delivery, None)
        return self.left

    def list_topics(self, *_: object, **__: object) -> None:
        """Answer, or not."""
        if self.error is not None:
            raise self.error


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> DeadLetterSink:
    """Return a sink over the library in memory."""
    monkeypatch.setattr(module, "Producer", Library)
    return DeadLetterSink("kafka.example.org:9092", CATALOGUE)


def library_of(sink: DeadLetterSink) -> Library:
    """Return the library that a sink uses."""
    library: Any = sink._producer  # noqa: SLF001 - it is the test's own
    assert isinstance(library, Library)
    return library


def test_letters_are_keyed_and_read_back(sink: DeadLetterSink) -> None:
    """Each letter is one record under its source topic, durable on all replicas when written."""
    assert isinstance(sink, Sink)
    sink.write(LETTERS)
    library = library_of(sink)
    assert {key for key, _, _ in library.held} == {b"web.event.v1"}
    found = [
        DeadLetter.from_datum(decode_reference(CATALOGUE, value)) for _, value, _ in library.held
    ]
    assert found == LETTERS
    assert library.settings["acks"] == "all"
    assert sink.healthy()
    sink.close()


@pytest.mark.parametrize(
    "fault",
    [
        {"error": BufferError("full")},
        {"error": KafkaException(KafkaError(KafkaError._TRANSPORT))},  # noqa: SLF001
        {"delivery": KafkaError(KafkaError._MSG_TIMED_OUT)},  # noqa: SLF001
        {"left": 2},
    ],
    ids=str,
)
def test_an_unacknowledged_letter_is_written_again(
    sink: DeadLetterSink, fault: dict[str, Any]
) -> None:
    """Whatever keeps a letter from being durable is backpressure, and does not quote the letter."""
    for name, value in fault.items():
        setattr(library_of(sink), name, value)
    with pytest.raises(SinkBackpressure) as caught:
        sink.write(LETTERS)
    assert caught.value.retry_after_s > 0
    assert "secret" not in str(caught.value)


def test_a_silent_broker_is_not_healthy(sink: DeadLetterSink) -> None:
    """The sink is healthy only while Kafka answers."""
    library_of(sink).error = KafkaException(KafkaError(KafkaError._TRANSPORT))  # noqa: SLF001
    assert not sink.healthy()
