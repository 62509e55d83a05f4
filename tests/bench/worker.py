"""Worker throughput: from a filled topic to rows, beside the usual way and beside no Faust."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from statistics import median
from typing import Final

from schemas.topics import WEB_EVENT
from tests.bench.consumers import Run, run_module, run_worker
from tests.bench.events import make_events, with_new_keys
from tests.bench.fill import fill_topic, pack
from tests.bench.record_sizes import RecordSizes, measure_record_sizes
from tests.bench.services import SINGLE_TOPIC, Services, empty_topic

RATES: Final = (2_000, 20_000)
GOAL_STOCK: Final = 10.0
GOAL_STRAIGHT: Final = 0.6
GOAL_RSS_BYTES: Final = 800 * 1_000_000
_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is run: distinct events, events of the memory run, and how often each."""

    events: int
    stock_events: int
    memory_events: int
    repeats: int
    sizing_s: float


FULL: Final = Plan(500_000, 40_000, 2_000_000, 3, 10.0)
QUICK: Final = Plan(60_000, 10_000, 120_000, 1, 3.0)


@dataclass(frozen=True, slots=True)
class Row:
    """The runs of one consumer on one topic."""

    name: str
    records: str
    runs: tuple[Run, ...]

    def middle(self, read: Callable[[Run], float]) -> float:
        """Return the median of a figure over the runs."""
        return median(read(run) for run in self.runs)

    @property
    def events_per_s(self) -> float:
        """Median throughput."""
        return self.middle(lambda run: run.events_per_s)


@dataclass(frozen=True, slots=True)
class WorkerResult:
    """Everything the page shows."""

    rows: tuple[Row, ...]
    sizes: tuple[RecordSizes, ...]
    memory: Run


def measure_worker(services: Services, plan: Plan) -> WorkerResult:
    """Fill topics and let each consumer empty them, in turn within each repeat."""
    empty_topic(services, WEB_EVENT.name)
    sizes = tuple(
        asyncio.run(measure_record_sizes(services, rate, plan.sizing_s)) for rate in RATES
    )
    events = make_events(plan.events, _SEED)
    rows: list[Row] = []
    for size in sizes:
        records = f"{size.mean:.1f} events a record, as at {size.rate_events_per_s:,} events/s"
        empty_topic(services, WEB_EVENT.name)
        fill_topic(services, WEB_EVENT.name, pack(events, size))
        ours, straight = [], []
        for _ in range(plan.repeats):
            ours.append(run_worker(services, plan.events))
            straight.append(run_module(services, "straight_loop", WEB_EVENT.name, plan.events))
        rows.append(Row("hmara worker", records, tuple(ours)))
        rows.append(Row("straight loop, no Faust", records, tuple(straight)))
    empty_topic(services, SINGLE_TOPIC)
    fill_topic(services, SINGLE_TOPIC, pack(events[: plan.stock_events], None))
    stock = tuple(
        run_module(services, "stock_faust", SINGLE_TOPIC, plan.stock_events)
        for _ in range(plan.repeats)
    )
    rows.append(Row("stock Faust", "1 event a record", stock))
    return WorkerResult(tuple(rows), sizes, _measure_memory(services, events, sizes[-1], plan))


def _measure_memory(services: Services, events: list[bytes], size: RecordSizes, plan: Plan) -> Run:
    """Let the worker catch up a long topic, and look at the most memory it took."""
    empty_topic(services, WEB_EVENT.name)
    rounds = max(plan.memory_events // len(events), 1)
    again = chain(events, *(with_new_keys(events) for _ in range(rounds - 1)))
    fill_topic(services, WEB_EVENT.name, pack(again, size))
    return run_worker(services, rounds * len(events))


def render_worker(result: WorkerResult, plan: Plan) -> str:
    """Return the tables and what they say of the goals."""
    head = (
        f"{plan.events:,} distinct events in {WEB_EVENT.partitions} partitions, lz4;"
        f" medians of {plan.repeats}. A run counts from ready to the last insert's answer, and"
        " afterwards `count()` over `FINAL` must equal the events."
    )
    lines = [
        head,
        "",
        "| consumer | records | events/s | CPU us/event | ClickHouse us/event | events a chunk |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.name} | {row.records} | {row.events_per_s:,.0f}"
        f" | {row.middle(lambda run: run.per_event_us(run.cpu_s)):.1f}"
        f" | {row.middle(lambda run: run.per_event_us(run.clickhouse_cpu_s)):.1f}"
        f" | {row.middle(lambda run: run.chunk_events):,.0f} |"
        for row in result.rows
    ]
    lines += ["", *_render_steps(result), "", *_render_goals(result)]
    return "\n".join(lines)


def _render_steps(result: WorkerResult) -> list[str]:
    lines = ["Wall time of the worker's steps, us/event (first run: cold caches):", ""]
    ours = [row for row in result.rows if row.name == "hmara worker"]
    steps = sorted(ours[0].runs[0].wall_by_step_s)
    lines += ["| step | " + " | ".join(f"{row.records}: first / median" for row in ours) + " |"]
    lines += ["|---" * (len(ours) + 1) + "|"]
    for step in steps:
        cells = []
        for row in ours:
            each = [run.per_event_us(run.wall_by_step_s.get(step, 0.0)) for run in row.runs]
            cells.append(f"{each[0]:.2f} / {median(each):.2f}")
        lines.append(f"| {step} | " + " | ".join(cells) + " |")
    return lines


def _render_goals(result: WorkerResult) -> list[str]:
    stock = result.rows[-1].events_per_s
    lines = []
    for place in range(0, len(result.rows) - 1, 2):
        ours, straight = result.rows[place], result.rows[place + 1]
        lines.append(
            f"- {ours.records}: {ours.events_per_s / stock:.1f} times stock Faust"
            f" (goal {GOAL_STOCK:g}), {ours.events_per_s / straight.events_per_s:.2f} times the"
            f" straight loop (goal {GOAL_STRAIGHT:g})."
        )
    memory = result.memory
    lines.append(
        f"- Catching up {memory.events:,} events: at most {memory.peak_rss_bytes / 1e6:,.0f} MB"
        f" resident (goal {GOAL_RSS_BYTES / 1e6:,.0f} MB), {memory.events_per_s:,.0f} events/s."
    )
    lines += [
        f"- At {size.rate_events_per_s:,} events/s the collector packed {size.mean:.1f} events"
        f" a record (90 % of the records at most {size.percentile(0.9)}), and a post's"
        f" acknowledgement took {size.ack_p50_ms:.1f} ms at the median."
        for size in result.sizes
    ]
    return lines
