"""One line: what is read from it, and that nothing can make it raise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.access_log.parse import MAX_LINE_BYTES, LogLine, Skip, parse_line
from streams.access_log.reasons import SkipReason

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
HEAD = '192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 2326'
PLAIN = f'{HEAD} "-" "-"'


def _escape(text: str, *, beyond_ascii: bool) -> str:
    """Escape as Apache does: quotes and backslashes, control characters, maybe bytes over 127."""
    out = ""
    for letter in text:
        if letter in {'"', "\\"}:
            out += f"\\{letter}"
        elif letter < " " or letter == "\x7f" or (beyond_ascii and letter > "~"):
            out += "".join(f"\\x{byte:02x}" for byte in letter.encode())
        else:
            out += letter
    return out


def _format(line: LogLine, zone: timezone, *, beyond_ascii: bool, trailing: str) -> bytes:
    local = line.received_at.astimezone(zone)
    time = f"{local:%d}/{MONTHS[local.month - 1]}/{local:%Y:%H:%M:%S %z}"
    target, referrer, user_agent = (
        "-" if text is None else _escape(text, beyond_ascii=beyond_ascii)
        for text in (line.target, line.referrer, line.user_agent)
    )
    request = f"{line.method} {target} HTTP/1.1"
    return (
        f'{line.address} - - [{time}] "{request}" {line.status} 12'
        f' "{referrer}" "{user_agent}"{trailing}'
    ).encode()


texts = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), min_size=1, max_size=60)
headers = st.none() | texts.filter(lambda text: text != "-")
log_lines = st.builds(
    LogLine,
    line_number=st.integers(1, 10**9),
    received_at=st.datetimes(
        datetime(1971, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        datetime(2099, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ).map(lambda moment: moment.replace(microsecond=0)),
    address=st.ip_addresses().map(str)
    | st.from_regex(r"[a-z][a-z0-9-]{0,20}\.org", fullmatch=True),
    method=st.sampled_from(["GET", "HEAD", "POST", "PROPFIND"]),
    target=texts.map(lambda text: "/" + text),
    status=st.integers(100, 599),
    referrer=headers,
    user_agent=headers,
)
zones = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(
    line=log_lines,
    zone=zones,
    beyond_ascii=st.booleans(),
    trailing=st.sampled_from(["", " 0.003", ' "203.0.113.9" rt=0.1', " "]),
)
def test_what_was_written_is_read_back(
    line: LogLine, zone: timezone, *, beyond_ascii: bool, trailing: str
) -> None:
    """Every field survives formatting and parsing, in any time zone and with trailing fields."""
    written = _format(line, zone, beyond_ascii=beyond_ascii, trailing=trailing)
    assert parse_line(written, line.line_number) == line


@given(st.binary(max_size=400))
@example(b"")
@example(b"\x00" * 400)
@example(b"[" * 400)
@example(b'"' * 400)
@example(PLAIN.encode() + b"\xff")
def test_no_bytes_raise(line: bytes) -> None:
    """Whatever stands in a line, it is read or skipped."""
    assert isinstance(parse_line(line), LogLine | Skip)


@given(st.data())
def test_no_damage_raises(data: st.DataObject) -> None:
    """A good line with any byte replaced is read or skipped."""
    line = bytearray(PLAIN.encode())
    line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(parse_line(bytes(line)), LogLine | Skip)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        HEAD,
        f'{HEAD} "-"',
        f'{HEAD} "-" "unfinished',
        f'{HEAD} "-" "ends in an escape\\"',
        f'{HEAD} "-" "quoted "twice""',
        PLAIN.replace("200", "2000"),
        PLAIN.replace("200", "abc"),
        PLAIN.replace("2326", "many"),
        PLAIN.replace("192.0.2.7", "example.org:443 192.0.2.7"),
        PLAIN.replace("192.0.2.7", "example.org 192.0.2.7"),
        '{"time": "2025-10-01T12:00:00Z", "status": 200}',
    ],
)
def test_other_formats_are_malformed(line: str) -> None:
    """What is not Combined Log Format is skipped as malformed, with its number."""
    assert parse_line(line.encode(), 17) == Skip(17, SkipReason.MALFORMED)


@pytest.mark.parametrize(
    "time",
    [
        "31/Feb/2025:12:00:00 +0000",
        "00/Oct/2025:12:00:00 +0000",
        "10/Okt/2025:12:00:00 +0000",
        "10/Oct/2025:24:00:00 +0000",
        "10/Oct/2025:12:60:00 +0000",
        "10/Oct/2025:12:00:00 +2400",
        "10/Oct/2025:12:00:00",
        "10/Oct/0000:12:00:00 +0000",
        "01/Jan/0001:00:00:00 +0200",
        "2025-10-10T12:00:00Z",
        "",
    ],
)
def test_a_time_that_is_none_is_its_own_reason(time: str) -> None:
    """The format is right, the moment does not exist: bad_time."""
    line = PLAIN.replace("10/Oct/2000:13:55:36 -0700", time)
    assert parse_line(line.encode(), 3) == Skip(3, SkipReason.BAD_TIME)


@pytest.mark.parametrize(
    ("request_line", "method", "target"),
    [
        ("GET /a HTTP/2.0", "GET", "/a"),
        ("GET /a", "GET", "/a"),
        ("GET /a b HTTP/1.1", "GET", "/a b"),
        ("-", "-", ""),
        ("", "", ""),
        (r"\x16\x03\x01", r"\x16\x03\x01", ""),
        (r"GET /\xd0\xbf\x22 HTTP/1.1", "GET", '/п"'),
        (r"GET /\xff HTTP/1.1", "GET", r"/\xff"),
        (r"GET /\q HTTP/1.1", "GET", r"/\q"),
    ],
)
def test_request_lines_are_taken_apart(request_line: str, method: str, target: str) -> None:
    """Old, odd and escaped request lines all give a method and a target."""
    line = parse_line(PLAIN.replace("GET / HTTP/1.1", request_line).encode())
    assert isinstance(line, LogLine)
    assert (line.method, line.target) == (method, target)


def test_the_longest_line_is_64_kib() -> None:
    """A line of 64 KiB is read, one byte more is malformed."""
    room = MAX_LINE_BYTES - len(HEAD) - len(' "-" ""')
    assert isinstance(parse_line(f'{HEAD} "-" "{"x" * room}"'.encode()), LogLine)
    too_long = parse_line(f'{HEAD} "-" "{"x" * (room + 1)}"'.encode(), 5)
    assert too_long == Skip(5, SkipReason.MALFORMED)


def test_a_line_that_is_not_utf_8_is_malformed() -> None:
    """Nothing is replaced: bytes that are no text make the line malformed."""
    assert parse_line(PLAIN.encode() + b" \xe9", 5) == Skip(5, SkipReason.MALFORMED)


def test_a_user_name_may_have_spaces() -> None:
    """What stands in the place of the remote user shifts nothing."""
    line = parse_line(PLAIN.replace("- - [", "- an example user [").encode())
    assert isinstance(line, LogLine)
    assert line.address == "192.0.2.7"
