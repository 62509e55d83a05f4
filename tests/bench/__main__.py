"""`python -m tests.bench`: runs the benchmarks and writes docs/benchmarks.

--quick runs a little of everything and prints it, without writing a page.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from schemas.errors import HmaraError
from streams.version import VERSION
from tests.bench import collector, worker
from tests.bench.services import Services, open_services, read_version

PAGES: Final = Path(__file__).parents[2] / "docs" / "benchmarks"
_PARTS: Final = ("worker", "collector")


def main(arguments: list[str]) -> int:
    """Run the named parts, or all; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(_PARTS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="a little of everything, no page")
    options = parser.parse_args(arguments)
    unknown = set(options.parts) - set(_PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    try:
        with open_services(use_running=False) as services:
            for part in options.parts or _PARTS:
                text = _measure(part, services, quick=options.quick)
                sys.stdout.write(f"\n{text}\n")
                if not options.quick:
                    _write_page(part, text, services)
    except HmaraError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    return 0


def _measure(part: str, services: Services, *, quick: bool) -> str:
    if part == "worker":
        plan = worker.QUICK if quick else worker.FULL
        return worker.render_worker(worker.measure_worker(services, plan), plan)
    load = collector.QUICK if quick else collector.FULL
    return collector.render_collector(collector.measure_collector(services, load), load)


def _write_page(part: str, text: str, services: Services) -> None:
    PAGES.mkdir(parents=True, exist_ok=True)
    head = (
        f"# {part.capitalize()}\n\n<!-- Made by `make bench`. -->\n\n"
        f"`make bench` on {datetime.now(UTC):%Y-%m-%d}, hmara {VERSION}: {_read_processor()},"
        f" {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()},"
        f" ClickHouse {read_version(services)}, Apache Kafka 4.4.0.\n"
        "Client, broker and database share the cores: read ratios and CPU, not events/s.\n\n"
    )
    (PAGES / f"{part}.md").write_text(f"{head}{text}\n", "utf-8")


def _read_processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
