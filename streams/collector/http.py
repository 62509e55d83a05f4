"""The little of HTTP that the collector needs on top of ASGI: bodies in, answers out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from streams.collector.problems import Problem, Reason

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

SECURITY_HEADERS: Final[Headers] = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"cross-origin"),
]
_UNAVAILABLE: Final = 503
_WITHOUT_CONTENT: Final = frozenset({204, 304})
_MAX_DIGITS: Final = 18
_BODY_TYPES: Final = (b"text/plain", b"application/json")


class ClientGoneError(Exception):
    """The client closed the connection before its body was complete: there is no one to answer."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, ready to send."""

    status: int
    body: bytes = b""
    media_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()
    reason: str = ""


def find_header(scope: Scope, name: bytes) -> str:
    """Return a request header, several of one name joined with commas; '' if there is none."""
    found = [value for key, value in scope["headers"] if key == name]
    return b",".join(found).decode("latin-1") if found else ""


async def read_body(scope: Scope, receive: Receive, *, limit: int, timeout_s: float) -> bytes:
    """Read a request's body, at most `limit` bytes within `timeout_s`.

    Raises:
        Problem: wrong media type or encoding, too large, too slow.
        ClientGoneError: the connection was closed.
    """
    _check_headers(scope, limit)
    try:
        async with asyncio.timeout(timeout_s):
            return await _collect(receive, limit)
    except TimeoutError:
        raise Problem(Reason.BODY_TOO_SLOW, f"at most {timeout_s:g} seconds") from None


async def _collect(receive: Receive, limit: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk: bytes = message.get("body", b"")
        body += chunk
        if len(body) > limit:
            raise Problem(Reason.BODY_TOO_LARGE, f"at most {limit} bytes")
        if not message.get("more_body", False):
            return bytes(body)


def _check_headers(scope: Scope, limit: int) -> None:
    media_type = b""
    for key, value in scope["headers"]:
        if key == b"content-type":
            media_type = value.partition(b";")[0].strip().lower()
        elif key == b"content-encoding" and value.lower() != b"identity":
            raise Problem(Reason.UNSUPPORTED_ENCODING)
        elif key == b"content-length" and _is_above(value, limit):
            raise Problem(Reason.BODY_TOO_LARGE, f"at most {limit} bytes")
    if media_type not in _BODY_TYPES:
        raise Problem(Reason.UNSUPPORTED_MEDIA_TYPE)


def _is_above(content_length: bytes, limit: int) -> bool:
    """Compare without trust: what is no number is left to the count of the body itself."""
    digits = content_length.strip().lstrip(b"0")
    return digits.isdigit() and (len(digits) > _MAX_DIGITS or int(digits) > limit)


async def send_response(send: Send, response: Response, extra: Headers | None = None) -> None:
    """Send an answer with the security headers, and `extra` ones."""
    headers: Headers = [*SECURITY_HEADERS, *response.headers, *(extra or ())]
    if response.status not in _WITHOUT_CONTENT:  # RFC 9110: these must not name a length
        headers.append((b"content-type", response.media_type))
        headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


def to_json(value: object) -> bytes:
    """Write compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def to_response(problem: Problem, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Response:
    """Turn a problem into its answer (RFC 9457), with `headers` besides the usual ones."""
    content = {
        "type": "about:blank",
        "title": problem.title,
        "status": int(problem.status),
        "reason": problem.reason.value,
    }
    if problem.detail:
        content["detail"] = problem.detail
    retry = ((b"retry-after", b"2"),) if problem.status == _UNAVAILABLE else ()
    return Response(
        int(problem.status),
        to_json(content),
        b"application/problem+json",
        ((b"cache-control", b"no-store"), *retry, *headers),
        problem.reason.value,
    )
