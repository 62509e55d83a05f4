"""What a site's pages carry."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from streams.settings import CollectorSettings
from streams.sites_file import make_model
from streams.snippet import SnippetError, find_domains, find_local_url, make_snippet

COLLECTOR = "https://stats.example.net"


def of(*origins: str, collector: str = COLLECTOR) -> tuple[str, str, tuple[str, ...]]:
    """Make the snippet of a site with these origins."""
    made = make_snippet(make_model(id="shop", origins=origins), collector)
    return made.script, made.pixel, made.notes


def test_the_two_lines() -> None:
    """The tag's element and the pixel, each one line, as the tag and the collector read them."""
    script, pixel, _ = of("https://shop.example.org")
    assert script == f'<script async src="{COLLECTOR}/tag.js" data-site="shop"></script>'
    assert pixel == (
        f'<noscript><img src="{COLLECTOR}/v1/pixel.gif?site=shop&amp;path=/" alt="" '
        'width="1" height="1"></noscript>'
    )


def test_one_opt_out_for_all_subdomains() -> None:
    """With a wildcard origin the tag is told the domain that the choice is kept for, no port."""
    script, _, notes = of("https://*.example.org:8443", "https://example.org")
    assert script.endswith(' data-domain="example.org"></script>')
    assert not [note for note in notes if "data-domain" in note]


def test_pages_of_other_domains_are_told_apart() -> None:
    """A browser keeps no choice for a domain that is not the page's: the notes say what to do."""
    _, _, notes = of("https://*.example.org", "https://*.example.com", "http://other.example.net")
    assert 'pages of example.com need data-domain="example.com"' in notes
    assert "pages of http://other.example.net need the script without data-domain" in notes


@pytest.mark.parametrize(
    ("origins", "domains"),
    [
        (("https://example.org",), []),
        (("https://*.shop.example.org", "https://*.example.org"), ["example.org"]),
        (("https://*.example.org", "http://*.example.org"), ["example.org"]),
        (("https://*.myexample.org", "https://*.example.org"), ["myexample.org", "example.org"]),
    ],
)
def test_a_domain_covers_what_is_below_it(origins: tuple[str, ...], domains: list[str]) -> None:
    """Of nested domains the outer one is enough, and a like ending is not a domain within."""
    assert find_domains(origins) == domains


def test_a_collector_below_a_path() -> None:
    """A collector that a proxy shows below a path is told to the tag, which would ask the root."""
    script, pixel, notes = of("https://shop.example.org", collector=f"{COLLECTOR}/in/")
    assert f'src="{COLLECTOR}/in/tag.js"' in script
    assert 'data-endpoint="/in/v1/events"' in script
    assert f'src="{COLLECTOR}/in/v1/pixel.gif?' in pixel
    assert any(f"needs {COLLECTOR} in" in note for note in notes)


def test_nothing_of_an_address_ends_an_attribute() -> None:
    """A quote in the collector's address stays within its attribute."""
    script, _, _ = of("https://shop.example.org", collector=f'{COLLECTOR}/"onload="x')
    found: list[list[tuple[str, str | None]]] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag == "script"
            found.append(attrs)

    Parser().feed(script)
    names = [name for name, _ in found[0]]
    assert names == ["async", "src", "data-site", "data-endpoint"]


@pytest.mark.parametrize(
    "url",
    [
        "stats.example.net",
        "ftp://stats.example.net",
        "https://",
        "https://stats.example.net:port",
        "http://127.0.0.1:0",
        "https://stats.example.net/?x=1",
        "https://user@stats.example.net",
        "javascript:alert(1)",
    ],
)
def test_an_address_that_no_page_can_load_from_is_refused(url: str) -> None:
    """The collector's address is http(s)://host[:port], and an error says so."""
    with pytest.raises(SnippetError, match="not http"):
        of("https://shop.example.org", collector=url)


def test_a_local_collector_is_where_its_settings_put_it() -> None:
    """Without an address the collector is this machine's, over TLS when it has a certificate."""
    assert find_local_url(CollectorSettings(port=8090)) == "http://127.0.0.1:8090"
    secured = CollectorSettings(port=8443, tls_certificate_file=Path("certificate.pem"))
    assert find_local_url(secured) == "https://127.0.0.1:8443"
