"""What the redactor replaces, what it leaves, and what it remembers."""

from __future__ import annotations

from collections import Counter
from typing import Final
from urllib.parse import quote

import pytest

from streams.collector import redact
from streams.collector.redact import RedactionKind, Redactor
from streams.collector.redaction.phones import RegionError

CARD: Final = "4111 1111 1111 1111"
IBAN: Final = "UA21 3223 1300 0002 6007 2335 6600 1"
UUID: Final = "550e8400-e29b-41d4-a716-446655440000"
JWT: Final = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


@pytest.fixture
def counted() -> Counter[RedactionKind]:
    """How often each kind was counted."""
    return Counter()


@pytest.fixture
def redactor(counted: Counter[RedactionKind]) -> Redactor:
    """Return a redactor for Ukraine."""
    return Redactor(lambda kind: counted.update([kind]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Лист для olena@example.com", "Лист для [email]"),
        ("Дзвоніть +38 (067) 123-45-67", "Дзвоніть [phone]"),
        (f"Картка {CARD}, дякуємо", "Картка [card], дякуємо"),
        (f"IBAN {IBAN}.", "IBAN [iban]."),
        (f"Bearer {JWT}", "Bearer [token]"),
        (f"Session {UUID} ended", "Session [token] ended"),
        ("Your address is 203.0.113.9.", "Your address is [ip]."),
        ("from [2001:db8::1]:443", "from [[ip]]:443"),
        ("1 a@example.com 2 b@example.com 3", "1 [email] 2 [email] 3"),
        ("", ""),
    ],
)
def test_each_kind_is_replaced_in_text(redactor: Redactor, text: str, expected: str) -> None:
    """An identifier is replaced by its kind, and the text around it stays."""
    assert redactor.redact_text(text) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/u/olena%40example.com/%D0%BB", "/u/[email]/%D0%BB"),
        ("/u/%6Flena%2540example%2Ecom/x%20y", "/u/[email]/x%20y"),
        (
            "next=%2Fx%3Femail%3Da.b%252540example.com%26x=%2B",
            "next=%2Fx%3Femail%3D[email]%26x=%2B",
        ),
        ("/u/a.b%25252525252540example.com/x", "/u/[email]/x"),
        ("phone=%2B38%20(067)%20123-45-67&x=%7E", "phone=[phone]&x=%7E"),
        ("phone=+48+601+234+567&q=red+oak", "phone=[phone]&q=red+oak"),
        ("card=4111+1111+1111+1111&sum=100", "card=[card]&sum=100"),
        ("ip=2001%3Adb8%3A%3A1", "ip=[ip]"),
        ("sig=7f3K%2Bx9Qz2%2FLm4Pq8Rt6Vw1Yb5Nc0%3D&v=2", "sig=[token]&v=2"),
        ("/%E0%A4%A/olena@example.com/%", "/%E0%A4%A/[email]/%"),
    ],
)
def test_encoding_hides_nothing_and_the_rest_stays(
    redactor: Redactor, path: str, expected: str
) -> None:
    """Escapes of any depth and `+` hide nothing; what is not replaced stays byte for byte."""
    assert redactor.redact_path(path) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("d41d8cd98f00b204e9800998ecf8427e.example.com", "[token].example.com"),
        ("ec2-203-0-113-9.eu-1.amazonaws.com", "ec2-[ip].eu-1.amazonaws.com"),
        ("203.0.113.9", "[ip]"),
        ("1-2-3-4.dynamic.isp.example", "[ip].dynamic.isp.example"),
        ("xn--80aaxitdbjk.xn--p1ai", "xn--80aaxitdbjk.xn--p1ai"),
        ("my-long-company-name-international.com", "my-long-company-name-international.com"),
    ],
)
def test_a_host_loses_tokens_and_addresses(redactor: Redactor, host: str, expected: str) -> None:
    """Of a host the labels that are tokens and the addresses are replaced; names stay."""
    assert redactor.redact_host(host) == expected


