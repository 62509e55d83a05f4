"""What holds for every text: planted identifiers go, the rest stays, twice is once, no error."""

from __future__ import annotations

import base64
import ipaddress
import re
import string
import time
from random import Random
from typing import Final
from urllib.parse import quote, quote_plus

import phonenumbers
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum import iban, luhn

from streams.collector.redact import RedactionKind, Redactor

WHERE: Final = ("redact_text", "redact_path")
MARK: Final = re.compile(rf"\[(?:{'|'.join(RedactionKind)})\]")
LETTERS: Final = string.ascii_letters + "абвгґдеєжзиіїйклмнопрстуфхцчшщьюяéüłß"
PLAIN: Final = st.text(LETTERS + " ,.!?–«»", max_size=30)  # noqa: RUF001 - a dash as in titles
ANY: Final = st.text(st.characters(), max_size=40)


def digits(size: int) -> st.SearchStrategy[str]:
    """Draw so many digits."""
    return st.text(string.digits, min_size=size, max_size=size)


EMAILS: Final = st.from_regex(
    r"\A[a-zA-Zї][a-zA-Z0-9]{0,12}(?:[.+_-][a-z0-9]{1,8})?"
    r"@[a-z][a-z0-9]{0,10}(?:-[a-z0-9]{1,6})?\.(?:com|org|example|укр|co\.uk)\Z"
)
CARDS: Final = st.builds(
    lambda head, body: head + body + luhn.calc_check_digit(head + body),
    st.sampled_from(["4539", "5105", "2221", "6011", "2200", "9804"]),
    digits(11),
)
SPACED_CARDS: Final = st.builds(
    lambda card, gap: gap.join(card[place : place + 4] for place in range(0, 16, 4)),
    CARDS,
    st.sampled_from([" ", "-", ".", "\u00a0"]),
).filter(lambda card: set(re.split(r"[^0-9]", card)) - {"0000"} != set())
IBANS: Final = st.builds(
    lambda country, body: country + iban.calc_check_digits(f"{country}00{body}") + body,
    st.just("UA"),
    digits(25),
)
PHONES: Final = st.builds(
    lambda form, code, body: form.format(code, body[:3], body[3:5], body[5:]),
    st.sampled_from(
        ["+380{}{}{}{}", "+38 (0{}) {}-{}-{}", "0{} {} {} {}", "(0{}) {}-{}-{}", "00380{}{}{}{}"]
    ),
    st.sampled_from(["50", "63", "66", "67", "68", "73", "93", "95", "96", "97", "98", "99"]),
    digits(7),
)
ABROAD: Final = st.sampled_from(["US", "GB", "DE", "PL", "FR", "TR", "BR", "JP", "IN"]).map(
    lambda region: phonenumbers.format_number(
        phonenumbers.example_number(region) or phonenumbers.PhoneNumber(),
        phonenumbers.PhoneNumberFormat.INTERNATIONAL,
    )
)
ADDRESSES: Final = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.integers(2**120, 2**128 - 1).map(lambda number: str(ipaddress.IPv6Address(number))),
).filter(lambda address: "." in address or len(address) > 8)
DICE: Final = st.integers(0, 2**64).map(Random)
TOKENS: Final = st.one_of(
    st.uuids().map(str),
    DICE.map(lambda dice: dice.randbytes(16).hex()),
    DICE.map(
        lambda dice: base64.b64encode(dice.randbytes(33)).decode().translate({43: "b", 47: "a"})
    ),
    DICE.map(lambda dice: "sk_live_" + "".join(dice.choices(string.ascii_letters, k=24))),
)
IDENTIFIERS: Final = st.one_of(
    EMAILS, CARDS, SPACED_CARDS, IBANS, PHONES, ABROAD, ADDRESSES, TOKENS
)
ENCODINGS: Final = st.sampled_from(
    [
        lambda text: quote(text, safe=""),
        quote_plus,
        lambda text: quote(quote(text, safe=""), safe=""),
        lambda text: "".join(f"%{octet:02x}" for octet in text.encode()),
    ]
)
PIECES: Final = st.lists(
    st.one_of(
        ANY,
        IDENTIFIERS,
        st.sampled_from(
            ["%", "%25", "%40", "@", "+", " ", "/", "=", "&", ".", ":", "::", "-", "_", "0", "380",
             "[email]", "[", "]", "a.b", "xn--", "password=", "token=", "\\u0040", "&#64;", "(at)",
             "eyJ", "4111", "UA21", "1.2.3", "\u200b", "\udc80", "＠"]  # noqa: RUF001 - meant
        ),
    ),
    max_size=12,
).map("".join)  # fmt: skip


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    """Return a redactor that counts nothing."""
    return Redactor(lambda _: None)


