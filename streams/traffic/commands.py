"""The command `hmara send`."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from streams.settings import lib_dir
from streams.traffic.backfill_command import BackfillRequest, run_backfill
from streams.traffic.past_days import MOST_DAYS
from streams.traffic.past_visits import MOST_VISITORS_PER_DAY
from streams.traffic.send import SendOptions, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.traffic.report import SendReport

_SEED_BITS = 32
_TROUBLE_CHARS = 60
_LIVE_ONLY = ("events", "duration", "rate", "collector", "origin", "resend", "concurrency")
_BACKFILL_ONLY = ("visitors_per_day", "sites")
_TYPED = "COMMANDLINE"  # by name: whose enum it is differs between versions of typer
_ENDINGS = {
    "complete": "all events were sent",
    "duration": "the time was up",
    "stopped": "stopped by hand",
    "collector_unavailable": "gave up: the collector took nothing for too long",
}


def register(app: typer.Typer) -> None:
    """Add `send` to the command line."""
    app.command("send")(send_command)


def send_command(  # noqa: PLR0913 - one parameter per option is how typer reads them
    context: typer.Context,
    *,
    events: Annotated[
        int | None, typer.Option(min=1, help="Send exactly so many events.", show_default="no end")
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option(min=0.1, help="Stop after so many seconds.", show_default="no end"),
    ] = None,
    rate: Annotated[
        float, typer.Option(min=0, help="Events per second; 0: as fast as answers come.")
    ] = 0,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Same seed, same events.", show_default="random, and printed"),
    ] = None,
    site: Annotated[str, typer.Option(help="The site's id.")] = "demo",
    collector: Annotated[
        str, typer.Option(help="The collector's address.", envvar="HMARA_COLLECTOR_URL")
    ] = "http://127.0.0.1:8080",
    origin: Annotated[
        str, typer.Option(help="The site's origin, as the collector allows it.")
    ] = "http://127.0.0.1:8081",
    resend: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of batches sent once more after their 2xx."),
    ] = 0,
    concurrency: Annotated[int, typer.Option(min=1, max=1024, help="Requests at a time.")] = 16,
    backfill: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_DAYS,
            help="Fill so many days before today instead, straight into Kafka.",
            show_default="no",
        ),
    ] = None,
    visitors_per_day: Annotated[
        int,
        typer.Option(
            min=1, max=MOST_VISITORS_PER_DAY, help="With --backfill: visitors of an average day."
        ),
    ] = 1_000,
    sites: Annotated[
        Path | None,
        typer.Option(help="With --backfill: sites file; default: HMARA_COLLECTOR_SITES_FILE."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Send synthetic visits to a collector: real user agents, Zipf pages and visitors.

    Without --events and --duration it goes on until Ctrl-C; with both, whichever comes first ends
    it. Sent again with the same seed on the same day, the same events change no count.

    With --backfill it fills past days of a site that is marked synthetic, at the hours and on the
    days of the week at which people come. Run again with the same seed, it changes no count.
    """
    _check_together(context, is_backfill=backfill is not None)
    seed = secrets.randbits(_SEED_BITS) if seed is None else seed
    console = Console(stderr=True)
    if backfill is not None:
        request = BackfillRequest(site, sites, backfill, visitors_per_day, seed)
        done = run_backfill(request, console)
        typer.echo(json.dumps(done.to_json()) if as_json else done.describe())
        return
    options = SendOptions(
        collector_url=collector,
        site=site,
        origin=origin,
        seed=seed,
        lib_dir=lib_dir(),
        events=events,
        duration_s=duration,
        rate_events_per_s=rate,
        concurrency=concurrency,
        resend_share=resend,
    )
    console.print(f"seed {seed}", highlight=False)
    report = _run(options, console)
    typer.echo(json.dumps(report.to_json()) if as_json else describe(report))
    if not report.is_clean:
        raise typer.Exit(1)


def _check_together(context: typer.Context, *, is_backfill: bool) -> None:
    """Refuse options of the one way of sending that were given to the other."""
    for name in _LIVE_ONLY if is_backfill else _BACKFILL_ONLY:
        source = context.get_parameter_source(name)
        if source is not None and source.name == _TYPED:
            with_or_without = "does not go with" if is_backfill else "is only for"
            message = f"--{name.replace('_', '-')} {with_or_without} --backfill"
            raise typer.BadParameter(message)


def describe(report: SendReport) -> str:
    """Write a report for people, one fact a line."""
    per_second = report.events / report.seconds if report.seconds > 0 else 0.0
    lines = [
        f"sent {report.events:,} events in {report.posts:,} posts,"
        f" {report.seconds:.1f} s, {per_second:,.0f} events/s: "
        + _ENDINGS.get(report.ending or "", "under way"),
        f"accepted {report.accepted:,}",
        *(f"dropped {count:,}: {reason}" for reason, count in sorted(report.dropped.items())),
        *(
            f"rejected {count:,}: HTTP {status} {reason}"
            for (status, reason), count in sorted(report.rejected.items())
        ),
    ]
    if report.unanswered:
        lines.append(f"unanswered {report.unanswered:,}; last trouble: {report.last_trouble}")
    if report.retries:
        lines.append(f"retries {report.retries:,}")
    if report.resent_posts:
        lines.append(
            f"sent twice {report.resent_posts:,} posts, accepted again {report.resent_accepted:,}"
        )
    lines.append(f"seed {report.seed}")
    return "\n".join(lines)


def _run(options: SendOptions, console: Console) -> SendReport:
    with (
        Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),  # troubles have brackets
            BarColumn(),
            TimeElapsedColumn(),
            console=console,
            refresh_per_second=5,
            transient=True,
        ) as progress,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        total = options.events if options.events is not None else options.duration_s
        bar = progress.add_task("sending", total=total)

        def show(report: SendReport) -> None:
            done = report.events if options.events is not None else report.seconds
            trouble = report.last_trouble[:_TROUBLE_CHARS]
            retries = f", {report.retries:,} retries: {trouble}" if report.retries else ""
            progress.update(
                bar, completed=done, description=f"accepted {report.accepted:,}{retries}"
            )

        return runner.run(_send_until_stopped(options, show))


async def _send_until_stopped(
    options: SendOptions, show: Callable[[SendReport], None]
) -> SendReport:
    """Send until Ctrl-C or SIGTERM asks for the report; a second one interrupts at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def end() -> None:
        stop.set()
        for number in signals:
            loop.remove_signal_handler(number)

    for number in signals:
        loop.add_signal_handler(number, end)
    return await send(options, show, stop)
