"""The little of HTTP that the collector needs on top of ASGI: requests and bodies in, answers out.

Requests and answers are msgspec structs, not dataclasses: each costs a fifth of the time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import msgspec

from streams.collector.problems import Header, Problem, Reason
from streams.collector.request_id import draw_request_id

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[Header]

REQUEST_ID: Final = b"x-request-id"
_WITHOUT_CONTENT: Final = frozenset({204, 304})
_MAX_DIGITS: Final = 18


class ClientGoneError(Exception):
    """The client closed the connection before its body was complete: there is no one to answer."""


class Request(msgspec.Struct, gc=False):
    """A request: header names in lower case, several of one name joined with commas.

    `peer` is the address of the connection; `id` is drawn here, whatever the client says.
    """

    method: str
    path: str
    query: bytes
    headers: dict[bytes, bytes]
    peer: str
    scheme: str
    receive: Receive
    id: str

    def __repr__(self) -> str:
        return f"Request({self.id})"

    def find(self, name: bytes) -> str:
        """Return a header's text; '' if there is none."""
        return self.headers.get(name, b"").decode("latin-1")


class Response(msgspec.Struct, frozen=True, gc=False):
    """An answer, ready to send; `reason` is that of a problem."""

    status: int
    body: bytes = b""
    media_type: bytes = b"application/json"
    headers: tuple[Header, ...] = ()
    reason: str = ""


def read_request(scope: Scope, receive: Receive) -> Request:
    """Read what comes before the body."""
    client = scope.get("client")
    return Request(
        scope["method"],
        scope["path"],
        scope.get("query_string", b""),
        _join_headers(scope["headers"]),
        client[0] if client else "",
        scope.get("scheme", "http"),
        receive,
        draw_request_id(),
    )


def _join_headers(pairs: Headers) -> dict[bytes, bytes]:
    headers = dict(pairs)
    if len(headers) != len(pairs):
        headers = {}
        for name, value in pairs:
            headers[name] = b"%b,%b" % (headers[name], value) if name in headers else value
    return headers


async def read_body(
    request: Request, *, media_types: tuple[bytes, ...], limit: int, timeout_s: float
) -> bytes:
    """Read a request's body, at most `limit` bytes within `timeout_s`.

    Raises:
        Problem: wrong media type or encoding, too large, too slow.
        ClientGoneError: the connection was closed.
    """
    _check_headers(request.headers, media_types, limit)
    try:
        async with asyncio.timeout(timeout_s):
            return await _collect(request.receive, limit)
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


def _check_headers(headers: dict[bytes, bytes], media_types: tuple[bytes, ...], limit: int) -> None:
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise Problem(Reason.UNSUPPORTED_ENCODING)
    if _is_above(headers.get(b"content-length", b""), limit):
        raise Problem(Reason.BODY_TOO_LARGE, f"at most {limit} bytes")
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type not in media_types:
        taken = b" or ".join(media_types).decode()
        raise Problem(Reason.UNSUPPORTED_MEDIA_TYPE, f"it must be {taken}")


def _is_above(content_length: bytes, limit: int) -> bool:
    """Compare without trust: what is no number is left to the count of the body itself."""
    digits = content_length.strip().lstrip(b"0")
    return digits.isdigit() and (len(digits) > _MAX_DIGITS or int(digits) > limit)


def secure_headers(*, is_shared: bool, hsts_max_age_s: int | None) -> tuple[Header, ...]:
    """Return what every answer says to a browser; `is_shared`: pages of other sites may load it."""
    policy = b"cross-origin" if is_shared else b"same-origin"
    headers = (
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
        (b"cross-origin-resource-policy", policy),
    )
    if hsts_max_age_s is None:
        return headers
    return (*headers, (b"strict-transport-security", b"max-age=%d" % hsts_max_age_s))


def head_of(response: Response, request_id: str, others: tuple[Header, ...]) -> Headers:
    """Return every header of an answer; `others` are those it has by its place."""
    headers: Headers = [*others, *response.headers, (REQUEST_ID, request_id.encode())]
    if response.status not in _WITHOUT_CONTENT:  # RFC 9110: these must not name a length
        headers.append((b"content-type", response.media_type))
        headers.append((b"content-length", b"%d" % len(response.body)))
    return headers


async def send_response(send: Send, response: Response, headers: Headers) -> None:
    """Send an answer."""
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


def to_json(value: object) -> bytes:
    """Write compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def to_response(problem: Problem, request_id: str) -> Response:
    """Turn a problem into its answer (RFC 9457)."""
    content = {
        "type": "about:blank",
        "title": problem.title,
        "status": int(problem.status),
        "reason": problem.reason.value,
        "instance": f"urn:uuid:{request_id}",
    }
    if problem.detail:
        content["detail"] = problem.detail
    return Response(
        int(problem.status),
        to_json(content),
        b"application/problem+json",
        ((b"cache-control", b"no-store"), *problem.headers),
        problem.reason.value,
    )
