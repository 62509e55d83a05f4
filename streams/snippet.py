"""What a site's pages carry: the tag's script element, and the pixel for who runs no script."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final
from urllib.parse import urlencode, urlsplit

from schemas.errors import HmaraError
from streams.collector.sites import SiteModel
from streams.settings import CollectorSettings

_ANY_SUBDOMAIN: Final = "*."
_POLICY_DIRECTIVES: Final = "script-src, connect-src and img-src"


class SnippetError(HmaraError):
    """A collector's address that pages can not load the tag from."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """Two lines of HTML. `notes` are sentences for who pastes them."""

    script: str
    pixel: str
    notes: tuple[str, ...]


def make_snippet(site: SiteModel, collector_url: str) -> Snippet:
    """Write the HTML for the pages of a site.

    `data-domain` lets the opt-out hold on every subdomain of a site that has `*.` origins.

    Raises:
        SnippetError: the collector's address is no http(s) address.
    """
    base = check_collector_url(collector_url)
    attributes = {"src": f"{base}/tag.js", "data-site": site.id}
    if path := urlsplit(base).path:
        # The tag would send to the root of its host: below a path it is to be told.
        attributes["data-endpoint"] = f"{path}/v1/events"
    domains = find_domains(site.origins)
    if domains:
        attributes["data-domain"] = domains[0]
    written = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
    query = urlencode({"site": site.id, "path": "/"}, safe="/")
    source = escape(f"{base}/v1/pixel.gif?{query}")
    return Snippet(
        script=f"<script async {written}></script>",
        pixel=f'<noscript><img src="{source}" alt="" width="1" height="1"></noscript>',
        notes=(
            "path in the pixel's address is the page's own path: let the page's template write it",
            f"a Content-Security-Policy needs {_to_origin(base)} in {_POLICY_DIRECTIVES}",
            *_note_domains(site.origins, domains),
        ),
    )


def find_local_url(settings: CollectorSettings) -> str:
    """Return the address of a collector on this machine, as its settings have it."""
    scheme = "http" if settings.tls_certificate_file is None else "https"
    return f"{scheme}://127.0.0.1:{settings.port}"


def check_collector_url(url: str) -> str:
    """Return a collector's address without a slash at its end.

    Raises:
        SnippetError: it is no http(s) address, or has a query or a fragment.
    """
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        is_good = False
    if not is_good or "?" in url or "#" in url or "@" in parts.netloc:
        message = f"reading the collector's address: {url!r} is not http(s)://host[:port]"
        raise SnippetError(message)
    return url.rstrip("/")


def find_domains(origins: tuple[str, ...]) -> list[str]:
    """Return the domains whose subdomains belong to a site, without those below another one."""
    hosts = [urlsplit(origin).hostname or "" for origin in origins]
    named = [host.removeprefix(_ANY_SUBDOMAIN) for host in hosts if host.startswith(_ANY_SUBDOMAIN)]
    return [
        domain
        for domain in dict.fromkeys(named)
        if not any(domain != other and is_within(domain, other) for other in named)
    ]


def is_within(host: str, domain: str) -> bool:
    """Say whether a host is a domain or a subdomain of it."""
    return host == domain or host.endswith(f".{domain}")


def _note_domains(origins: tuple[str, ...], domains: list[str]) -> list[str]:
    """Say which pages need another `data-domain`: a browser refuses one that is not their own."""
    if not domains:
        return []
    others = [f'pages of {name} need data-domain="{name}"' for name in domains[1:]]
    hosts = {origin: urlsplit(origin).hostname or "" for origin in origins if "*" not in origin}
    alone = [
        f"pages of {origin} need the script without data-domain"
        for origin, host in hosts.items()
        if not any(is_within(host, domain) for domain in domains)
    ]
    return [*others, *alone]


def _to_origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