@pytest.mark.parametrize(
    "text",
    [
        "/blog/how-to-brew-oolong-tea-at-home-in-2026",
        "/img/icon@2x.png",
        "/@olena",
        "/npm/jquery@3.7.1/dist/jquery.min.js",
        "/static/js/main.d41d8cd98f00b204e9800998ecf8427e.js",
        "/product/lenovo-ideapad-slim-5-16irl8-82xf003lra-cloud-grey",
        "2026-05-12T10:20:30+03:00",
        "05-12-2026 10:30",
        "ISBN 0-306-40615-2",
        "50.450100,30.523400",
        "1 234 567 890 грн",
        "4111 1111 1111 1112",
        "UA21 3223 1300 0002 6007 2335 6600 2",
        "std::vector<int>::iterator",
        "getUserAccountSettingsResponseHandler",
    ],
)
def test_what_looks_alike_stays(redactor: Redactor, text: str) -> None:
    """Dates, prices, versions, ids, wrong check digits, asset digests and long words stay."""
    assert redactor.redact_text(text) == text
    assert redactor.redact_path(text) == text


def test_a_version_of_four_numbers_is_sacrificed(redactor: Redactor) -> None:
    """A version such as 10.4.1.2 can not be told from an address, and goes."""
    assert redactor.redact_text("version 10.4.1.2") == "version [ip]"


def test_each_replacement_is_counted_once(
    redactor: Redactor, counted: Counter[RedactionKind]
) -> None:
    """`count` is called once for each thing replaced, and not for a clean text."""
    redactor.redact_text(f"a@example.com b@example.com {CARD}")
    redactor.redact_path("/ip/203.0.113.9")
    redactor.redact_text("Oak lamp")
    assert counted == {RedactionKind.EMAIL: 2, RedactionKind.CARD: 1, RedactionKind.IP: 1}


def test_only_texts_without_findings_are_remembered(
    redactor: Redactor, counted: Counter[RedactionKind]
) -> None:
    """A text with a finding is kept nowhere in the redactor; a clean one is, to be fast."""
    dirty, clean = "mail olena@example.com", "/product/iphone-15-pro-256gb"
    for _ in range(2):
        assert redactor.redact_text(dirty) == "mail [email]"
        assert redactor.redact_path(clean) == clean
        redactor.redact_host("203.0.113.9")
    held = repr(vars(redactor))
    assert counted == {RedactionKind.EMAIL: 2, RedactionKind.IP: 2}
    assert clean in held
    assert "olena" not in held
    assert "203.0" not in held


def test_what_is_remembered_is_bounded(redactor: Redactor, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many texts come, only so many short ones are remembered."""
    monkeypatch.setattr(redact, "MAX_REMEMBERED", 10)
    for number in range(1000):
        redactor.redact_text(f"page {number}")
    redactor.redact_text("long " * 500)
    assert repr(vars(redactor)).count("page ") <= 10
    assert "long long" not in repr(vars(redactor))


def test_a_flood_of_findings_ends(redactor: Redactor) -> None:
    """Many candidates in one text are all replaced, also those no longer checked."""
    assert redactor.redact_text("+380671234567; " * 13) == "[phone]; " * 13
    assert redactor.redact_text("+380671234567; " * 300) == "[token]"


def test_the_region_decides_on_numbers_without_a_country_code() -> None:
    """A national form counts in its own region only, and an unknown region is refused."""
    poland = Redactor(lambda _: None, phone_regions=("PL",))
    assert poland.redact_text("601 234 567") == "[phone]"
    assert poland.redact_text("067 123 45 67") == "067 123 45 67"
    with pytest.raises(RegionError, match="'XX' is no region"):
        Redactor(lambda _: None, phone_regions=("XX",))


@pytest.mark.parametrize("piece", ["+380(0)", "1 ", "ab12-", "%31%32", "a1"])
def test_a_flood_of_digits_is_not_looked_through(piece: str) -> None:
    """More digits than anybody reads are one token, however they are spread or encoded."""
    redactor = Redactor(lambda _: None)
    assert redactor.redact_text(piece * 300) == "[token]"
    assert redactor.redact_path("/" + piece * 300) == "[token]"


def test_a_long_encoded_path_is_no_flood() -> None:
    """The digits of percent-encoding are no digits of the text."""
    path = "/" + quote("як-заварювати-улун-удома-навесні-" * 5)
    assert Redactor(lambda _: None).redact_path(path) == path
