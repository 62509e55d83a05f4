"""`hmara sites`: who may send events, and what their pages carry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from streams.collector.sites import SiteModel
from streams.settings import CollectorSettings
from streams.sites_file import add_site, add_write_key, make_model, read_model, read_models
from streams.snippet import Snippet, find_local_url, make_snippet
from streams.verify.command import verify
from streams.write_key import digest_write_key, draw_write_key

console: Final = Console(highlight=False, soft_wrap=True)
notes: Final = Console(highlight=False, soft_wrap=True, stderr=True)

SiteId = Annotated[str, typer.Argument(metavar="ID", help="The site's id.")]
SitesOption = Annotated[
    Path | None, typer.Option(help="Sites file; default: HMARA_COLLECTOR_SITES_FILE.")
]
CollectorOption = Annotated[
    str | None,
    typer.Option(
        help="The collector's address as browsers reach it; default: this machine's port.",
        envvar="HMARA_COLLECTOR_URL",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    sites = typer.Typer(help="The sites of the collector, their keys and their tags.")
    sites.command()(add)
    sites.command("list")(list_sites)
    sites.command()(snippet)
    sites.command()(key)
    sites.command()(verify)
    app.add_typer(sites, name="sites", no_args_is_help=True)


def add(  # noqa: PLR0913 - one parameter per option is how typer reads them
    site: SiteId,
    *,
    origin: Annotated[
        list[str],
        typer.Option(help="Origin of the site's pages, scheme://host[:port] or scheme://*.host."),
    ],
    time_zone: Annotated[str, typer.Option(help="Zone of the site's days and hours.")] = "UTC",
    parameter: Annotated[
        list[str] | None, typer.Option(help="Parameter of addresses to keep, besides utm_*.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Address or network whose visits do not count.")
    ] = None,
    with_write_key: Annotated[
        bool, typer.Option("--with-write-key", help="Draw a key with which servers send events.")
    ] = False,
    collector: CollectorOption = None,
    sites: SitesOption = None,
) -> None:
    """Add a site to the sites file, and say what its pages are to carry."""
    settings = CollectorSettings.load(sites_file=sites)
    drawn = draw_write_key() if with_write_key else ""
    model = make_model(
        id=site,
        origins=origin,
        time_zone=time_zone,
        query_parameters=parameter or (),
        excluded_addresses=exclude or (),
        write_keys=(digest_write_key(drawn),) if drawn else (),
    )
    made = make_snippet(model, collector or find_local_url(settings))
    add_site(settings.sites_file, model)
    _say(f"{site} is in {settings.sites_file}")
    if drawn:
        _say(f"\nits write key, shown this once: {drawn}")
    _say("\nput this into the <head> of its pages, and the second line into their <body>:\n")
    _print_snippet(made)
    _say(
        f"\na running collector reads {settings.sites_file} at its start: restart it, then see "
        f"with `hmara sites verify {site} URL` whether events of a page arrive"
    )


def list_sites(
    *,
    sites: SitesOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the sites; of their write keys only how many there are."""
    models = read_models(CollectorSettings.load(sites_file=sites).sites_file)
    if as_json:
        console.print_json(json.dumps([_to_dict(model) for model in models]))
        return
    table = Table("site", "origins", "time zone", "flags", "write keys")
    for model in models:
        origins = "\n".join(escape(origin) for origin in model.origins)
        keys = str(len(model.write_keys))
        table.add_row(model.id, origins, model.time_zone, "\n".join(_list_flags(model)), keys)
    console.print(table)


def snippet(site: SiteId, *, collector: CollectorOption = None, sites: SitesOption = None) -> None:
    """Print the HTML that a site's pages carry: the tag, and a pixel for who runs no script."""
    settings = CollectorSettings.load(sites_file=sites)
    model = read_model(settings.sites_file, site)
    _print_snippet(make_snippet(model, collector or find_local_url(settings)))


def key(
    site: SiteId,
    *,
    revoke_others: Annotated[
        bool, typer.Option("--revoke-others", help="Make it the only key of the site.")
    ] = False,
    sites: SitesOption = None,
) -> None:
    """Draw a new write key for a site and print it, this once; only its digest is kept."""
    path = CollectorSettings.load(sites_file=sites).sites_file
    drawn = draw_write_key()
    count = add_write_key(path, site, drawn, revoke_others=revoke_others)
    _say(drawn)
    _note(f"{site} has {count} write {'key' if count == 1 else 'keys'} now in {path}")
    _note("a running collector reads the file at its start: restart it")


def _to_dict(model: SiteModel) -> dict[str, object]:
    fields = model.model_dump(mode="json", exclude={"write_keys"})
    return {**fields, "write_keys": len(model.write_keys)}


def _list_flags(model: SiteModel) -> list[str]:
    names = ("synthetic", "keep_headless", "keep_data_centers")
    return [name for name in names if getattr(model, name)]


def _print_snippet(made: Snippet) -> None:
    _say(made.script)
    _say(made.pixel)
    for sentence in made.notes:
        _note(sentence)


def _say(text: str) -> None:
    console.print(text, markup=False)


def _note(text: str) -> None:
    notes.print(f"note: {text}", markup=False)
