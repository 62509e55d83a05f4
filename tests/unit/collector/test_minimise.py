"""What is kept of an address, a user agent, a URL: never what could identify."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import maxminddb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collector import minimise
from streams.collector.minimise import (
    UTM_FIELDS,
    AgentClassifier,
    CountryLookup,
    GeoError,
    bucket_pixels,
    pack_address,
    reduce_language,
    reduce_referrer,
    reduce_url,
    truncate_address,
)

SECRET = "s3cr3t"
ANY_TEXT = st.text(max_size=40)
PATHS = st.text(st.characters(exclude_characters="?#\\", exclude_categories=["Cs"]), max_size=20)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/141.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)
PIXEL = CHROME.replace("Windows NT 10.0; Win64; x64", "Linux; Android 15; Pixel 9").replace(
    " Safari", " Mobile Safari"
)
GALAXY_TAB = CHROME.replace("Windows NT 10.0; Win64; x64", "Linux; Android 14; SM-X710")
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@given(
    st.sampled_from(["http", "https", "HTTPS"]),
    st.sampled_from(["", f"{SECRET}@", f"u:{SECRET}@", f"u%40x:{SECRET}@"]),
    PATHS,
    st.sampled_from(["", f"?q={SECRET}", f"?{SECRET}", f"?email={SECRET}@x.org&utm_source=mail"]),
    st.sampled_from(["", f"#{SECRET}", f"#/route?token={SECRET}"]),
)
def test_a_url_loses_userinfo_query_and_fragment(
    scheme: str, userinfo: str, path: str, query: str, fragment: str
) -> None:
    """Of a URL only host, path and the five campaign parameters are kept."""
    url = reduce_url(f"{scheme}://{userinfo}Shop.example.org:8443/{path}{query}{fragment}")
    assert url is not None
    assert url.host == "shop.example.org:8443"
    assert url.path == f"/{path}"
    assert url.utm == (("mail" if "utm_source" in query else ""), "", "", "", "")
    assert SECRET not in "".join((url.host, url.path, *url.utm)).replace(path, "")


@given(ANY_TEXT)
def test_any_text_is_reduced_or_refused(text: str) -> None:
    """Whatever a client calls a URL, nothing behind `?` or `#` and nobody's name is kept."""
    for candidate in (text, f"https://{text}", f"http://h/{text}"):
        url = reduce_url(candidate)
        if url is not None:
            assert not set("?#") & set(url.path)
            assert not set("?#@/") & set(url.host)
            assert url.host
            assert url.path.startswith("/")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "/path",
            "example.org",
            "//example.org/",
            "ftp://example.org/",
            "https:/x",
            "https://",
        ),
        *("https:///path", "https://?q", "https://#f", "file:///etc/passwd", "javascript:alert(1)"),
        *("data:text/html,x", "about:blank", "chrome-extension://abc/x", "https//x", " https://x/"),
    ],
)
def test_what_is_no_web_page_is_refused(text: str) -> None:
    """A text without http(s) scheme and host is no URL of a page."""
    assert reduce_url(text) is None


def test_a_page_without_a_path_is_the_root() -> None:
    """The page at a bare host has the path `/`, with a query or without."""
    for url in ("https://h", "https://h/", "https://h?x=1", "https://h#x", "https://h/?x#y"):
        reduced = reduce_url(url)
        assert reduced is not None
        assert reduced.path == "/"


@given(st.dictionaries(st.sampled_from(UTM_FIELDS), st.text("abcÄ +&%=", max_size=150)))
def test_campaign_parameters_are_decoded_and_bounded(values: dict[str, str]) -> None:
    """Each campaign parameter is its decoded value, at most a hundred characters of it."""
    query = "&".join(f"{name}={_quote(value)}" for name, value in values.items())
    url = reduce_url(f"https://h/?x=1&{query}&y=2")
    assert url is not None
    assert url.utm == tuple(values.get(name, "")[:100] for name in UTM_FIELDS)


def _quote(value: str) -> str:
    return "".join(f"%{byte:02X}" for byte in value.encode())


@pytest.mark.parametrize(
    "query", ["utm_source&" * 200, "utm_source=%ff%fe", "utm_source", "utm_x=1"]
)
def test_a_strange_query_is_no_fault(query: str) -> None:
    """A query that is too long, undecodable or empty gives no campaign, or a harmless one."""
    url = reduce_url(f"https://h/?{query}")
    assert url is not None
    assert url.utm[1:] == ("", "", "", "")


@pytest.mark.parametrize(
    ("referrer", "kept"),
    [
        ("https://search.example.net/find?q=s3cr3t#x", "search.example.net"),
        ("https://user:s3cr3t@Blog.example.net:8080/", "blog.example.net"),
        ("https://www.example.org/other", ""),
        ("https://WWW.example.org:444/other", ""),
        ("android-app://com.example.reader/", "com.example.reader"),
        ("", ""),
        ("not a url", ""),
        ("https://[half", ""),
        ("https://[::1]/", "::1"),
    ],
)
def test_a_referrer_is_its_host(referrer: str, kept: str) -> None:
    """Only the host of a referrer is kept, and nothing if it is the page's own."""
    assert reduce_referrer(referrer, "www.example.org:443") == kept


@pytest.mark.parametrize("host", ["[2001:db8::1]", "[2001:db8::1]:8080"])
def test_a_site_with_a_bare_ipv6_address_is_no_referrer_of_itself(host: str) -> None:
    """The colons of an IPv6 address are not taken for a port."""
    assert reduce_referrer("http://[2001:db8::1]:8080/x", host) == ""


