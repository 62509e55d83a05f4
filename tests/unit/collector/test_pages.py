"""What is kept of a page's address, of its referrer and of its campaign."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collector import pages
from streams.collector.compose import make_pages
from streams.collector.pages import UTM_FIELDS, ReducedUrl, Source
from tests.support.collector import SITE

SECRET = "s3cr3t"
ANY_TEXT = st.text(max_size=40)
PATHS = st.text(
    st.characters(exclude_characters="?#\\", exclude_categories=["Cs", "Nd"]), max_size=20
)
PAGES = make_pages(("UA",))
SHOP = replace(SITE, query_parameters=frozenset({"q", "page"}))


def reduce_url(url: str) -> ReducedUrl | None:
    """Reduce the address of a page of the site."""
    return PAGES.reduce_url(url, SITE)


def reduce_referrer(referrer: str, page_host: str) -> str:
    """Return the host that is kept of a referrer."""
    return PAGES.reduce_referrer(referrer, page_host, SITE).host


@given(
    st.sampled_from(["http", "https", "HTTPS"]),
    st.sampled_from(["", f"{SECRET}@", f"u:{SECRET}@", f"u%40x:{SECRET}@"]),
    PATHS,
    st.sampled_from(["", f"?q={SECRET}", f"?{SECRET}", f"?email={SECRET}@x.org&utm_source=mail"]),
    st.sampled_from(["", f"#?{SECRET}", f"#?x/{SECRET}"]),
)
def test_a_url_loses_userinfo_and_query(
    scheme: str, userinfo: str, path: str, query: str, fragment: str
) -> None:
    """Of a URL only host, path, fragment and the five campaign parameters are kept."""
    url = reduce_url(f"{scheme}://{userinfo}Shop.example.org:8443/{path}{query}{fragment}")
    assert url is not None
    assert url.host == "shop.example.org:8443"
    bare = reduce_url(f"https://h/{path}")
    assert bare is not None
    assert url.path == bare.path
    assert url.utm == (("mail" if "utm_source" in query else ""), "", "", "", "")
    assert SECRET not in "".join((url.host, url.path, *url.utm)).replace(path, "")


@given(ANY_TEXT)
def test_any_text_is_reduced_or_refused(text: str) -> None:
    """Whatever a client calls a URL, nothing behind `?` and nobody's name is kept."""
    for candidate in (f"x{text}", f"https://{text}", f"http://h/{text}"):
        url = reduce_url(candidate)
        if url is not None:
            assert "?" not in url.path
            assert not set("?#@/") & set(url.host)
            assert url.host
            assert url.path.startswith("/")


@pytest.mark.parametrize(
    "text",
    [
        *(
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
    for url in ("https://h", "https://h/", "https://h?x=1", "https://h#", "https://h/?x#?y"):
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
        ("https://[::1]/", "[ip]"),
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


def test_a_fragment_is_part_of_the_page() -> None:
    """What the tag sends of a fragment tells pages apart; a query within it goes."""
    found = {
        fragment: PAGES.reduce_url(f"https://h/app{fragment}", SITE)
        for fragment in ("#/cart", "#!/cart", "#/cart?coupon=x", "#inbox", "#")
    }
    assert [url.path for url in found.values() if url is not None] == [
        *("/app#/cart", "/app#!/cart", "/app#/cart", "/app#inbox", "/app"),
    ]


def test_only_listed_parameters_are_kept() -> None:
    """Of the parameters those that the site lists stay, in the order of their names."""
    url = PAGES.reduce_url("https://h/list?sid=abc&q=oolong%20tea&page=2&utm_source=x", SHOP)
    assert url is not None
    assert url.query == "page=2&q=oolong%20tea"
    assert url.utm[0] == "x"
    other = PAGES.reduce_url("https://h/list?sid=abc&q=oolong%20tea&page=2", SITE)
    assert other is not None
    assert (other.path, other.query) == ("/list", "")


def test_a_listed_parameter_is_found_however_it_is_written() -> None:
    """A percent-encoded name is the same name."""
    url = PAGES.reduce_url("https://h/?%71=tea", SHOP)
    assert url is not None
    assert url.query == "q=tea"


@pytest.mark.parametrize("name", sorted(pages.CLICK_IDS))
def test_a_click_id_is_seen_and_not_kept(name: str) -> None:
    """That an advertiser's click id is there is known; its value is not."""
    url = PAGES.reduce_url(f"https://h/?x=1&{name}={SECRET}", SHOP)
    assert url is not None
    assert url.has_click_id
    assert SECRET not in "".join((url.path, url.query, *url.utm))
    assert SECRET.encode() not in url.written


def test_a_site_is_no_referrer_of_itself() -> None:
    """A referrer of the page's host, or of any origin of its site, is internal; others are not."""
    shop = replace(
        SITE,
        origins=frozenset({"https://shop.example.org"}),
        subdomains=(("https://", ".example.org"),),
    )
    found = [
        PAGES.reduce_referrer(referrer, "shop.example.org", shop)
        for referrer in (
            "https://shop.example.org/cart",
            "https://blog.example.org/",
            "https://example.net/",
            "",
        )
    ]
    inside = Source("", is_internal=True)
    assert found[:2] == [inside, inside]
    assert found[2:] == [
        Source("example.net", is_internal=False),
        Source("", is_internal=False),
    ]


def test_remembered_addresses_are_bounded_and_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only addresses that are stored as they stand are remembered, and not too many of them."""
    monkeypatch.setattr(pages, "_MAX_KNOWN", 10)
    reducer = make_pages(("UA",))
    for number in range(100):
        reducer.reduce_url(f"https://h/page-{number}?token={SECRET}", SITE)
        reducer.reduce_url(f"https://h/u/olena{number}@example.org", SITE)
        reducer.reduce_url(f"https://{SECRET}@h/page-{number}", SITE)
        reducer.reduce_url(f"https://h/plain-{number}", SITE)
    known = reducer._known  # noqa: SLF001 - the bound is of this memory
    assert 0 < len(known) <= 10
    assert not any(SECRET in address or "@" in address for address in known)
