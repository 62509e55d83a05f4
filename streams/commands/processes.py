"""Commands that run a process until it is told to stop: collector and worker.

Each imports what it runs when it runs: `hmara --help` need not load Faust and a web server.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from streams.logs import configure_logging
from streams.settings import (
    ClickHouseSettings,
    CollectorSettings,
    KafkaSettings,
    WorkerSettings,
)


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(collector)
    app.command()(worker)


def collector(
    sites: Annotated[
        Path | None, typer.Option(help="Sites file; default: HMARA_COLLECTOR_SITES_FILE.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 picks one.")] = None,
) -> None:
    """Take events over HTTP and answer once Kafka has them."""
    import uvloop  # noqa: PLC0415

    from streams.collector.server import serve  # noqa: PLC0415

    configure_logging()
    settings = CollectorSettings.load(sites_file=sites, host=host, port=port)
    kafka = KafkaSettings.load()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, kafka))


def worker(
    metrics_port: Annotated[
        int | None, typer.Option(help="Port of /metrics and /readyz; 0 picks one.")
    ] = None,
) -> None:
    """Read events from Kafka and write them to ClickHouse."""
    from streams.worker import run_worker  # noqa: PLC0415

    configure_logging()
    settings = WorkerSettings.load(metrics_port=metrics_port)
    code = run_worker(settings, KafkaSettings.load(), ClickHouseSettings.load())
    raise typer.Exit(code)
