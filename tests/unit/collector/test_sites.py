"""The sites file, and the tag's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.collector.sites import SitesError, load_sites
from streams.collector.tag_file import TagFile, TagFileError

GOOD = """
[[sites]]
id = "demo"
origins = ["http://127.0.0.1:8081", "https://www.example.org"]
time_zone = "Europe/Kyiv"

[[sites]]
id = "shop.example.org"
origins = ["https://shop.example.org"]
synthetic = true
keep_headless = true
"""


def write(tmp_path: Path, text: str) -> Path:
    """Write a sites file."""
    path = tmp_path / "sites.toml"
    path.write_text(text, "utf-8")
    return path


def test_sites_are_read(tmp_path: Path) -> None:
    """Every site has its origins, its zone (UTC if none is named) and its marks."""
    sites = load_sites(write(tmp_path, GOOD))
    demo, shop = sites.by_id["demo"], sites.by_id["shop.example.org"]
    assert demo.zone.key == "Europe/Kyiv"
    assert (demo.synthetic, demo.keep_headless) == (False, False)
    assert shop.zone.key == "UTC"
    assert (shop.synthetic, shop.keep_headless) == (True, True)
    assert sites.has_origin("https://shop.example.org")
    assert not sites.has_origin("https://example.org")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('id = "demo"', 'id = "Demo"', r"sites\.0\.id"),
        ('id = "demo"', 'id = "../demo"', r"sites\.0\.id"),
        ('id = "demo"', 'id = "demo\\n"', r"sites\.0\.id"),
        ('id = "demo"', 'id = ""', r"sites\.0\.id"),
        ('id = "demo"', f'id = "{"d" * 65}"', r"sites\.0\.id"),
        ('id = "demo"', "", r"sites\.0\.id"),
        ('id = "demo"', 'id = "shop.example.org"', "share one id"),
        ("Europe/Kyiv", "Europe/Atlantis", r"sites\.0\.time_zone"),
        ("Europe/Kyiv", "../../etc/passwd", r"sites\.0\.time_zone"),
        ("Europe/Kyiv", "", r"sites\.0\.time_zone"),
        ("https://www.example.org", "https://www.example.org/", r"sites\.0\.origins"),
        ("https://www.example.org", "www.example.org", r"sites\.0\.origins"),
        ("https://www.example.org", "*", r"sites\.0\.origins"),
        *(
            ("https://www.example.org", origin, r"sites\.0\.origins")
            for origin in (
                *("ftp://www.example.org", "https://www.example.org:443", "http://a.org:80"),
                *("https://www.example.org:", "https://a.org:abc", "https://a.org:99999"),
                *("https://Www.example.org", "https://крамниця.укр", "https://exa mple.org"),
                *("https://*.com", "https://a.*.org", "https://u@a.org", "https://a.org?x"),
            )
        ),
        ("time_zone", "timezone", r"sites\.0\.timezone"),
        ("[[sites]]", "[[site]]", "site"),
        ("[[sites]]", "[[sites", "sites.toml"),
    ],
)
def test_a_wrong_file_names_its_fault(tmp_path: Path, old: str, new: str, fault: str) -> None:
    """The error names the file and the field at fault."""
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(SitesError, match=fault) as caught:
        load_sites(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """No file, no sites: the error names the path."""
    with pytest.raises(SitesError, match="No such file"):
        load_sites(tmp_path / "sites.toml")
    with pytest.raises(SitesError, match="sites"):
        load_sites(write(tmp_path, ""))
    (tmp_path / "sites.toml").write_bytes(b"\xff")
    with pytest.raises(SitesError, match=r"sites\.toml"):
        load_sites(tmp_path / "sites.toml")


def test_a_tag_that_was_not_built_says_how(tmp_path: Path) -> None:
    """Without a built tag the collector does not start, and names the command that builds it."""
    with pytest.raises(TagFileError, match="make setup"):
        TagFile(tmp_path / "tag.js")


def test_another_tag_has_another_etag(tmp_path: Path) -> None:
    """A client's copy is good only as long as the tag has the same bytes."""
    path = tmp_path / "tag.js"
    path.write_bytes(b"one")
    first = TagFile(path)
    path.write_bytes(b"two")
    second = TagFile(path)
    etag = dict(first.respond("").headers)[b"etag"].decode()
    assert first.respond(f'"x", W/{etag}').status == 304
    assert second.respond(etag).status == 200
    assert second.respond("").body == b"two"


@pytest.mark.parametrize(
    ("origin", "is_one"),
    [
        ("https://a.example.org", True),
        ("https://a.b.example.org", True),
        ("https://a_b.example.org", True),
        ("https://example.org", False),
        ("http://a.example.org", False),
        ("https://a.example.org:8443", False),
        ("https://A.example.org", False),
        ("https://a..example.org", False),
        ("https://.example.org", False),
        ("https://é.example.org", False),
        ("https://a@b.example.org", False),
        ("https://evil.net/.example.org", False),
        ("https://aexample.org", False),
        ("null", False),
        ("", False),
    ],
)
def test_a_pattern_is_for_subdomains_alone(tmp_path: Path, origin: str, *, is_one: bool) -> None:
    """`*.` stands for labels as browsers send them, and for nothing else."""
    text = GOOD.replace("https://www.example.org", "https://*.example.org")
    sites = load_sites(write(tmp_path, text))
    assert sites.by_id["demo"].has_origin(origin) is is_one
