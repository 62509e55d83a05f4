"""What is kept of a page's address, its title and where its visitor came from."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, quote

import msgspec

from streams.collector.avro_writer import PagePart, write_page, write_plain_page
from streams.collector.channels import Channels
from streams.collector.redact import Redactor
from streams.collector.sites import Site

UTM_FIELDS: Final = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
CLICK_IDS: Final = frozenset(
    {"gclid", "gbraid", "wbraid", "dclid", "msclkid", "fbclid", "ttclid", "twclid", "li_fat_id"}
)
"""Parameters that advertisers add: that one is there says `campaign`, its value is never kept."""
_QUERY_MARKS: Final = ("utm_", "clid", "clkid", "braid", "li_fat_id")
"""One of these stands in each parameter of the two lists above."""
_MAX_UTM_CHARS: Final = 100
_MAX_QUERY_CHARS: Final = 512
_MAX_PARAMETERS: Final = 100
_MAX_KNOWN: Final = 8_192
_MAX_KNOWN_CHARS: Final = 256
_NO_UTM: Final = ("",) * len(UTM_FIELDS)
_SCHEMES: Final = frozenset({"http", "https"})
_REFERRER_SCHEMES: Final = _SCHEMES | {"android-app"}
_HOST: Final = re.compile(r"[\w.-]{1,253}|[0-9a-f:.]{2,45}")
"""A name, as browsers send it or not, or an IPv6 address without its brackets."""
_NUMERIC: Final = re.compile(r"(?:0x[0-9a-f]+|[0-9]+)(?:\.(?:0x[0-9a-f]+|[0-9]+)){0,3}")
"""An IPv4 address in any of the forms that browsers understand."""
_MARKS: Final = str.maketrans({"?": "/", "#": "/"})


class Address(msgspec.Struct, frozen=True, gc=False):
    """An http(s) URL taken apart: host with its port, path, query and fragment as they stood."""

    scheme: str
    host: str
    path: str
    query: str
    fragment: str


class ReducedUrl(msgspec.Struct, frozen=True, gc=False):
    """What is kept of a page's URL.

    `utm` has one value per name in `UTM_FIELDS`; `written` is the page part of an event that is no
    page view (`write_page`: path and query alone).
    """

    host: str
    path: str
    query: str
    utm: tuple[str, ...]
    has_click_id: bool
    written: bytes


_NO_PAGE: Final = ReducedUrl(
    "", "", "", _NO_UTM, has_click_id=False, written=write_plain_page("", "")
)


class Source(msgspec.Struct, frozen=True, gc=False):
    """Where a page's visitor came from; no host and `is_internal` for the site itself."""

    host: str
    is_internal: bool


NO_SOURCE: Final = Source("", is_internal=False)
_INTERNAL: Final = Source("", is_internal=True)


def split_url(url: str) -> Address | None:
    """Take an http(s) URL apart, without any user name in it; None if it is none."""
    scheme, colon, rest = url.partition("://")
    scheme = scheme.lower()
    if not colon or scheme not in _SCHEMES:
        return None
    rest, _, fragment = rest.partition("#")
    location, _, query = rest.partition("?")
    authority, slash, path = location.partition("/")
    host = authority.rpartition("@")[2].lower()
    return Address(scheme, host, slash + path or "/", query, fragment) if host else None


