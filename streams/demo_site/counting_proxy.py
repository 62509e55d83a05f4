"""A loopback HTTP proxy that counts what the collector accepted from a browser behind it.

A browser's developer tools do not show the requests that a page sends while it is being left, and
those carry every page end. A proxy sees each request and each answer, whoever has gone meanwhile.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_EVENTS_PATH = "/v1/events"
_ANSWER_WITHIN_S = 30.0
# Between one client and one server each: they say nothing about the request or the answer itself.
_HOP_BY_HOP = frozenset({"connection", "content-encoding", "content-length", "host", "keep-alive"})
_HOP_BY_HOP_PREFIXES = ("proxy-", "transfer-")


@dataclass(slots=True)
class Counts:
    """What went through the proxy to the collector's event endpoint so far.

    A page that does not hear that its events were accepted sends them again, with the same ids:
    they are accepted, and counted, twice, and are one row. Each such event is one repeated.
    """

    events_accepted: int = 0
    events_repeated: int = 0
    requests_answered: int = 0
    requests_refused: int = 0
    requests_unanswered: int = 0


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes


class CountingProxy:
    """Passes plain-http requests on; a tunnel (https) it refuses, so nothing else leaves."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.counts = Counts()
        self.port = 0
        self._client = client
        self._open = 0
        self._accepted_ids: set[tuple[str, int]] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    async def wait_until_idle(self, within_s: float) -> None:
        """Return when every request that came has its answer, or when the time is over."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), within_s)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the one request of a connection."""
        # The browser opens connections ahead of need, and hangs up on answers it no longer wants.
        with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError):
            request = await _read_request(reader)
            writer.write(await self._answer(request))
            await writer.drain()
        writer.close()

    async def _answer(self, request: _Request) -> bytes:
        if request.method == "CONNECT":
            return _to_bytes(HTTPStatus.NOT_IMPLEMENTED, [], b"")
        is_events = request.method == "POST" and urlsplit(request.url).path == _EVENTS_PATH
        # Unanswered until it is answered: a browser that is closed meanwhile changes nothing.
        self.counts.requests_unanswered += is_events
        self._open += 1
        self._idle.clear()
        try:
            answer = await self._client.request(
                request.method, request.url, headers=request.headers, content=request.body
            )
        except httpx.HTTPError:
            return _to_bytes(HTTPStatus.BAD_GATEWAY, [], b"")
        finally:
            self._open -= 1
            if not self._open:
                self._idle.set()
        if is_events:
            self._count(request, answer)
        headers = _end_to_end(answer.headers.multi_items())
        return _to_bytes(answer.status_code, headers, answer.content)

    def _count(self, request: _Request, answer: httpx.Response) -> None:
        self.counts.requests_unanswered -= 1
        self.counts.requests_answered += 1
        if answer.status_code != HTTPStatus.ACCEPTED:
            self.counts.requests_refused += 1
            return
        accepted = int(json.loads(answer.content)["accepted"])
        self.counts.events_accepted += accepted
        if not accepted:
            return  # all were dropped, and are no rows
        batch = json.loads(request.body)
        ids = {(batch["page_load_id"], event["seq"]) for event in batch["events"]}
        # Of a batch of which some were dropped the answer does not say which.
        self.counts.events_repeated += min(accepted, len(ids & self._accepted_ids))
        self._accepted_ids |= ids


@asynccontextmanager
async def run_counting_proxy() -> AsyncIterator[CountingProxy]:
    """Serve on a free loopback port while the context is open."""
    # trust_env: a proxy of the machine's own is not for its loopback addresses.
    async with httpx.AsyncClient(trust_env=False, timeout=_ANSWER_WITHIN_S) as client:
        proxy = CountingProxy(client)
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            server.close()


async def _read_request(reader: asyncio.StreamReader) -> _Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, url, _version = head[0].split(" ")
    pairs = [line.partition(":") for line in head[1:] if line]
    headers = [(name.strip(), value.strip()) for name, _, value in pairs]
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return _Request(method, url, _end_to_end(headers), await reader.readexactly(length))


def _end_to_end(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [
        (name, value)
        for name, value in headers
        if name.lower() not in _HOP_BY_HOP and not name.lower().startswith(_HOP_BY_HOP_PREFIXES)
    ]


def _to_bytes(status: int, headers: list[tuple[str, str]], body: bytes) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        *(f"{name}: {value}" for name, value in headers),
        f"Content-Length: {len(body)}",
        # One request a connection: how many are open is then how many wait for an answer.
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
