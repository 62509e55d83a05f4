"""The commands `up`, `down`, `status` and `logs`."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from streams.embedded.fetch import MIB
from streams.embedded.home import CLICKHOUSE, KAFKA, SUPERVISOR, Home
from streams.embedded.ports import USUAL
from streams.embedded.progress import show_progress
from streams.embedded.services import (
    TITLES,
    Services,
    Status,
    Tuning,
    follow_logs,
    read_status,
    start_services,
    stop_services,
    tail_logs,
)
from streams.embedded.status import list_addresses
from streams.settings import home_dir, lib_dir

NOT_UP: Final = 3
"""Exit code of `hmara status` when not every service answers."""

console: Final = Console(highlight=False, soft_wrap=True)


class LogName(StrEnum):
    """Whose log `hmara logs` shows."""

    KAFKA = KAFKA
    CLICKHOUSE = CLICKHOUSE
    SUPERVISOR = SUPERVISOR


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(up)
    app.command()(down)
    app.command()(status)
    app.command()(logs)


def up(
    wait_s: Annotated[
        float, typer.Option(help="Longest wait for both to answer, seconds.")
    ] = Tuning().wait_s,
) -> None:
    """Start Kafka and ClickHouse on this machine, after fetching them if need be."""
    with show_progress(console) as on_progress:
        services = start_services(
            home_dir(), lib_dir(), on_progress=on_progress, tuning=Tuning(wait_s=wait_s)
        )
    console.print("already up" if services.was_running else "up")
    for line in describe_services(services):
        console.print(line, markup=False)


def down() -> None:
    """Stop Kafka and ClickHouse; the data stay."""
    with console.status("stopping"):
        stopped = stop_services(home_dir())
    console.print("stopped" if stopped else f"nothing runs for {home_dir()}", markup=False)


def status(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say what runs and answers; exit code 3 unless both do."""
    found = read_status(home_dir())
    if as_json:
        console.print_json(json.dumps(asdict(found) | {"is_up": found.is_up}))
    else:
        _print_status(found)
    if not found.is_up:
        raise typer.Exit(NOT_UP)


def logs(
    service: Annotated[LogName, typer.Argument(help="Whose log.")],
    lines: Annotated[int, typer.Option(min=0, help="How many of the last lines.")] = 50,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more.")] = False,
) -> None:
    """Show the last lines of a service's log."""
    coming = follow_logs(home_dir(), service) if follow else iter(())
    found = tail_logs(home_dir(), service, lines)
    for line in found:
        console.print(line, markup=False)
    if not found and not follow:
        folder = Home(home_dir()).logs
        console.print(f"{service} has logged nothing yet in {folder}", markup=False)
    for line in coming:
        console.print(line, markup=False)


def describe_services(services: Services) -> list[str]:
    """Return lines for people: each address, and each usual port that something else has."""
    addresses = list_addresses(services.ports)
    lines = [
        f"  {TITLES[name]:<11} {protocol:<10} {address}"
        for name in TITLES
        for protocol, address in addresses[name].items()
    ]
    lines += [
        f"  port {usual} was taken: {name.replace('_', ' ')} is on {chosen}"
        for name, chosen, usual in services.ports.differences(USUAL)
    ]
    return [*lines, f"  addresses and passwords for the other commands: {services.env_file}"]


def _print_status(found: Status) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("service", "answers", "pid", "memory", "restarts", "addresses"):
        table.add_column(heading)
    for service in found.services:
        memory = f"{service.resident_bytes // MIB} MiB" if service.pid else "-"
        table.add_row(
            TITLES[service.name], "yes" if service.is_ready else "no",
            str(service.pid or "-"), memory, str(service.restarts),
            "  ".join(service.addresses.values()) if service.pid else "-",
        )  # fmt: skip
    console.print(table)
    if found.launcher_pid is not None:
        console.print(f"tied to process {found.launcher_pid}: they stop when it ends")
