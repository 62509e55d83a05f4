"""HTTP byte by byte: requests that no client library would send, and what comes back."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any, Final
from urllib.parse import urlsplit

TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def reason(self) -> str:
        """The machine-readable reason of a problem; '' if the answer is none."""
        is_problem = self.headers.get("content-type") == "application/problem+json"
        return str(self.json["reason"]) if is_problem else ""


def write_request(
    method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> bytes:
    """Write a request; Content-Length is the body's unless the headers say something of it."""
    given = {"Host": "127.0.0.1", **(headers or {})}
    names = {name.lower() for name in given}
    if body and not names & {"content-length", "transfer-encoding"}:
        given["Content-Length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def write_chunks(body: bytes, size: int = 8_192) -> bytes:
    """Write a body in chunked transfer coding."""
    parts = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@contextmanager
def connect(url: str, timeout_s: float = TIMEOUT_S) -> Iterator[socket.socket]:
    """Open a connection."""
    parts = urlsplit(url)
    address = (str(parts.hostname), int(parts.port or 80))
    with socket.create_connection(address, timeout=timeout_s) as connection:
        yield connection


def read_answer(connection: socket.socket, method: str = "POST") -> Answer | None:
    """Read one answer; None if the connection was closed without any."""
    response = HTTPResponse(connection, method=method)
    try:
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())
    except (HTTPException, ConnectionError):
        return None
    finally:
        response.close()


def exchange(url: str, request: bytes) -> Answer | None:
    """Send bytes over a connection of their own, and read what is answered."""
    with connect(url) as connection:
        # Refused before all was sent, the answer may be there all the same.
        with suppress(ConnectionError):
            connection.sendall(request)
        return read_answer(connection, request.partition(b" ")[0].decode("latin-1"))
