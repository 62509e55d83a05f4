"""A TCP proxy that passes requests on late, or not at all: a slow or hanging server."""

from __future__ import annotations

import socket
import threading
import time
from types import TracebackType
from typing import Self

_CHUNK_BYTES = 65_536
_PAUSE_S = 0.05


class StallingProxy:
    """Passes bytes to a port of this machine, until it is told to stall.

    With `delay_s`, what a client sends after a pause reaches the server so much later.
    """

    def __init__(self, port: int, delay_s: float = 0.0) -> None:
        self._target = ("127.0.0.1", port)
        self._delay_s = delay_s
        self._flows = threading.Event()
        self._flows.set()
        self._ended = False
        self.held = threading.Event()
        """Set once bytes of a client are held back."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        """Start taking connections."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take no more connections, and let go of those that hang."""
        self._ended = True
        self._flows.set()
        self._listener.close()

    def stall(self) -> None:
        """Hold back what clients send from now on."""
        self._flows.clear()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
            except OSError:
                return
            for source, target, is_request in ((client, server, True), (server, client, False)):
                arguments = (source, target, is_request)
                threading.Thread(target=self._pass_on, args=arguments, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, is_request: bool) -> None:  # noqa: FBT001
        with source, target:
            last = 0.0
            try:
                while chunk := source.recv(_CHUNK_BYTES):
                    if is_request and time.monotonic() - last > _PAUSE_S:
                        time.sleep(self._delay_s)
                    last = time.monotonic()
                    if is_request and not self._flows.is_set():
                        self.held.set()
                        self._flows.wait()
                        if self._ended:
                            return
                    target.sendall(chunk)
            except OSError:
                return
