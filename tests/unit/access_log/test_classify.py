"""What is a page request, and why the rest is none."""

from __future__ import annotations

import pytest

from streams.access_log.classify import ASSET_EXTENSIONS, classify
from streams.access_log.parse import LogLine, parse_line
from streams.access_log.reasons import SkipReason


def _line(request: str, status: int = 200, user_agent: str = "Mozilla/5.0") -> LogLine:
    line = parse_line(
        f'192.0.2.7 - - [01/Oct/2025:12:00:00 +0000] "{request}" {status} 5'
        f' "-" "{user_agent}"'.encode()
    )
    assert isinstance(line, LogLine)
    return line


def _never(_line: LogLine) -> None:
    return None


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/about",
        "/index.html",
        "/shop/item.php?id=3",
        "/releases/v1.2",
        "/css",
        "/docs/pdf",
        "/search?file=a.css",
        "/page#logo.png",
        "/health",
        "/robots",
        "//twice",
        "/%D0%BF",
        "/user.name/",
    ],
)
@pytest.mark.parametrize("status", [200, 304])
def test_pages_are_pages(target: str, status: int) -> None:
    """Paths without an asset's extension are pages, whether sent or confirmed."""
    assert classify(_line(f"GET {target} HTTP/1.1", status), _never) is None


@pytest.mark.parametrize(
    ("request_line", "status", "reason"),
    [
        ("HEAD / HTTP/1.1", 200, SkipReason.NOT_GET),
        ("POST / HTTP/1.1", 200, SkipReason.NOT_GET),
        ("get / HTTP/1.1", 200, SkipReason.NOT_GET),
        ("-", 408, SkipReason.NOT_GET),
        ("GET / HTTP/1.1", 301, SkipReason.REDIRECT),
        ("GET / HTTP/1.1", 404, SkipReason.STATUS_ERROR),
        ("GET / HTTP/1.1", 503, SkipReason.STATUS_ERROR),
        ("GET / HTTP/1.1", 206, SkipReason.OTHER_STATUS),
        ("GET / HTTP/1.1", 101, SkipReason.OTHER_STATUS),
        ("GET http://example.net/ HTTP/1.1", 200, SkipReason.BAD_TARGET),
        ("GET /a b HTTP/1.1", 200, SkipReason.BAD_TARGET),
        (r"GET /a\nb HTTP/1.1", 200, SkipReason.BAD_TARGET),
        ("GET /logo.PNG HTTP/1.1", 200, SkipReason.ASSET),
        ("GET /a/style.css?v=3 HTTP/1.1", 304, SkipReason.ASSET),
        ("GET /a/style.css;v=3 HTTP/1.1", 200, SkipReason.ASSET),
        ("GET /price-list.pdf HTTP/1.1", 200, SkipReason.ASSET),
        ("GET /robots.txt HTTP/1.1", 200, SkipReason.NOT_A_PAGE),
        ("GET /favicon.ico HTTP/1.1", 200, SkipReason.NOT_A_PAGE),
        ("GET /sitemap_index.xml HTTP/1.1", 200, SkipReason.NOT_A_PAGE),
        ("GET /blog/feed/ HTTP/1.1", 200, SkipReason.NOT_A_PAGE),
        ("GET /.well-known/security.txt HTTP/1.1", 200, SkipReason.NOT_A_PAGE),
        ("GET /healthz HTTP/1.1", 200, SkipReason.NOT_A_PAGE),
    ],
)
def test_the_rest_has_its_reason(request_line: str, status: int, reason: SkipReason) -> None:
    """Each kind of request that is no page is skipped for its own reason."""
    assert classify(_line(request_line, status), _never) is reason


@pytest.mark.parametrize(("user_agent", "asked"), [("-", 0), ("", 0), ("Robot/1.0", 1)])
def test_robots_and_nobody_are_bots(user_agent: str, asked: int) -> None:
    """An empty user agent is a bot without asking, any other if the classifier says so."""
    questions: list[LogLine] = []

    def judge(line: LogLine) -> SkipReason:
        questions.append(line)
        return SkipReason.BOT

    assert classify(_line("GET / HTTP/1.1", user_agent=user_agent), judge) is SkipReason.BOT
    assert len(questions) == asked


def test_a_bot_is_only_asked_about_for_pages() -> None:
    """The classifier, the dearest question, is not asked about assets."""

    def judge(_line: LogLine) -> SkipReason:
        raise AssertionError

    assert classify(_line("GET /a.css HTTP/1.1"), judge) is SkipReason.ASSET


def test_extensions_are_lower_case_words() -> None:
    """The list has no dot, no capital and no page's extension."""
    assert all(extension.isalnum() and extension.islower() for extension in ASSET_EXTENSIONS)
    assert not ASSET_EXTENSIONS & {"html", "htm", "php", "asp", "aspx", "jsp", "md", "shtml"}
