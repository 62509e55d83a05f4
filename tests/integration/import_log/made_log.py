"""Access logs with known content, and their counts made with none of hmara's own code."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

FIRST_MOMENT = datetime(2025, 10, 25, 6, tzinfo=UTC)
"""The clocks of Kyiv go back in the night after, so that one of its hours comes twice."""
SPAN = timedelta(hours=60)
OFFSETS = tuple(timezone(timedelta(minutes=minutes)) for minutes in (0, 180, -420, 345))
ADDRESSES = (
    *(f"192.0.2.{n}" for n in range(1, 40)),
    *(f"2001:db8::{n:x}" for n in range(1, 40)),
    "client.example.org",
)
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36",
    r"Mozilla/5.0 (Macintosh; \"quoted\" and \\) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
)
FORM = '{address} - - [{time}] "{method} {path} HTTP/1.1" {status} {size} "{referrer}" "{agent}"'
KINDS: tuple[tuple[str, str, Sequence[object]], ...] = (
    *[("", "status", (200, 304))] * 14,
    ("asset", "path", ("/style.css", "/logo.PNG?v=2", "/js/app.js")),
    ("bot", "agent", ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot)", "-")),
    ("status_error", "status", (404, 500)),
    ("redirect", "status", (301, 302)),
    ("not_get", "method", ("POST", "HEAD")),
)
"""Why a line is no page view, if it is none, and the field that makes it so."""
PATHS = ("/", "/about", "/blog/first", "/blog/second.html", "/%D0%BA%D0%B8%D1%97%D0%B2", "/a/b/")
QUERIES = ("", "?utm_source=mail", r"?q=\"x\"", "?next=/style.css")
REFERRERS = ("-", "https://example.org/", r"https://example.net/?q=\"x\"")
BAD_LINES = (
    ("malformed", "not a line of a log at all"),
    ("malformed", '192.0.2.1 - - [25/Oct/2025:06:00:00 +0000] "GET / HTTP/1.1" 200 5'),
    ("bad_time", '192.0.2.1 - - [31/Feb/2025:06:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "x"'),
)


@dataclass(frozen=True, slots=True)
class MadeLog:
    """A log's text, and what was put into it besides page views."""

    text: str
    skipped: Counter[str]
    unreadable: list[tuple[int, str]]
    """Line numbers, from 1, with the reason."""


@dataclass(slots=True)
class Counted:
    """What an analyst would count."""

    views: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    """By day, hour and path."""
    visitors: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    """By day: addresses with user agents."""


def make_log(lines: int, seed: int) -> MadeLog:
    """Make a log over three days, three lines in ten of which are no page view."""
    draw = random.Random(seed)
    written: list[str] = []
    skipped: Counter[str] = Counter()
    unreadable: list[tuple[int, str]] = []
    for number in range(1, lines + 1):
        if number % 97 == 0:
            reason, line = draw.choice(BAD_LINES)
            unreadable.append((number, reason))
        else:
            moment = FIRST_MOMENT + SPAN * number / lines
            reason, line = _make_line(draw, moment.astimezone(draw.choice(OFFSETS)))
        skipped[reason] += 1
        written.append(line)
    del skipped[""]
    return MadeLog("\n".join([*written, ""]), skipped, unreadable)


def _make_line(draw: random.Random, moment: datetime) -> tuple[str, str]:
    reason, changed, values = draw.choice(KINDS)
    fields = {
        "address": draw.choice(ADDRESSES),
        "time": moment.strftime("%d/%b/%Y:%H:%M:%S %z"),
        "method": "GET",
        "path": draw.choice(PATHS) + draw.choice(QUERIES),
        "size": draw.choice(("512", "-")),
        "referrer": draw.choice(REFERRERS),
        "agent": draw.choice(AGENTS),
        changed: draw.choice(values),
    }
    return reason, FORM.format(**{"status": 200, **fields})


LINE = re.compile(
    r'(\S+) - - \[(.+?)\] "GET ([^ ?]+)\S* HTTP/1.1" (200|304) \S+ ".*" "(.*)"', re.ASCII
)


def count_independently(text: str, zone: ZoneInfo) -> Counted:
    """Count page views per day, hour and path, and visitors per day, the way a script would."""
    counted = Counted()
    for address, stamp, path, _, agent in _find_views(text):
        moment = datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z").astimezone(zone)
        day = moment.date().isoformat()
        counted.views[day, moment.hour, path] += 1
        counted.visitors[day].add((address, agent))
    return counted


def _find_views(text: str) -> Iterator[tuple[str, ...]]:
    for line in text.splitlines():
        match = LINE.fullmatch(line)
        if match is None or "31/Feb" in line:
            continue
        is_asset = re.search(r"\.(css|png|js)$", match[3].lower())
        if not is_asset and "bot" not in match[5] and match[5] != "-":
            yield match.groups()


def write_log(folder: Path, log: MadeLog) -> Path:
    """Write a log to a file."""
    path = folder / "access.log"
    path.write_text(log.text, "utf-8")
    return path