@given(ANY_TEXT)
def test_no_referrer_can_raise(text: str) -> None:
    """Any text is a referrer: its host is kept, or nothing."""
    host = reduce_referrer(f"https://{text}", "h")
    assert "/" not in host
    assert "?" not in host


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("192.0.2.255", bytes((192, 0, 2, 255))),
        ("::ffff:192.0.2.255", bytes((192, 0, 2, 255))),
        ("::ffff:c000:2ff", bytes((192, 0, 2, 255))),
        ("2001:db8::1", bytes.fromhex("20010db8000000000000000000000001")),
        ("fe80::1%eth0", bytes.fromhex("fe800000000000000000000000000001")),
        *[(text, None) for text in ("", "192.0.2", "192.0.2.256", "host", "1.2.3.4:80", "[::1]")],
        *[(text, None) for text in ("192.0.2.1 ", "\0", "0x7f.1", "127.1", "٣.1.1.1")],
    ],
)
def test_addresses_are_packed(text: str, packed: bytes | None) -> None:
    """An address is 4 or 16 bytes, an IPv4-mapped one 4; anything else is none."""
    assert pack_address(text) == packed


@given(st.one_of(st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16)))
def test_truncation_keeps_a_network(packed: bytes) -> None:
    """Of an IPv4 address its /24 is kept and of an IPv6 one its /48, the rest is zero."""
    kept = 3 if len(packed) == 4 else 6
    assert truncate_address(packed) == packed[:kept] + bytes(len(packed) - kept)


class Reader:
    """A country database in memory that remembers what it was asked."""

    def __init__(self, answer: Any) -> None:  # noqa: ANN401 - whatever a file may hold
        self.answer = answer
        self.asked: list[str] = []

    def get(self, address: str) -> Any:  # noqa: ANN401 - as maxminddb's
        """Answer."""
        self.asked.append(address)
        return self.answer


def test_the_country_is_looked_up_on_the_truncated_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The database is asked for the network, never for the address."""
    reader = Reader({"country_code": "UA"})
    monkeypatch.setattr(maxminddb, "open_database", lambda _: reader)
    lookup = CountryLookup(Path("countries.mmdb"))
    assert lookup.find(bytes((203, 0, 113, 77))) == "UA"
    assert lookup.find(bytes.fromhex("20010db8aaaabbbbccccddddeeeeffff")) == "UA"
    assert reader.asked == ["203.0.113.0", "2001:db8:aaaa::"]


@pytest.mark.parametrize("answer", [None, {}, {"country_code": None}, {"country_code": 7}, "UA"])
def test_an_unknown_country_is_empty(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    """An address that the database does not know, or an odd record, has no country."""
    monkeypatch.setattr(maxminddb, "open_database", lambda _: Reader(answer))
    assert CountryLookup(Path("countries.mmdb")).find(bytes(4)) == ""
    assert CountryLookup(None).find(bytes(4)) == ""


def test_a_broken_database_is_named(tmp_path: Path) -> None:
    """A country database that is missing or no database is an error at the start."""
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"no database")
    for path in (broken, tmp_path / "missing.mmdb"):
        with pytest.raises(GeoError, match=path.name):
            CountryLookup(path)


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (CHROME, ("desktop", "Windows", "Chrome", "141", False)),
        (IPHONE, ("mobile", "iOS", "Mobile Safari", "18", False)),
        (PIXEL, ("mobile", "Android", "Chrome Mobile", "141", False)),
        (GALAXY_TAB, ("tablet", "Android", "Chrome", "141", False)),
        ("", ("other", "", "", "", True)),
    ],
)
def test_a_user_agent_is_families_and_a_major(
    agent: str, expected: tuple[str, str, str, str, bool]
) -> None:
    """Of a user agent device class, families and the major version are kept."""
    found = AgentClassifier().classify(agent)
    assert (
        found.device_class,
        found.os_family,
        found.browser_family,
        found.browser_major,
        found.is_bot,
    ) == expected


def test_a_robot_says_so() -> None:
    """A user agent that calls itself a robot is one, and so is an empty one."""
    classifier = AgentClassifier()
    assert classifier.is_bot(GOOGLEBOT)
    assert classifier.is_bot("")
    assert not classifier.is_bot(CHROME)


def test_remembered_user_agents_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many user agents come, and however long, the memory of them stays small."""
    monkeypatch.setattr(minimise, "_MAX_USER_AGENTS", 10)
    classifier = AgentClassifier()
    for number in range(100):
        classifier.classify(f"agent {number} " + "x" * 10_000)
    known = classifier._known  # noqa: SLF001 - the bound is of this memory
    assert len(known) <= 10
    assert max(map(len, known)) <= 512
    same_start = "y" * 512
    assert classifier.classify(same_start + "a") is classifier.classify(same_start + "b")


@pytest.mark.parametrize(
    ("tag", "kept"),
    [("uk-UA", "uk"), ("en", "en"), ("FIL-ph", "fil"), ("zh_Hans", "zh"), ("ukr", "ukr")]
    + [(tag, "") for tag in ("", "u", "*", "abcd", "12", "-en", "a-bc", "en.US")],
)
def test_a_language_is_its_primary_subtag(tag: str, kept: str) -> None:
    """Two or three letters before the first hyphen, in lower case; else nothing."""
    assert reduce_language(tag) == kept


@pytest.mark.parametrize(
    ("pixels", "name"),
    [
        *((0, "xs"), (480, "xs"), (481, "s"), (768, "s"), (769, "m"), (1366, "m"), (1367, "l")),
        *((1920, "l"), (1921, "xl"), (100_000, "xl")),
    ],
)
def test_sizes_are_classes(pixels: int, name: str) -> None:
    """A size in pixels is one of five classes."""
    assert bucket_pixels(pixels) == name
