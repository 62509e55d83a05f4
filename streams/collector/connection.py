"""One connection, bounded: what a client sends before, in and after a request, and how long.

uvicorn bounds neither the head of a request nor the time it takes, and httptools keeps a head in
memory until it is complete. The body's own limit is in `streams/collector/http.py`.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from streams import metrics
from streams.collector.http import to_response
from streams.collector.problems import Problem, Reason

MAX_HEAD_BYTES: Final = 32_768
QUIET_S: Final = 10.0
"""A connection that has brought no request for so long (at most twice that) is closed."""
_WIRE_OVERHEAD: Final = 8
"""A body in chunks of one byte is six times as long on the wire."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with bounds; a request within them costs it two additions."""

    max_message_bytes: ClassVar[int] = HIGH_WATER_LIMIT

    def connection_made(  # type: ignore[override] # as uvicorn narrows it
        self, transport: asyncio.Transport
    ) -> None:
        """Begin to watch the connection."""
        super().connection_made(transport)
        self._message_bytes = 0
        self._chunk_bytes = 0
        self._seen: Any = None
        self._watch: asyncio.TimerHandle = self.loop.call_later(QUIET_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the watch."""
        self._watch.cancel()
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

    def _refuse(self, problem: Problem) -> None:
        response = to_response(problem)
        metrics.COLLECTOR_REQUESTS.labels("other", response.status, response.reason).inc()
        headers = (
            *response.headers,
            (b"content-type", response.media_type),
            (b"content-length", b"%d" % len(response.body)),
            (b"connection", b"close"),
        )
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


def bound_protocol(max_body_bytes: int) -> type[BoundedProtocol]:
    """Return the protocol for bodies of at most so many bytes."""

    class Bounded(BoundedProtocol):
        max_message_bytes = MAX_HEAD_BYTES + _WIRE_OVERHEAD * max_body_bytes

    return Bounded
