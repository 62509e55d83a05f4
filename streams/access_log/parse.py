"""One line of Combined Log Format, `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i"`."""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from streams.access_log.clock import parse_time
from streams.access_log.reasons import SkipReason

MAX_LINE_BYTES = 65_536

# Possessive throughout, so that no line can make it slow. The address is a host name or an IP: a
# log that begins with `host:port` (vhost_combined) must not pass with its columns shifted. The
# remote user may contain spaces, the ident no dot or colon, for the same reason.
_TEMPLATE = (
    r"([\w.\-]++|[0-9A-Fa-f]*+:[0-9A-Fa-f]*+:[0-9A-Fa-f:.]*+(?:%\w++)?+)"
    r" [^ .:\[]++ [^\[]++(?<= )\[([^\]]*+)\]"
    r' "(QUOTED)" ([1-5][0-9][0-9]) (?:[0-9]++|-) "(QUOTED)" "(QUOTED)"(?: |\Z)'
)
# Most lines have no escape at all, and a third of the time is enough for those.
_PLAIN_LINE = re.compile(_TEMPLATE.replace("QUOTED", r'[^"]*+'), re.ASCII)
_ESCAPED_LINE = re.compile(_TEMPLATE.replace("QUOTED", r'[^"\\]*+(?:\\.[^"\\]*+)*+'), re.ASCII)
_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_NAMED_ESCAPES = {
    b'"': b'"', b"\\": b"\\", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f",
    b"v": b"\v",
}  # fmt: skip
_ABSENT = frozenset({"-", ""})


class LogLine(msgspec.Struct, frozen=True, gc=False):
    """What one well-formed line says; escapes are resolved, and a lone `-` is None."""

    line_number: int
    received_at: datetime
    """Aware, UTC, whole seconds."""
    address: str
    """An IP address, or a host name where the server looked names up."""
    method: str
    target: str
    """As requested, percent-encoding untouched; empty if the request line had none."""
    status: int
    referrer: str | None
    user_agent: str | None


class Skip(msgspec.Struct, frozen=True, gc=False):
    """A line that is no page view, and why."""

    line_number: int
    reason: SkipReason


def parse_line(line: bytes, line_number: int = 0) -> LogLine | Skip:
    """Parse one line without its line feed; never raises, whatever the bytes are."""
    if len(line) > MAX_LINE_BYTES:
        return Skip(line_number, SkipReason.MALFORMED)
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return Skip(line_number, SkipReason.MALFORMED)
    has_escapes = "\\" in text
    match = (_ESCAPED_LINE if has_escapes else _PLAIN_LINE).match(text)
    if match is None:
        return Skip(line_number, SkipReason.MALFORMED)
    address, time_text, request, status, referrer, user_agent = match.groups()
    received_at = parse_time(time_text)
    if received_at is None:
        return Skip(line_number, SkipReason.BAD_TIME)
    method, _, rest = request.partition(" ")
    target = rest.rpartition(" ")[0] or rest  # HTTP/0.9 had no version
    if has_escapes:
        target, referrer, user_agent = _unescape(target), _unescape(referrer), _unescape(user_agent)
    return LogLine(
        line_number,
        received_at,
        address,
        method,
        target,
        int(status),
        None if referrer in _ABSENT else referrer,
        None if user_agent in _ABSENT else user_agent,
    )


def _unescape(text: str) -> str:
    r"""Resolve `\xHH`, `\"`, `\\` and the like; what would not be UTF-8 stays as it was written."""
    if "\\" not in text:
        return text
    try:
        return _ESCAPE.sub(_unescape_one, text.encode()).decode()
    except UnicodeDecodeError:
        return text


def _unescape_one(match: re.Match[bytes]) -> bytes:
    code, name = match.groups()
    if code is not None:
        return bytes((int(code, 16),))
    return _NAMED_ESCAPES.get(name, match[0])