class PageReducer:
    """Reduces addresses, with a memory of the plain ones.

    Remembered are addresses without parameters in which nothing was found to redact: such an
    address is what is stored anyway.
    """

    def __init__(self, redactor: Redactor, channels: Channels) -> None:
        self._redactor = redactor
        self._channels = channels
        self._known: dict[str, ReducedUrl] = {}

    def reduce_url(self, url: str, site: Site) -> ReducedUrl | None:
        """Keep the path, the site's own parameters and the campaign's; None if it is no URL.

        A fragment belongs to the path: the tag sends one only where it is part of the address. The
        empty URL is that of an event on no page.
        """
        known = self._known.get(url)
        if known is not None:
            return known
        if not url:
            return _NO_PAGE
        base, mark, rest = url.partition("?")
        if mark and "#" not in url and not _may_matter(rest, site):
            return self.reduce_url(base, site)
        address = split_url(url)
        if address is None:
            return None
        reduced = self._reduce(address, site)
        if (
            url == f"{address.scheme}://{address.host}{reduced.path}"
            and len(url) < _MAX_KNOWN_CHARS
        ):
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[url] = reduced
        return reduced

    def reduce_link(self, url: str) -> tuple[str, str] | None:
        """Keep host and path of a link's target; None if it is no http(s) URL."""
        address = split_url(url)
        if address is None:
            return None
        host = self._redact_host(_strip_port(address.host))
        if not host:
            return None
        # Together first: what a number in a path is, a host such as wa.me tells.
        whole = self._redactor.redact_path(f"{host}{address.path}")
        path = whole.removeprefix(host)
        return host, path if path.startswith("/") else self._redactor.redact_path(address.path)

    def reduce_referrer(self, referrer: str, page_host: str, site: Site) -> Source:
        """Keep the host of a referrer, unless it is one of the site's own."""
        scheme, colon, rest = referrer.partition("://")
        if not colon or scheme not in _REFERRER_SCHEMES:
            return NO_SOURCE
        authority = rest.translate(_MARKS).partition("/")[0].rpartition("@")[2].lower()
        host = _strip_port(authority)
        if host == _strip_port(page_host) or site.has_origin(f"{scheme}://{authority}"):
            return _INTERNAL
        return Source(self._redact_host(host), is_internal=False)

    def write_view(self, url: ReducedUrl, title: str, source: Source) -> bytes:
        """Write the page part of a page view; a view from within the site has no channel."""
        channel = ""
        name, medium, *others = url.utm
        campaign = name or next(filter(None, others), "")
        if not source.is_internal or url.has_click_id or campaign or medium:
            channel = self._channels.classify(
                source.host, campaign, medium, has_click_id=url.has_click_id
            )
        title = self._redactor.redact_text(title)
        return write_page(PagePart(url.path, url.query, title, source.host, channel, url.utm))

    def _redact_host(self, host: str) -> str:
        """Redact a host; nothing is kept of what is none, and no address however it is written."""
        if _NUMERIC.fullmatch(host):
            return "[ip]"
        return self._redactor.redact_host(host) if _HOST.fullmatch(host) else ""

    def forget(self) -> None:
        """Let go of the addresses and sources that are remembered."""
        self._known.clear()
        self._channels.forget()

    def _reduce(self, address: Address, site: Site) -> ReducedUrl:
        path = address.path
        if route := address.fragment.partition("?")[0]:
            path = f"{path}#{route}"
        path = self._redactor.redact_path(path)
        query, utm, has_click_id = "", _NO_UTM, False
        if _may_matter(address.query, site):
            query, utm, has_click_id = self._read_query(address.query, site)
        written = write_plain_page(path, query)
        return ReducedUrl(address.host, path, query, utm, has_click_id, written)

    def _read_query(self, query: str, site: Site) -> tuple[str, tuple[str, ...], bool]:
        try:
            found = dict(parse_qsl(query, max_num_fields=_MAX_PARAMETERS))
        except ValueError:  # more parameters than any honest address has
            return "", _NO_UTM, False
        redact = self._redactor.redact_text
        utm = _NO_UTM
        if any(name in found for name in UTM_FIELDS):
            utm = tuple(redact(found.get(name, ""))[:_MAX_UTM_CHARS] for name in UTM_FIELDS)
        kept = [
            f"{quote(name)}={quote(redact(found[name]))}"
            for name in sorted(site.query_parameters & found.keys())
        ]
        return "&".join(kept)[:_MAX_QUERY_CHARS], utm, not CLICK_IDS.isdisjoint(found)


def _may_matter(query: str, site: Site) -> bool:
    """Say whether a query may hold a parameter that is looked at: parsing it costs far more."""
    return bool(query) and (
        any(mark in query for mark in _QUERY_MARKS)
        or any(name in query for name in site.query_parameters)
        or "%" in query  # a name may be written so
    )


def _strip_port(host: str) -> str:
    if host.startswith("["):
        address, end, _ = host[1:].partition("]")
        return address if end else ""
    return host.partition(":")[0]
