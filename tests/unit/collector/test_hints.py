"""What headers say about a client besides its address."""

from __future__ import annotations

import pytest

from streams.collector.hints import find_page_origin, has_opted_out, is_headless, read_key

COOKIES = {
    b"": False,
    b"hmara_choice=out": True,
    b"a=b; hmara_choice=out; c=d": True,
    b"a=b;hmara_choice=out": True,
    b"a=b,hmara_choice=out": True,  # two Cookie headers
    b"hmara_choice=in": False,
    b"hmara_choice=": False,
    b"hmara_choice=outside": False,
    b"x_hmara_choice=out": False,
    b"a=hmara_choice=out": False,
}

PAGES: dict[str, tuple[dict[bytes, bytes], str]] = {
    "neither": ({}, ""),
    "an origin": ({b"origin": b"https://a.example"}, "https://a.example"),
    "both": (
        {b"origin": b"https://a.example", b"referer": b"https://b.example/"},
        "https://a.example",
    ),
    "a page": ({b"referer": b"https://a.example:8443/path?q=1#top"}, "https://a.example:8443"),
    "an origin as referrer": ({b"referer": b"https://a.example"}, "https://a.example"),
    "a query at once": ({b"referer": b"http://a.example?q=https://b.example/"}, "http://a.example"),
    "a file": ({b"referer": b"file:///etc/hosts"}, ""),
    "about": ({b"referer": b"about:client"}, ""),
    "no host": ({b"referer": b"https:///x"}, ""),
    "the null origin": ({b"origin": b"null"}, "null"),
}

KEYS = {
    b"": "",
    b"Bearer abc": "abc",
    b"bearer abc": "abc",
    b"BEARER   abc ": "abc",
    b"Bearer": "",
    b"Basic abc": "",
    b"abc": "",
}


@pytest.mark.parametrize("cookies", COOKIES)
def test_only_the_choice_itself_is_a_choice(cookies: bytes) -> None:
    """The cookie `hmara_choice=out` opts out, at any place; nothing that resembles it does."""
    assert has_opted_out({b"cookie": cookies}) == COOKIES[cookies]


def test_a_headless_browser_says_so() -> None:
    """The brand list of a headless Chromium is recognised, that of a Chrome is not."""
    assert is_headless({b"sec-ch-ua": b'"HeadlessChrome";v="141", "Not?A_Brand";v="8"'})
    assert not is_headless({b"sec-ch-ua": b'"Google Chrome";v="141", "Chromium";v="141"'})
    assert not is_headless({})


@pytest.mark.parametrize("name", PAGES)
def test_an_image_tells_its_page(name: str) -> None:
    """The page's origin is the Origin header, else the origin of an http(s) Referer, else ''."""
    headers, origin = PAGES[name]
    assert find_page_origin(headers) == origin


@pytest.mark.parametrize("value", KEYS)
def test_a_key_is_a_bearer_token(value: bytes) -> None:
    """The write key is what follows `Bearer`, in any case; no other scheme brings one."""
    assert read_key({b"authorization": value}) == KEYS[value]
