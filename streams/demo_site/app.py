"""The demo site's server: a raw ASGI app that serves a handful of pages from this folder."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from schemas.errors import HmaraError

Message = MutableMapping[str, Any]  # ASGI's own type: any codec is on the server's side
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Mapping[str, Any], Receive, Send], Awaitable[None]]

_FOLDER = Path(__file__).parent
_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_GUIDE = ("guide", "Brewing guide", "How hot, how long, how often.")
_PAGES = {
    "/": ("home", "Tea and clay from the hills", "A quiet cup, made slowly."),
    "/products": ("products", "Shop", "Both of our products."),
    "/products/mountain-tea": ("mountain-tea", "Mountain herb tea", "Thyme, mint and linden."),
    "/products/ash-cup": ("ash-cup", "Ash-glaze cup", "Stoneware, 180 ml."),
    "/journal/water": ("water", "On water", "Why the same leaves taste different next door."),
    "/guide": _GUIDE,
    "/guide/herbs": _GUIDE,
    "/guide/green": _GUIDE,
    "/guide/oolong": _GUIDE,
    "/guide/black": _GUIDE,
    "/contact": ("contact", "Contact", "Write to us."),
    "/contact/thanks": ("thanks", "Thank you", "Your letter was kept nowhere."),
}
_MISSING = ("missing", "Not found", "There is no such page.")
_LETTER_SENT = "/contact/thanks"


class DemoSiteError(HmaraError):
    """The demo site cannot be set up as asked."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    content_type: str
    body: bytes
    location: str = ""


def create_app(collector_url: str, site: str) -> App:
    """Return the site as an ASGI app whose pages load the tag of `site` from the collector.

    Pages are read and filled in once, here. What is posted to the site is neither read nor kept.

    Raises:
        DemoSiteError: `collector_url` is not an http(s) address.

    """
    answers = _build_answers(_origin_of(collector_url), site)
    security = _security_headers(_origin_of(collector_url))

    async def app(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _run_lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        answer = _find_answer(answers, scope["method"], scope["path"])
        await _send_answer(send, answer, security, with_body=scope["method"] != "HEAD")

    return app


def _origin_of(collector_url: str) -> str:
    parts = urlsplit(collector_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = f"reading the collector's address: {collector_url!r} is not an http(s) address"
        raise DemoSiteError(message)
    return f"{parts.scheme}://{parts.netloc}"


def _build_answers(collector: str, site: str) -> dict[str, _Answer]:
    answers = {
        path: _Answer(200, _CONTENT_TYPES[".html"], _fill(page, collector, site))
        for path, page in _PAGES.items()
    }
    answers[""] = _Answer(404, _CONTENT_TYPES[".html"], _fill(_MISSING, collector, site))
    for file in sorted((_FOLDER / "static").iterdir()):
        if file.suffix in _CONTENT_TYPES:
            content_type = _CONTENT_TYPES[file.suffix]
            answers[f"/static/{file.name}"] = _Answer(200, content_type, file.read_bytes())
    return answers


def _fill(page: tuple[str, str, str], collector: str, site: str) -> bytes:
    name, title, description = page
    text = (_FOLDER / "pages" / "layout.html").read_text(encoding="utf-8")
    content = (_FOLDER / "pages" / f"{name}.html").read_text(encoding="utf-8")
    text = text.replace("{{content}}", content.rstrip())
    for key, value in {
        "title": f"{title}, Tykha",
        "description": description,
        "collector": collector,
        "site": site,
    }.items():
        text = text.replace(f"{{{{{key}}}}}", html.escape(value))
    return text.encode()


def _security_headers(collector: str) -> list[tuple[bytes, bytes]]:
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {collector}",
            f"connect-src {collector}",
            "style-src 'self'",
            "img-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        )
    )
    return [
        (b"content-security-policy", policy.encode("latin-1")),
        (b"referrer-policy", b"strict-origin-when-cross-origin"),
        (b"x-content-type-options", b"nosniff"),
        # no-store would keep the pages out of the browser's back/forward cache.
        (b"cache-control", b"no-cache"),
    ]


def _find_answer(answers: Mapping[str, _Answer], method: str, path: str) -> _Answer:
    if method == "POST" and path == "/contact":
        return _Answer(303, _CONTENT_TYPES[".html"], b"", location=_LETTER_SENT)
    if method not in {"GET", "HEAD"}:
        return _Answer(405, "text/plain; charset=utf-8", b"Only GET and HEAD.\n")
    return answers.get(path) or answers.get(path.rstrip("/") or "/") or answers[""]


async def _send_answer(
    send: Send, answer: _Answer, security: list[tuple[bytes, bytes]], *, with_body: bool
) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *security,
    ]
    if answer.location:
        headers.append((b"location", answer.location.encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body if with_body else b""})


async def _run_lifespan(receive: Receive, send: Send) -> None:
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return
