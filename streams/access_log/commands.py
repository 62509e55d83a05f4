"""`hmara import-log`: access logs in, page views out, and what was skipped said by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from streams.access_log.digest import Inspection
from streams.access_log.import_log import Importer, ImportLogError
from streams.access_log.read import ImportCounts
from streams.access_log.reasons import SkipReason
from streams.collector.bots import BotRules, DataCenters
from streams.collector.compose import make_pages
from streams.collector.minimise import AgentClassifier, CountryLookup
from streams.collector.sites import Site, load_sites
from streams.logs import configure_logging
from streams.record_packer import RecordPacker
from streams.settings import (
    CollectorSettings,
    KafkaSettings,
    find_asn_folder,
    find_geo_file,
    volatile_dir,
)
from streams.version import VERSION

console: Final = Console(highlight=False, stderr=True)
output: Final = Console(highlight=False)


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("import-log")(import_log)


def import_log(
    files: Annotated[
        list[Path], typer.Argument(help="Logs in Combined Log Format, plain or gzip.")
    ],
    site: Annotated[str, typer.Option(help="Id of the site the logs belong to.")],
    sites: Annotated[
        Path | None, typer.Option(help="Sites file; default: HMARA_COLLECTOR_SITES_FILE.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Turn the page requests of access logs into page views; the same file twice counts once."""
    configure_logging()
    settings = CollectorSettings.load(sites_file=sites)
    known = _find_site(settings, site)
    packer = RecordPacker(KafkaSettings.load().bootstrap_servers, f"hmara-import/{VERSION}")
    agents = AgentClassifier()
    importer = Importer(
        site=known,
        countries=CountryLookup(find_geo_file(settings)),
        agents=agents,
        bots=BotRules(agents.is_bot, DataCenters.load(find_asn_folder())),
        pages=make_pages(settings.phone_regions),
        packer=packer,
        salt_dir=volatile_dir() / "import",
    )
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    hidden = not console.is_terminal  # rich would write an empty line there
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        total = sum(path.stat().st_size for path in files if path.is_file())
        task = progress.add_task("reading", total=total)
        inspection = importer.inspect(files, lambda size: progress.advance(task, size))
        total = sum(file.content_bytes for file in inspection.files)
        task = progress.add_task("sending", total=total)
        counts = importer.send(inspection, lambda size: progress.advance(task, size))
    if as_json:
        output.print_json(json.dumps(_to_dict(inspection, counts)))
    else:
        _print_counts(inspection, counts)


def _find_site(settings: CollectorSettings, name: str) -> Site:
    known = load_sites(settings.sites_file).by_id
    if name not in known:
        message = f"importing log: {settings.sites_file} has no site {name!r}, only {sorted(known)}"
        raise ImportLogError(message)
    return known[name]


def _to_dict(inspection: Inspection, counts: ImportCounts) -> dict[str, Any]:
    return {
        "lines": counts.lines,
        "pages": counts.pages,
        "days": sorted({day.isoformat() for file in inspection.files for day in file.days}),
        "skipped": {reason.value: count for reason, count in sorted(counts.skipped.items())},
        "unreadable": [
            {"file": str(line.path), "line": line.line_number, "reason": line.reason.value}
            for line in counts.unreadable
        ],
        "duplicates": [[str(left_out), str(kept)] for left_out, kept in inspection.duplicates],
    }


def _print_counts(inspection: Inspection, counts: ImportCounts) -> None:
    table = Table("lines", "what became of them")
    table.add_row(f"{counts.pages:,}", "page views sent")
    for reason, count in sorted(counts.skipped.items(), key=lambda item: -item[1]):
        table.add_row(f"{count:,}", f"skipped: {reason.value}")
    output.print(table)
    for line in counts.unreadable:
        where = f"{line.path}:{line.line_number}"
        output.print(f"{where}: {line.reason.value}", markup=False, soft_wrap=True)
    unreadable = counts.skipped[SkipReason.MALFORMED] + counts.skipped[SkipReason.BAD_TIME]
    if unreadable > len(counts.unreadable):
        output.print(f"… and {unreadable - len(counts.unreadable):,} more lines like these")
    for left_out, kept in inspection.duplicates:
        text = f"{left_out}: left out, it holds the same as {kept}"
        output.print(text, markup=False, soft_wrap=True)
