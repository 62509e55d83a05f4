"""Pages of results: what ran where, tables, and what they say."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table as Grid

from streams.version import VERSION

FOLDER: Final = Path(__file__).parents[2] / "docs" / "benchmarks"
_PACKAGES: Final = (
    *("faust-streaming", "aiokafka", "confluent-kafka", "pyruhvro", "pyarrow", "fastavro"),
    *("clickhouse-connect", "clickhouse-driver", "uvicorn", "uvloop", "httptools", "msgspec"),
)
_LOOP_TURNS: Final = 2_000_000
console: Final = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Table:
    """Figures in rows; all cells are text already."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def to_markdown(self) -> str:
        """Write the table for a page."""
        lines = [self.columns, tuple("---" for _ in self.columns), *self.rows]
        return f"### {self.title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def show(self) -> None:
        """Print the table."""
        grid = Grid(*self.columns, title=self.title, title_justify="left")
        for row in self.rows:
            grid.add_row(*row)
        console.print(grid)


@dataclass(slots=True)
class Page:
    """One benchmark's results."""

    name: str
    title: str
    machine: list[str]
    tables: list[Table] = field(default_factory=list)
    goals: list[str] = field(default_factory=list)
    observations: list[str] = field(default_factory=list)

    def add(self, table: Table) -> None:
        """Take a table into the page, and print it."""
        self.tables.append(table)
        table.show()

    def write(self) -> Path:
        """Write `docs/benchmarks/<name>.md`."""
        parts = [
            f"# {self.title}\n\n<!-- Made by `make bench`. -->",
            _list("Goals", self.goals),
            *(table.to_markdown() for table in self.tables),
            _list("What to know about the figures", self.observations),
            _list("Machine", self.machine),
        ]
        FOLDER.mkdir(parents=True, exist_ok=True)
        path = FOLDER / f"{self.name}.md"
        path.write_text("\n\n".join(parts) + "\n", "utf-8")
        return path


def _list(title: str, lines: Sequence[str]) -> str:
    return f"## {title}\n\n" + "\n".join(f"* {line}" for line in lines)


def judge(what: str, found: float, goal: float, *, at_most: bool = False, note: str = "") -> str:
    """Compare a figure with its goal, in a sentence."""
    is_met = found <= goal if at_most else found >= goal
    verdict = "met" if is_met else "**missed**"
    limit = "at most" if at_most else "at least"
    beside = f" ({note})" if note else ""
    return f"{what}: {found:.3g}{beside}, goal {limit} {goal:g}: {verdict}."


def describe_machine(clickhouse_version: str) -> list[str]:
    """Say where this ran, and how fast and how busy the machine was."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    where = (
        f"`make bench` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, hmara {VERSION}:"
        f" {_read_cpu_model()}, {os.cpu_count()} cores, {_read_memory_gib():.0f} GiB, Linux"
        f" {platform.release()}, Python {platform.python_version()}. Consumer, Kafka, ClickHouse"
        " and load generator share it."
    )
    pace = (
        f"Load average before the run {os.getloadavg()[0]:.1f}; a turn of an empty Python loop took"
        f" {_time_loop_ns():.0f} ns. When others use the machine all figures grow up to threefold:"
        " compare ratios within one run, not figures of two runs."
    )
    return [where, pace, f"Apache Kafka 4.4.0, ClickHouse {clickhouse_version}, {packages}."]


def _read_cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _read_memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def _time_loop_ns() -> float:
    start = time.thread_time_ns()
    for _ in range(_LOOP_TURNS):
        pass
    return (time.thread_time_ns() - start) / _LOOP_TURNS
