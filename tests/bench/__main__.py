"""Runs the benchmarks, prints their tables and rewrites docs/benchmarks.

python -m tests.bench [worker] [collector] [--quick] [--use-running]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from schemas.errors import HmaraError
from tests.bench import collector, worker
from tests.bench.report import Page, console
from tests.bench.services import Services, open_services

_PARTS: Final = ("collector", "worker")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named parts, or all; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(_PARTS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="a little of everything, no page")
    parser.add_argument(
        "--use-running",
        action="store_true",
        help="take the Kafka and ClickHouse that the environment names; they must be empty",
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(_PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    try:
        with open_services(use_running=options.use_running) as services:
            for part in options.parts or _PARTS:
                _report(_measure(part, services, quick=options.quick), quick=options.quick)
    except HmaraError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    return 0


def _measure(part: str, services: Services, *, quick: bool) -> Page:
    if part == "worker":
        return worker.measure(services, worker.QUICK if quick else worker.FULL)
    return collector.measure(services, collector.QUICK if quick else collector.FULL)


def _report(page: Page, *, quick: bool) -> None:
    for goal in page.goals:
        console.print(f"  {goal}", markup=False)
    if not quick:
        console.print(f"wrote {page.write()}")


if __name__ == "__main__":
    sys.exit(main())