@given(PLAIN, IDENTIFIERS, PLAIN)
def test_a_planted_identifier_goes_and_the_text_stays(
    redactor: Redactor, before: str, identifier: str, after: str
) -> None:
    """Between plain words an identifier is replaced by one mark, and every other sign stays."""
    redacted = redactor.redact_text(f"{before}| {identifier} |{after}")
    head, mark, tail = redacted.partition(f"{before}| ")
    assert (head, mark) == ("", f"{before}| ")
    assert MARK.fullmatch(tail.removesuffix(f" |{after}")), redacted


@given(ENCODINGS, IDENTIFIERS, st.sampled_from(["/u/{}/x", "a=1&v={}&b=2", "/u/{}", "v={}"]))
def test_encoding_hides_no_identifier(
    redactor: Redactor, encode: object, identifier: str, path: str
) -> None:
    """However a browser or a form encodes it, an identifier in a path or a query is replaced."""
    assert callable(encode)
    redacted = redactor.redact_path(path.format(encode(identifier)))
    before, _, after = path.partition("{}")
    assert redacted.startswith(before)
    assert redacted.endswith(after)
    assert MARK.fullmatch(redacted[len(before) : len(redacted) - len(after)]), redacted


@given(ANY, IDENTIFIERS, ANY, st.sampled_from(WHERE))
def test_no_neighbour_protects_an_identifier(
    redactor: Redactor, before: str, identifier: str, after: str, method: str
) -> None:
    """Whatever stands in the rest of a text, a planted identifier does not come through."""
    assume(identifier not in before and identifier not in after)
    redacted = getattr(redactor, method)(f"{before} | {identifier} | {after}")
    assert identifier not in redacted


@given(PIECES, st.sampled_from([*WHERE, "redact_host"]))
def test_redacting_twice_changes_nothing_more(redactor: Redactor, text: str, method: str) -> None:
    """What was redacted stays as it is, and no text raises, lone surrogates included."""
    once = getattr(redactor, method)(text)
    assert getattr(redactor, method)(once) == once


@given(PIECES, st.sampled_from(WHERE))
def test_nothing_is_added_but_marks(redactor: Redactor, text: str, method: str) -> None:
    """What stands between the marks is the text itself, in its order."""
    place = 0
    for piece in MARK.split(getattr(redactor, method)(text)):
        found = text.find(piece, place)
        assert found >= 0
        place = found + len(piece)


GROWING: Final = (
    "@", "a@", "a@b.", "a.", "1", "1 ", "4 ", "4111 ", "1-", "0-44-", "+", "+1 ", "+380", "+380(0)",
    "0671234567 ", "00 ", "1.", "1.2.3.4 ", ":", "1:", "::1 ", "UA21", "UA21 ", "a1", "A1-", "aB1/",
    "eyJ", "eyJhbGciOi.", "%", "%25", "%2", "%40", "%252540", "&#64;", "\\u0040", "(at)", "a at b ",
    "-", "_", "=", "token_", "token=", "password=", "//a:", "//a:b@", "sk_live_", "xn--a1", "＠",  # noqa: RUF001 - meant
    "\u200b", "\udc80@", "/0", "(", " ", "550e8400-e29b-", "phone 1234567 ",
)  # fmt: skip


@pytest.mark.parametrize("piece", GROWING)
def test_the_work_grows_with_the_length(piece: str, redactor: Redactor) -> None:
    """A text ten times as long takes about ten times the work, far from a hundred times."""
    assert any(measure_growth(redactor, piece) < 40 for _ in range(3))


def measure_growth(redactor: Redactor, piece: str) -> float:
    """Return how many times longer the processor works on a text ten times as long."""
    spent = []
    for size in (1_000, 10_000):
        text = (piece * size)[:size]
        start = time.process_time_ns()
        redactor.redact_path(text)
        spent.append(time.process_time_ns() - start)
    return spent[1] / max(spent[0], 100_000)
