"""Commands that bring a cluster to the declared shape: topics, migrations, frozen schemas."""

from __future__ import annotations

import json
from typing import Annotated, Final

import typer
from rich.console import Console

from schemas.catalogue import Catalogue, freeze
from schemas.topics import TOPICS
from sinks.clickhouse.client import open_native
from sinks.clickhouse.migrate import apply_migrations, plan_migrations, read_migrations
from streams.settings import ClickHouseSettings, KafkaSettings
from streams.topic_admin import Change, apply_topics, open_admin, plan_topics

DIFFERS: Final = 2
"""Exit code of a check that found a difference."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, do nothing.")]
console: Final = Console(highlight=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    topics = typer.Typer(help="Kafka topics as declared in schemas/topics.py.")
    topics.command("apply")(apply_declared_topics)
    topics.command("check")(check_declared_topics)
    app.add_typer(topics, name="topics", no_args_is_help=True)
    schemas = typer.Typer(help="Avro schemas and their ids.")
    schemas.command("freeze")(freeze_schemas)
    app.add_typer(schemas, name="schemas", no_args_is_help=True)
    app.command("migrate")(migrate)


def apply_declared_topics(
    *,
    dry_run: DryRun = False,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Shorten retention or change clean-up too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Create missing topics and set what differs; refuse what would lose or misplace records."""
    with open_admin(KafkaSettings.load().bootstrap_servers) as admin:
        changes = plan_topics(admin)
        if not dry_run:
            apply_topics(admin, changes, accept_loss=accept_loss)
    _print_changes(changes, as_json=as_json)


def check_declared_topics(*, as_json: Json = False) -> None:
    """Say what differs from the declaration; exit code 2 if anything does."""
    with open_admin(KafkaSettings.load().bootstrap_servers) as admin:
        changes = plan_topics(admin)
    _print_changes(changes, as_json=as_json)
    if changes:
        raise typer.Exit(DIFFERS)


def _print_changes(changes: tuple[Change, ...], *, as_json: bool) -> None:
    if as_json:
        fields = ("kind", "topic", "setting", "now", "declared")
        console.print_json(
            json.dumps([{name: getattr(change, name) for name in fields} for change in changes])
        )
        return
    for change in changes:
        console.print(str(change), markup=False)
    if not changes:
        console.print(f"{len(TOPICS)} topics are as declared")


def freeze_schemas() -> None:
    """Give every changed schema in schemas/avro the next id of the catalogue."""
    for topic in TOPICS:
        path = freeze(topic.name, Catalogue.load())
        console.print(f"{topic.name}: {path.name if path else 'unchanged'}")


def migrate(*, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Apply the ClickHouse migrations that have not run yet."""
    migrations = read_migrations()
    with open_native(ClickHouseSettings.load().as_admin()) as client:
        plan = plan_migrations(client, migrations)
        if not dry_run:
            apply_migrations(client, plan)
    names = [migration.name for migration in plan.pending]
    if as_json:
        console.print_json(json.dumps({"applied": list(plan.applied), "pending": names}))
        return
    verb = "would apply" if dry_run else "applied"
    for name in names:
        console.print(f"{verb} {name}")
    if not names:
        console.print(f"{len(plan.applied)} migrations have run, none is pending")
