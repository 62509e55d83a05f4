"""CPU time of the worker's stages: its own runner on a topic's records, in this process alone.

    python -m tests.bench.stages EVENTS CHUNK_EVENTS

Prints one line of JSON: for each stage, microseconds of CPU per event (all threads) in the first
chunk, when every cache is cold, and in the median of the later ones.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from processors.columns import Context
from schemas.topics import WEB_EVENT
from streams import metrics
from streams.app import build_runner
from streams.settings import ClickHouseSettings, KafkaSettings, WorkerSettings
from streams.transport import RecordList

_READ: Final = 1_000
_WAIT_S: Final = 1.0
_WHOLE: Final = "whole chunk"


class CpuRecorder:
    """Stands in for the metric of step times, and notes CPU time instead."""

    def __init__(self) -> None:
        self.chunk: dict[str, float] = {}
        self._step = ""

    def labels(self, step: str) -> CpuRecorder:
        """Choose the step that `time` is about."""
        self._step = step
        return self

    @contextmanager
    def time(self) -> Iterator[None]:
        """Note the CPU time of a block, all threads of the process together."""
        step, start_s = self._step, time.process_time()
        yield
        self.chunk[step] = self.chunk.get(step, 0.0) + time.process_time() - start_s


def read_values(events: int, chunk_events: int) -> list[tuple[bytes, ...]]:
    """Read the whole topic into chunks of about `chunk_events` events."""
    consumer = Consumer(
        {
            "bootstrap.servers": KafkaSettings.load().bootstrap_servers,
            "group.id": "bench-stages",
            "enable.auto.commit": False,
            "enable.partition.eof": False,
        }
    )
    consumer.assign(
        [TopicPartition(WEB_EVENT.name, n, OFFSET_BEGINNING) for n in range(WEB_EVENT.partitions)]
    )
    values: list[bytes] = []
    while records := consumer.consume(_READ, _WAIT_S):
        values += [record.value() for record in records]
    consumer.close()
    step = max(1, round(len(values) * chunk_events / events))
    return [tuple(values[start : start + step]) for start in range(0, len(values), step)]


def main(events: int, chunk_events: int) -> None:
    """Run every chunk through the worker's runner and print the stages."""
    chunks = read_values(events, chunk_events)
    settings = WorkerSettings.load()
    runner = build_runner(settings, KafkaSettings.load(), ClickHouseSettings.load())
    replaced: Any = metrics
    recorder = replaced.WORKER_STEP_SECONDS = CpuRecorder()
    ctx = Context(policy_version="0")
    found: list[dict[str, float]] = []
    for values in chunks:
        recorder.chunk = {}
        start_s = time.process_time()
        offsets = tuple(range(len(values)))
        count = runner.run([RecordList(WEB_EVENT.name, 0, offsets, values)], ctx)
        recorder.chunk[_WHOLE] = time.process_time() - start_s
        found.append({step: spent_s / count * 1e6 for step, spent_s in recorder.chunk.items()})
    later = found[1:] or found
    stages = {
        step: {"first": found[0][step], "later": median(chunk[step] for chunk in later)}
        for step in found[0]
    }
    sys.stdout.write(json.dumps(stages) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
