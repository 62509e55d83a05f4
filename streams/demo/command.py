"""`hmara demo`: what it shows while it runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from streams.demo.children import DemoError
from streams.demo.run import (
    SITE,
    Running,
    ask,
    count_stored,
    prepare,
    read_questions,
    start_processes,
    wait_for_lag,
)
from streams.demo.traffic import TrafficReport, Visitors, run_traffic
from streams.embedded.home import Home
from streams.embedded.services import Services, start_services
from streams.settings import home_dir, lib_dir
from streams.traffic.report import SendReport

console: Final = Console(highlight=False)
_FIRST_ANSWERS_S: Final = 8.0


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(demo)


def demo(
    duration: Annotated[
        float | None, typer.Option(min=1.0, help="End after so many seconds of traffic.")
    ] = None,
) -> None:
    """Start everything on this machine, with a demo site and visitors, until Ctrl-C."""
    with _spinner() as progress:
        task = progress.add_task("starting", total=None)

        def say(what: str) -> None:
            progress.update(task, description=what)

        services = start_services(home_dir(), lib_dir(), tie_to_parent=True, on_progress=say)
    with services:
        say_done("Kafka", services.kafka_bootstrap_servers)
        say_done(
            "ClickHouse",
            f"native {services.ports.clickhouse_native}, http "
            f"{services.ports.clickhouse_http} on 127.0.0.1",
        )
        prepare(services)
        with _spinner() as progress:
            task = progress.add_task("starting", total=None)
            running = start_processes(
                Home(home_dir()), lambda what: progress.update(task, description=what)
            )
        try:
            _show(services, running, duration)
        finally:
            running.stop()


def say_done(what: str, where: str) -> None:
    """Print one line of what is up."""
    console.print(f"[green]✓[/green] {what:<12} {where}")


def _show(services: Services, running: Running, duration_s: float | None) -> None:
    addresses = running.addresses
    say_done("collector", addresses.collector)
    say_done("worker", f"{addresses.worker_metrics}/metrics")
    say_done("demo site", f"{addresses.site}  (open it and click)")
    if addresses.taken:
        ports = ", ".join(map(str, addresses.taken))
        console.print(f"  the usual ports {ports} were taken, others were chosen")
    since = datetime.now(UTC)
    report = _let_visitors_come(services, running, duration_s)
    console.print("visitors have left; waiting until every event is stored")
    wait_for_lag(services.kafka_bootstrap_servers, running.check)
    stored = count_stored(since)
    if report.browser.problem:
        console.print(f"real browser: {report.browser.problem}", markup=False)
    else:
        console.print(
            f"real browser: {report.browser.steps} steps,"
            f" {report.browser.events_accepted} events accepted"
        )
    console.print(f"events sent {report.accepted}, rows stored {stored}")
    if stored != report.accepted:
        message = f"comparing counts: {report.accepted} were acknowledged, {stored} are stored"
        raise DemoError(message)


def _let_visitors_come(
    services: Services, running: Running, duration_s: float | None
) -> TrafficReport:
    visitors = Visitors(
        running.addresses.collector, running.addresses.site, SITE, services.lib, duration_s
    )
    answered = False
    started = datetime.now(UTC)
    hint = f"ends after {duration_s:g} s" if duration_s else "Ctrl-C ends it"
    with _spinner() as progress:
        task = progress.add_task(f"visitors come ({hint})", total=None)

        def show_progress(report: SendReport) -> None:
            progress.update(
                task, description=f"visitors come ({hint}): {report.accepted:,} events accepted"
            )

        def tick() -> None:
            nonlocal answered
            running.check()
            waited = (datetime.now(UTC) - started).total_seconds()
            if not answered and waited >= min(_FIRST_ANSWERS_S, (duration_s or 60) / 2):
                answered = True
                show_answers(progress.console)

        return run_traffic(visitors, show_progress, tick)


def show_answers(target: Console) -> None:
    """Print the answers of the demo's queries, asked in another process."""
    for title, path in read_questions():
        rows = ask(path)
        table = Table(*(rows[0] if rows else ["nothing yet"]), title=title, title_justify="left")
        for row in rows:
            table.add_row(*(escape(str(value)) for value in row.values()))
        target.print(table)
    target.print('more: [bold]hmara query "SELECT …"[/bold], hmara lag, hmara dead-letters list')


def _spinner() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)
