"""One connection, bounded: what a client sends before, in and after a request, and how long.

uvicorn bounds neither the head of a request nor the time it takes, and httptools keeps a head in
memory until it is complete. The body's own limit is in `streams/collector/http.py`.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from streams import metrics
from streams.collector.client import Network, is_trusted
from streams.collector.http import (
    Headers,
    Receive,
    Response,
    Scope,
    Send,
    head_of,
    secure_headers,
    send_response,
    to_response,
)
from streams.collector.limits import MAX_HEAD_BYTES, QUIET_S
from streams.collector.minimise import pack_address
from streams.collector.problems import Header, Problem, Reason
from streams.collector.request_id import draw_request_id

_WIRE_OVERHEAD: Final = 8
"""A body in chunks of one byte is six times as long on the wire."""


class PeerCounts:
    """How many connections each client has; our own proxies may have any number.

    What it holds is bounded by the connections that are open.
    """

    def __init__(self, limit: int, trusted: tuple[Network, ...] = ()) -> None:
        self._limit = limit
        self._trusted = trusted
        self._counts: dict[str, int] = {}

    def add(self, peer: str) -> bool:
        """Count a connection; False if its client has too many."""
        count = self._counts[peer] = self._counts.get(peer, 0) + 1
        if not self._limit or count <= self._limit:
            return True
        packed = pack_address(peer)
        return packed is not None and is_trusted(packed, self._trusted)

    def remove(self, peer: str) -> None:
        """Count the end of a connection."""
        count = self._counts.pop(peer, 0) - 1
        if count > 0:
            self._counts[peer] = count


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with bounds; a request within them costs it two additions."""

    max_message_bytes: ClassVar[int] = HIGH_WATER_LIMIT
    peers: ClassVar[PeerCounts]
    own_headers: ClassVar[tuple[Header, ...]] = ()

    def connection_made(  # type: ignore[override] # as uvicorn narrows it
        self, transport: asyncio.Transport
    ) -> None:
        """Begin to watch the connection; close it if its client has too many."""
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else ""
        self._message_bytes = 0
        self._chunk_bytes = 0
        self._seen: Any = None
        self._watch: asyncio.TimerHandle = self.loop.call_later(QUIET_S, self._look)
        if not self.peers.add(self._peer):
            # Nothing was asked yet, so there is nothing to answer.
            metrics.COLLECTOR_REQUESTS.labels("other", 503, Reason.OVERLOADED.value).inc()
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the watch."""
        self._watch.cancel()
        self.peers.remove(self._peer)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, unless it is too much of one request."""
        self._chunk_bytes = len(data)
        super().data_received(data)
        self._message_bytes += len(data)
        if self._message_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._check_size()

    def on_message_begin(self) -> None:
        """Count anew, without the chunk in which the request before it has ended."""
        super().on_message_begin()
        self._message_bytes = -self._chunk_bytes

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP; uvicorn's sentence says no more than ours."""
        del msg
        self._refuse(Problem(Reason.MALFORMED_REQUEST))

    def _check_size(self) -> None:
        is_in_head = self.scope is None or "path" not in self.scope
        if is_in_head:
            self._refuse(Problem(Reason.HEAD_TOO_LARGE, f"at most {MAX_HEAD_BYTES} bytes"))
        elif self._message_bytes > self.max_message_bytes:
            self.transport.close()  # the application has refused the body, or there is more to it

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Begin to answer; above the limit with a problem that says when to come again."""
        application: Any = app
        if app is service_unavailable:
            application = self._answer_overload
        super()._start_asgi_task(cycle, application)

    async def _answer_overload(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        response, headers = self._make_problem(Problem(Reason.OVERLOADED))
        await send_response(send, response, headers)

    def _make_problem(self, problem: Problem) -> tuple[Response, Headers]:
        request_id = draw_request_id()
        response = to_response(problem, request_id)
        metrics.COLLECTOR_REQUESTS.labels("other", response.status, response.reason).inc()
        return response, head_of(response, request_id, self.own_headers)

    def _refuse(self, problem: Problem) -> None:
        """Answer below ASGI, where there is no request yet, and close."""
        response, headers = self._make_problem(problem)
        status = f"HTTP/1.1 {response.status} {problem.status.phrase}\r\n".encode()
        head = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(b"%b%b\r\n%b" % (status, head, response.body))
        self.transport.close()

    def _look(self) -> None:
        """Close the connection if nothing has come of it since the last look."""
        cycle = self.cycle
        is_serving = cycle is not None and not cycle.response_complete
        if cycle is self._seen and not is_serving:
            self.transport.close()
        elif cycle is self._seen and self.flow.write_paused:
            self.transport.abort()  # it does not read its answer
        else:
            self._seen = cycle
            self._watch = self.loop.call_later(QUIET_S, self._look)


def bound_protocol(
    max_body_bytes: int, hsts_max_age_s: int | None, peer_counts: PeerCounts
) -> type[BoundedProtocol]:
    """Return the protocol for bodies of at most so many bytes."""

    class Bounded(BoundedProtocol):
        peers = peer_counts
        max_message_bytes = MAX_HEAD_BYTES + _WIRE_OVERHEAD * max_body_bytes
        own_headers = secure_headers(is_shared=False, hsts_max_age_s=hsts_max_age_s)

    return Bounded
