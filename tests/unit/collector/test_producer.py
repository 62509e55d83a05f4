"""The collector's producer: one answer per record, on the loop, whatever Kafka's library does."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.collector import producer as module
from streams.collector.gather import NotDurableError
from streams.collector.producer import KafkaRecordSink

Report = Callable[[KafkaError | None, Any], None]


class Library:
    """Kafka's producer in memory; like the real one it reports only from within `poll`."""

    made: list[Library]

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.held: list[tuple[bytes, int, Report]] = []
        self.reports: queue.Queue[Callable[[], None]] = queue.Queue()
        self.error: Exception | None = None
        self.topics: dict[str, Any] = {}
        self.made.append(self)

    def produce(self, topic: str, *, value: bytes, partition: int, on_delivery: Report) -> None:
        """Take a record."""
        assert topic == "events"
        if self.error is not None:
            raise self.error
        self.held.append((value, partition, on_delivery))

    def answer(self, error: KafkaError | None = None) -> None:
        """Let Kafka answer all that is held."""
        for _, _, report in self.held:
            self.reports.put(partial(report, error, None))
        self.held.clear()

    def poll(self, timeout: float) -> int:
        """Serve reports."""
        try:
            self.reports.get(timeout=timeout or 0.001)()
        except queue.Empty:
            return 0
        while not self.reports.empty():
            self.reports.get()()
        return 1

    def purge(self) -> None:
        """Give up all that is held."""
        self.answer(KafkaError(KafkaError._PURGE_QUEUE))  # noqa: SLF001 - the library's name

    def flush(self, timeout: float) -> int:
        """Wait for all that is held."""
        del timeout
        self.answer()
        self.poll(0)
        return 0

    def list_topics(self, topic: str, timeout: float) -> Any:  # noqa: ANN401 - as the library's
        """Return what Kafka knows of a topic."""
        del topic, timeout
        if self.error is not None:
            raise self.error
        return SimpleNamespace(topics=self.topics)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Library]:
    """Return the producers that the sink makes, the newest last."""
    Library.made = []
    monkeypatch.setattr(module, "Producer", Library)
    return Library.made


class Answers:
    """Collects answers, and on which thread they came."""

    def __init__(self) -> None:
        self.errors: list[Exception | None] = []
        self.threads: set[int] = set()
        self.came = asyncio.Event()

    def take(self, error: Exception | None) -> None:
        """Take an answer."""
        self.errors.append(error)
        self.threads.add(threading.get_ident())
        self.came.set()


async def wait_for(answers: Answers, count: int) -> None:
    """Wait until so many answers have come."""
    async with asyncio.timeout(5):
        while len(answers.errors) < count:
            answers.came.clear()
            await answers.came.wait()


def open_sink() -> KafkaRecordSink:
    """Return a sink for the topic."""
    return KafkaRecordSink("kafka.example.org:9092", "events", 5.0)


def close(sink: KafkaRecordSink) -> None:
    """Close a sink; its thread has ended then."""
    sink.close()
    assert not any(thread.name == "kafka-poll" for thread in threading.enumerate())


async def test_a_record_is_answered_once_and_on_the_loop(made: list[Library]) -> None:
    """The report comes from the polling thread, and the answer is given on the event loop."""
    sink, answers = open_sink(), Answers()
    sink.send(3, b"value", answers.take)
    (library,) = made
    assert [(value, partition) for value, partition, _ in library.held] == [(b"value", 3)]
    library.answer()
    await wait_for(answers, 1)
    close(sink)
    await asyncio.sleep(0)
    assert answers.errors == [None]
    assert answers.threads == {threading.get_ident()}


async def test_a_record_is_durable_by_all_replicas_and_in_order(made: list[Library]) -> None:
    """The producer is idempotent and waits for all in-sync replicas, without lingering."""
    close(open_sink())
    settings = made[0].settings
    assert (settings["acks"], settings["enable.idempotence"]) == ("all", True)
    assert settings["linger.ms"] == 0
    assert settings["delivery.timeout.ms"] == 5_000


async def test_a_record_that_was_not_delivered_is_not_durable(made: list[Library]) -> None:
    """A delivery error is passed on by its name, without any word of the record."""
    sink, answers = open_sink(), Answers()
    sink.send(0, b"value", answers.take)
    made[0].answer(KafkaError(KafkaError._MSG_TIMED_OUT, "value"))  # noqa: SLF001
    await wait_for(answers, 1)
    close(sink)
    (error,) = answers.errors
    assert isinstance(error, NotDurableError)
    assert str(error) == "sending record: _MSG_TIMED_OUT"


@pytest.mark.parametrize(
    "error", [BufferError("full"), KafkaException(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))]
)
async def test_a_record_that_is_not_taken_raises(made: list[Library], error: Exception) -> None:
    """A full queue or a refused record is told at once, and no answer comes later."""
    sink, answers = open_sink(), Answers()
    made[0].error = error
    with pytest.raises(NotDurableError):
        sink.send(0, b"value", answers.take)
    close(sink)
    await asyncio.sleep(0)
    assert answers.errors == []
    assert len(made) == 1


async def test_a_fatal_error_replaces_the_producer(made: list[Library]) -> None:
    """What the broken producer held is not durable, and the next record goes to a new one."""
    sink, held, refused, later = open_sink(), Answers(), Answers(), Answers()
    sink.send(0, b"held", held.take)
    fatal = KafkaError(KafkaError._FATAL, fatal=True)  # noqa: SLF001
    made[0].error = KafkaException(fatal)
    with pytest.raises(NotDurableError):
        sink.send(0, b"refused", refused.take)
    await wait_for(held, 1)
    assert isinstance(held.errors[0], NotDurableError)
    sink.send(0, b"later", later.take)
    assert len(made) == 2
    made[1].answer()
    await wait_for(later, 1)
    close(sink)
    assert (later.errors, refused.errors) == ([None], [])


async def test_partitions_are_counted_as_kafka_has_them(made: list[Library]) -> None:
    """A missing or faulty topic has no partitions; Kafka that does not answer is an error."""
    sink = open_sink()
    assert sink.count_partitions() == 0
    made[0].topics["events"] = SimpleNamespace(partitions=[0, 1, 2], error=None)
    assert sink.count_partitions() == 3
    made[0].topics["events"].error = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
    assert sink.count_partitions() == 0
    made[0].error = KafkaException(KafkaError(KafkaError._TRANSPORT))  # noqa: SLF001
    with pytest.raises(NotDurableError):
        sink.count_partitions()
    close(sink)


def test_a_report_after_the_loop_has_ended_is_no_fault(made: list[Library]) -> None:
    """The last reports may come when nobody waits any more; the polling thread lives on."""
    sinks: list[KafkaRecordSink] = []

    async def leave() -> None:
        sinks.append(open_sink())
        sinks[0].send(0, b"value", Answers().take)

    asyncio.run(leave())
    made[0].answer()
    close(sinks[0])
    assert made[0].reports.empty()
