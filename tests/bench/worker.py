"""Throughput of the worker, from a filled topic to rows, beside two other consumers."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import uvloop

from schemas.topics import WEB_EVENT
from tests.bench.consumers import Run, run_module, run_worker
from tests.bench.errors import BenchError
from tests.bench.events import make_events, with_new_keys
from tests.bench.fill import fill_topic, pack
from tests.bench.record_sizes import RecordSizes, measure_record_sizes
from tests.bench.report import Page, Table, console, describe_machine, judge
from tests.bench.services import (
    SINGLE_TOPIC,
    Services,
    empty_table,
    empty_topic,
    read_version,
)

RATES: Final = (2_000, 20_000)
_GOAL_STOCK: Final = 10.0
_GOAL_STRAIGHT: Final = 0.6
_GOAL_RSS_MB: Final = 800.0
_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    distinct: int
    repeats: int
    single: int
    catch_up: int
    runs: int
    rate_s: float

    @property
    def events(self) -> int:
        """Events in a filled topic."""
        return self.distinct * self.repeats


FULL: Final = Plan(250_000, 2, 60_000, 2_000_000, runs=3, rate_s=8.0)
QUICK: Final = Plan(50_000, 2, 10_000, 200_000, runs=1, rate_s=3.0)


def measure(services: Services, plan: Plan) -> Page:
    """Run everything and return the page."""
    machine = describe_machine(read_version(services))
    page = Page("worker", "From a filled topic to rows", machine)
    sizes = [_measure_sizes(services, rate, plan) for rate in RATES]
    page.add(_sizes_table(sizes))
    console.print(f"encoding {plan.distinct} events")
    events = make_events(plan.distinct, _SEED)
    stock = _run_stock(services, events, plan)
    for size in sizes:
        _compare(services, page, (events, size, stock), plan)
    page.goals.append(_catch_up(services, page, (events, sizes[-1]), plan))
    page.observations += _OBSERVATIONS
    return page


_OBSERVATIONS: Final = """\
Rows are counted with FINAL after every run and equal the events of the topic, or there is no \
page. Medians of the runs.
Every event has its own hit key. A topic holds each distinct event of synthetic visits twice (the \
catch-up topic more often), each time with a new key. Each record is a Kafka batch of its own, \
lz4, as the collector leaves them.
The clock runs from the moment a consumer has its partitions until the insert of the last row is \
answered; its start is not counted, nor are merges of ClickHouse after the last insert. CPU is \
that of all threads.
The stock consumer reads a topic of single-event records: Faust's `take(5000)`, fastavro, a dict \
per event, tuples through clickhouse-driver. The straight loop is confluent-kafka with our \
decode, steps and insert, one insert under way, offsets committed after it.
Stages: the worker's own runner in a process of its own, without Kafka and Faust. `reading` is \
what the worker's CPU is more than that: aiokafka, Faust, the loop. The worker keeps no caches of \
its own: cold is the first chunk of a new process.
""".splitlines()


def _measure_sizes(services: Services, rate: int, plan: Plan) -> RecordSizes:
    console.print(f"measuring the collector's records at {rate} events/s")
    empty_topic(services, WEB_EVENT.name)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure_record_sizes(services, rate, plan.rate_s))


def _sizes_table(sizes: Sequence[RecordSizes]) -> Table:
    rows = [
        (
            f"{size.rate_events_per_s:,}",
            f"{size.mean:.1f}",
            *(str(size.percentile(share)) for share in (0.1, 0.5, 0.9, 0.99)),
            f"{size.ack_p50_ms:.1f}",
        )
        for size in sizes
    ]
    columns = ("events/s", "events per record", "p10", "p50", "p90", "p99", "ack p50 ms")
    return Table("Records as the collector writes them", columns, rows)


def _run_stock(services: Services, events: list[bytes], plan: Plan) -> list[Run]:
    console.print("a stock Faust app")
    empty_topic(services, SINGLE_TOPIC)
    fill_topic(services, SINGLE_TOPIC, pack(events[: plan.single], None))
    return [
        run_module(services, "stock_faust", SINGLE_TOPIC, plan.single) for _ in range(plan.runs)
    ]


def _compare(
    services: Services, page: Page, load: tuple[list[bytes], RecordSizes, list[Run]], plan: Plan
) -> None:
    """Fill the topic with records of one size, and let the consumers empty it in turns."""
    events, sizes, stock = load
    rate = sizes.rate_events_per_s
    console.print(f"filling the topic with records as at {rate} events/s")
    empty_topic(services, WEB_EVENT.name)
    fill_topic(services, WEB_EVENT.name, pack(with_new_keys(events * plan.repeats), sizes))
    worker: list[Run] = []
    straight: list[Run] = []
    for _ in range(plan.runs):
        worker.append(run_worker(services, plan.events))
        straight.append(run_module(services, "straight_loop", WEB_EVENT.name, plan.events))
    title = f"{plan.events:,} events, records as at {rate:,} events/s"
    named = (("hmara worker", worker), ("straight loop", straight), ("stock Faust", stock))
    page.add(Table(title, _RUN_COLUMNS, [_run_row(name, runs) for name, runs in named]))
    page.add(_stages_table(services, f"Stages, records as at {rate:,} events/s", worker))
    for name, others, goal in (
        ("a stock Faust app", stock, _GOAL_STOCK),
        ("a straight loop", straight, _GOAL_STRAIGHT),
    ):
        ratio = _median(worker, _rate) / _median(others, _rate)
        cpu_ratio = _median(others, _cpu_us) / _median(worker, _cpu_us)
        what = f"Events/s against {name}, records as at {rate:,} events/s"
        page.goals.append(judge(what, ratio, goal, note=f"by CPU per event {cpu_ratio:.2g}"))


_RUN_COLUMNS: Final = (
    *("consumer", "events/s", "range", "CPU us/event", "Kafka us", "ClickHouse us"),
    *("events/insert", "peak MB"),
)


def _rate(run: Run) -> float:
    return run.events_per_s


def _cpu_us(run: Run) -> float:
    return run.per_event_us(run.cpu_s)


def _median(runs: Sequence[Run], read: Callable[[Run], float]) -> float:
    return median(read(run) for run in runs)


def _run_row(name: str, runs: list[Run]) -> tuple[str, ...]:
    rates = sorted(run.events_per_s for run in runs)
    return (
        name,
        f"{median(rates):,.0f}",
        f"{rates[0]:,.0f}-{rates[-1]:,.0f}",
        f"{_median(runs, _cpu_us):.2f}",
        f"{_median(runs, lambda run: run.per_event_us(run.kafka_cpu_s)):.2f}",
        f"{_median(runs, lambda run: run.per_event_us(run.clickhouse_cpu_s)):.2f}",
        f"{_median(runs, lambda run: run.chunk_events):,.0f}",
        f"{max(run.peak_rss_bytes for run in runs) / 1e6:.0f}",
    )


def _stages_table(services: Services, title: str, runs: list[Run]) -> Table:
    """Run the stages alone, and put the worker's wall times and its reading beside them."""
    empty_table(services)
    events, chunk_events = runs[0].events, round(runs[0].chunk_events)
    command = [sys.executable, "-m", "tests.bench.stages", str(events), str(chunk_events)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        message = f"measuring stages: {result.stderr.splitlines()[-1:]}"
        raise BenchError(message)
    stages: dict[str, dict[str, float]] = json.loads(result.stdout)
    whole = stages.pop("whole chunk")
    total_us = _median(runs, _cpu_us)
    rows = [
        (
            name,
            f"{cpu['later']:.2f}",
            f"{cpu['first']:.2f}",
            f"{_median(runs, lambda run: run.per_event_us(run.wall_by_step_s[name])):.2f}",  # noqa: B023
        )
        for name, cpu in stages.items()
    ]
    rows.append(("all stages", f"{whole['later']:.2f}", f"{whole['first']:.2f}", ""))
    rows.append(("reading", f"{total_us - whole['later']:.2f}", "", ""))
    columns = ("stage", "CPU us/event, warm", "cold", "wall us/event in the worker")
    return Table(title, columns, rows)


def _catch_up(
    services: Services, page: Page, load: tuple[list[bytes], RecordSizes], plan: Plan
) -> str:
    events, sizes = load
    console.print(f"filling the topic with {plan.catch_up} events to catch up")
    repeats = -(-plan.catch_up // len(events))
    again = with_new_keys((events * repeats)[: plan.catch_up])
    empty_topic(services, WEB_EVENT.name)
    fill_topic(services, WEB_EVENT.name, pack(again, sizes))
    run = run_worker(services, plan.catch_up)
    page.add(
        Table(
            f"Catching up {plan.catch_up:,} events",
            _RUN_COLUMNS,
            [_run_row("hmara worker", [run])],
        )
    )
    what = f"Peak resident MB while catching up {plan.catch_up:,} events"
    return judge(what, run.peak_rss_bytes / 1e6, _GOAL_RSS_MB, at_most=True)


if __name__ == "__main__":
    from tests.bench.__main__ import main

    sys.exit(main(["worker", *sys.argv[1:]]))
