"""/metrics, /healthz and /readyz of a process that has no HTTP interface of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Final, Self
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from schemas.errors import HmaraError

_TEXT: Final = "text/plain; charset=utf-8"


class StatusServerError(HmaraError):
    """The address is taken."""


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:  # noqa: ANN401 - the base's signature
        """Log nothing: a scrape is no event."""


class StatusServer:
    """A small HTTP server in a thread of its own; port 0 picks a free one."""

    def __init__(self, host: str, port: int, is_ready: Callable[[], bool]) -> None:
        self._is_ready = is_ready
        try:
            self._server = make_server(host, port, self._answer, handler_class=_QuietHandler)
        except OSError as error:
            message = f"listening on {host}:{port}: {error.strerror}"
            raise StatusServerError(message) from None
        self.port: Final = int(self._server.server_port)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        """Start answering."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            start("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
            return [generate_latest()]
        if path == "/healthz" or (path == "/readyz" and self._is_ready()):
            start("200 OK", [("Content-Type", _TEXT)])
            return [b"ok\n"]
        status = "503 Service Unavailable" if path == "/readyz" else "404 Not Found"
        start(status, [("Content-Type", _TEXT)])
        return [status.partition(" ")[2].lower().encode() + b"\n"]
