"""Plain http where https is asked for: a reader is sent on, a sender is refused."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Final

from streams.collector.client import Network, is_trusted
from streams.collector.http import (
    Receive,
    Request,
    Response,
    Scope,
    Send,
    head_of,
    read_request,
    secure_headers,
    send_response,
    to_response,
)
from streams.collector.minimise import pack_address
from streams.collector.problems import Problem, Reason

HTTPS_PORT: Final = 443
_HOST: Final = re.compile(r"([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
_READING: Final = frozenset({"GET", "HEAD"})


def is_plain(request: Request, trusted: tuple[Network, ...]) -> bool:
    """Say whether a request came, or came to a trusted proxy, over plain http.

    Of several proxies the last speaks: what stands before its word may be the client's own.
    """
    if request.scheme == "https":
        return False
    peer = pack_address(request.peer)
    if peer is None or not is_trusted(peer, trusted):
        return True
    said = request.headers.get(b"x-forwarded-proto", b"")
    return said.rpartition(b",")[2].strip().lower() == b"http"


def answer_plain(request: Request, known: Container[str], port: int) -> Response:
    """Answer a request over plain http: 308 to the same address over https.

    Args:
        request: what was asked.
        known: the paths that are served; others get no redirect.
        port: where https is.

    Raises:
        Problem: it is no reading of a known path, or names no host to go to.
    """
    host = _HOST.fullmatch(request.find(b"host"))
    if request.method not in _READING or request.path not in known or host is None:
        raise Problem(Reason.HTTPS_REQUIRED)
    place = host[1] if port == HTTPS_PORT else f"{host[1]}:{port}"
    query = b"?" + request.query if request.query else b""
    location = f"https://{place}{request.path}".encode() + query
    return Response(308, headers=((b"location", location), (b"cache-control", b"no-store")))


class RedirectApp:
    """The ASGI application of a listener that speaks plain http beside the one with TLS."""

    def __init__(self, known: Container[str], https_port: int) -> None:
        self._known = known
        self._port = https_port
        # A browser believes a promise of https only over https (RFC 6797, 7.2).
        self._headers = secure_headers(is_shared=True, hsts_max_age_s=None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whose body is not read."""
        request = read_request(scope, receive)
        try:
            response = answer_plain(request, self._known, self._port)
        except Problem as problem:
            response = to_response(problem, request.id)
        await send_response(send, response, head_of(response, request.id, self._headers))
