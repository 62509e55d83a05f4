"""`hmara sites verify`: one look at a page, in plain words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.text import Text

from schemas.errors import HmaraError
from streams.collector.sites import load_sites
from streams.settings import CollectorSettings
from streams.sites_file import read_model
from streams.snippet import check_collector_url, find_local_url, make_snippet
from streams.verify.browse import browse
from streams.verify.judge import Expected, Finding, is_verified, judge
from streams.verify.observation import NotSeenError, Observation
from streams.verify.read_html import read_html
from streams.verify.stored import Page, judge_stored, open_store

console: Final = Console(highlight=False, soft_wrap=True)
errors: Final = Console(highlight=False, soft_wrap=True, stderr=True)
_NOT_VERIFIED: Final = 1
_MARKS: Final = {True: ("✓", "green"), False: ("✗", "red"), None: ("-", "dim")}


class PageAddressError(HmaraError):
    """What is to be opened is no web page."""


def verify(  # noqa: PLR0913 - one parameter per option is how typer reads them
    site: Annotated[str, typer.Argument(metavar="ID", help="The site's id.")],
    page: Annotated[str, typer.Argument(metavar="URL", help="A page that carries the tag.")],
    *,
    collector: Annotated[
        str | None,
        typer.Option(
            help="The collector that the tag should come from; default: whichever it names.",
            envvar="HMARA_COLLECTOR_URL",
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(min=1, help="Longest wait for page and events, and then for the row, s."),
    ] = 30,
    sites: Annotated[
        Path | None, typer.Option(help="Sites file; default: HMARA_COLLECTOR_SITES_FILE.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Open a page in Chromium: is the tag there, and do its events arrive?

    Exit code 0: the tag is there, and the collector takes its events, or drops them only because
    a browser without a person, or an address that the site leaves out, is not to count. Else 1.
    """
    settings = CollectorSettings.load(sites_file=sites)
    expected = _expect(settings, site, collector)
    looked_at = Page(expected.site, settings.phone_regions)
    _check_page_url(page)
    with errors.status(f"looking at {page}"):
        store = open_store()
        seen = _look(page, site, timeout)
        findings = judge(seen, expected)
        findings.append(judge_stored(store, looked_at, seen.sent, timeout))
    if as_json:
        console.print_json(json.dumps(_to_dict(site, seen, findings)))
    else:
        _print_findings(findings)
    if not is_verified(findings):
        raise typer.Exit(_NOT_VERIFIED)


def _expect(settings: CollectorSettings, site_id: str, collector: str | None) -> Expected:
    model = read_model(settings.sites_file, site_id)
    base = check_collector_url(collector) if collector else ""
    snippet = make_snippet(model, base or find_local_url(settings))
    return Expected(load_sites(settings.sites_file).by_id[site_id], base, snippet.script)


def _check_page_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_good = False
    if not is_good:
        message = f"opening page: {url!r} is no http(s) address"
        raise PageAddressError(message)


def _look(page: str, site_id: str, timeout_s: float) -> Observation:
    try:
        return browse(page, site_id, timeout_s)
    except NotSeenError as error:
        return read_html(page, site_id, timeout_s, str(error))


def _to_dict(site_id: str, seen: Observation, findings: list[Finding]) -> dict[str, object]:
    return {
        "site": site_id,
        "page": seen.page_url,
        "is_verified": is_verified(findings),
        "findings": [
            {"check": each.check.value, "is_good": each.is_good, "text": each.text}
            for each in findings
        ],
    }


def _print_findings(findings: list[Finding]) -> None:
    for finding in findings:
        mark, style = _MARKS[finding.is_good]
        console.print(Text.assemble((mark, style), f" {finding.check.value}: {finding.text}"))
    verdict = "the tag is there and its events arrive" if is_verified(findings) else "not verified"
    console.print(verdict)
