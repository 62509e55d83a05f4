"""Commands that look at data: queries, lag, dead letters."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from schemas.catalogue import Catalogue
from schemas.errors import HmaraError
from schemas.topics import WEB_EVENT
from sinks.clickhouse.client import open_native
from streams.cells.ask import FIRST_DAY, LAST_DAY, Answer, Span, ask_view, list_views
from streams.dead_letters import Listed, list_dead_letters
from streams.lag import read_lag
from streams.settings import ClickHouseSettings, KafkaSettings, WorkerSettings
from streams.topic_admin import open_admin

console: Final = Console(highlight=False)
_READ_ONLY: Final = 2
"""Selects only; settings may be changed, as the driver does."""
_DAY: Final = "%Y-%m-%d"


class QueryError(HmaraError):
    """A file with a query that can not be read."""


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    ARROW = "arrow"


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(query)
    app.command()(lag)
    dead_letters = typer.Typer(help="What could not be processed.")
    dead_letters.command("list")(list_letters)
    app.add_typer(dead_letters, name="dead-letters", no_args_is_help=True)


def query(  # noqa: PLR0913 - one parameter per option is how typer reads them
    sql: Annotated[
        str | None, typer.Argument(help="A view's name, or a SELECT; read staging.hit FINAL.")
    ] = None,
    *,
    file: Annotated[Path | None, typer.Option(help="Read the SELECT from a file.")] = None,
    param: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE for a {NAME:Type} in the SELECT.")
    ] = None,
    list_all: Annotated[bool, typer.Option("--list", help="List the views.")] = False,
    site: Annotated[str | None, typer.Option(help="Of a view: one site's rows.")] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=[_DAY], help="Of a view: first day.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=[_DAY], help="Of a view: last day.")
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Ask ClickHouse, read-only: a view as the analyst, a SELECT as the service."""
    output = Format.JSON if as_json else output
    if list_all:
        _print_answer(Answer(["view", "holds"], list(list_views().items())), output)
        return
    if (sql is None) == (file is None):
        message = "give either a view's name, a SELECT or --file"
        raise typer.BadParameter(message)
    if sql is not None and sql.isidentifier() and sql.islower() and not param:
        days = (first.date() if first else FIRST_DAY, last.date() if last else LAST_DAY)
        address = ClickHouseSettings.load().as_analyst()
        _print_answer(ask_view(address, sql, Span(site, *days)), output)
        return
    text = sql if file is None else _read_query(file)
    parameters = dict(_split_parameter(item) for item in param or ())
    with open_native(ClickHouseSettings.load().as_service()) as client:
        rows, columns = client.execute(
            text,
            parameters,
            with_column_types=True,
            settings={"readonly": _READ_ONLY},
        )
    _print_answer(Answer([name for name, _ in columns], rows), output)


def _read_query(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"reading query: {path}: {error}"
        raise QueryError(message) from None


def _split_parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        message = f"{text!r} is not NAME=VALUE"
        raise typer.BadParameter(message, param_hint="--param")
    return name, value


def _print_answer(answer: Answer, output: Format) -> None:
    names, rows = answer.names, answer.rows
    if output is Format.ARROW:
        sys.stdout.buffer.write(answer.to_arrow())
    elif output is Format.JSON:
        objects = [dict(zip(names, row, strict=True)) for row in rows]
        console.print_json(json.dumps(objects, default=str))
    elif output is Format.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
    else:
        table = Table(*names)
        for row in rows:
            table.add_row(*(escape(str(value)) for value in row))  # visitors write titles
        console.print(table)


def lag(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say how many records the worker has not committed yet."""
    group = WorkerSettings.load().group
    with open_admin(KafkaSettings.load().bootstrap_servers) as admin:
        records = read_lag(admin, group, WEB_EVENT)
    if as_json:
        console.print_json(json.dumps({"group": group, "topic": WEB_EVENT.name, "lag": records}))
    else:
        console.print(f"{group} is {records} records behind on {WEB_EVENT.name}")


def list_letters(
    *,
    limit: Annotated[int, typer.Option(help="Most letters to print, newest last.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List dead letters: where each came from and why, never what is in it."""
    kafka = KafkaSettings.load()
    letters = list(list_dead_letters(kafka.bootstrap_servers, Catalogue.load(), limit))
    if as_json:
        console.print_json(json.dumps([letter.to_dict() for letter in letters]))
        return
    table = Table("refused at", "source", "step", "reason", "schema", "bytes", "code")
    for row in _to_cells(letters):
        table.add_row(*map(escape, row))
    console.print(table)
    console.print(f"{len(letters)} dead letters")


def _to_cells(letters: list[Listed]) -> Iterator[tuple[str, ...]]:
    for letter in letters:
        source = f"{letter.source_topic}/{letter.source_partition}@{letter.source_offset}"
        refused_at = letter.refused_at.isoformat(timespec="seconds")
        schema = str(letter.schema_id) if letter.schema_id >= 0 else "none"
        size = str(letter.raw_bytes)
        yield (refused_at, source, letter.step, letter.reason, schema, size, letter.code_version)
