"""The ports of the collector: one that takes events, and beside TLS one that sends to it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import uvicorn

from schemas.errors import HmaraError
from streams.collector.app import CollectorApp
from streams.collector.connection import PeerCounts, bound_protocol
from streams.collector.https_only import RedirectApp
from streams.collector.limits import HANDSHAKE_S
from streams.collector.tls import TlsError, make_tls
from streams.settings import CollectorSettings

_SHUTDOWN_S: Final = 10
_BACKLOG: Final = 2_048


class ListenError(HmaraError):
    """A port that can not be listened on."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Open sockets: the main one, with TLS if there is a context, and the one that redirects."""

    main: socket.socket
    tls: ssl.SSLContext | None = None
    redirect: socket.socket | None = None

    @property
    def sockets(self) -> list[socket.socket]:
        """All of them."""
        return [self.main] if self.redirect is None else [self.main, self.redirect]

    @property
    def port(self) -> int:
        """The port of the main one."""
        return _port_of(self.main)

    def describe(self) -> dict[str, Any]:
        """Say where they listen, for the log."""
        found = {"host": self.main.getsockname()[0], "port": self.port, "tls": self.tls is not None}
        return found | ({"redirect_port": _port_of(self.redirect)} if self.redirect else {})


def listen(settings: CollectorSettings) -> Listeners:
    """Open the ports that the settings name.

    Raises:
        ListenError: one is taken or not allowed.
        TlsError: the certificate can not be used, or there is none to redirect to.
    """
    tls = make_tls(settings.tls_certificate_file, settings.tls_key_file)
    if settings.redirect_port is not None and tls is None:
        message = "reading settings: a redirect port needs a certificate to redirect to"
        raise TlsError(message)
    main = _open(settings.host, settings.port)
    if settings.redirect_port is None:
        return Listeners(main, tls)
    try:
        return Listeners(main, tls, _open(settings.host, settings.redirect_port))
    except ListenError:
        main.close()
        raise


def _open(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        message = f"listening on {host}:{port}: {error.strerror}"
        raise ListenError(message) from None


def _port_of(opened: socket.socket) -> int:
    port: int = opened.getsockname()[1]
    return port


class Server(uvicorn.Server):
    """uvicorn over several listeners, each with its own application, and one set of connections.

    Its own signal handlers, which would end the process before our `finally`, are left out.
    """

    def __init__(self, app: CollectorApp, listeners: Listeners) -> None:
        self._listeners = listeners
        super().__init__(_configure(app, app))

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to who runs the server."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        del sockets
        listeners = self._listeners
        self.servers = [await self._accept(self.config, listeners.main, listeners.tls)]
        if listeners.redirect is not None:
            app: Any = self.config.app
            redirect = _configure(RedirectApp(app.routes, listeners.port), app)
            self.servers.append(await self._accept(redirect, listeners.redirect, None))
        self.started = True

    async def _accept(
        self, config: uvicorn.Config, opened: socket.socket, tls: ssl.SSLContext | None
    ) -> asyncio.Server:
        if not config.loaded:
            config.load()
        protocol: Any = config.http_protocol_class

        def make_protocol() -> asyncio.Protocol:
            made: asyncio.Protocol = protocol(
                config=config, server_state=self.server_state, app_state={}
            )
            return made

        return await asyncio.get_running_loop().create_server(
            make_protocol,
            sock=opened,
            ssl=tls,
            backlog=_BACKLOG,
            ssl_handshake_timeout=HANDSHAKE_S if tls else None,
        )


def _configure(served: CollectorApp | RedirectApp, app: CollectorApp) -> uvicorn.Config:
    limits = app.edge.limits
    hsts_max_age_s = app.edge.hsts_max_age_s if served is app else None
    largest_bytes = max(limits.max_body_bytes, limits.max_server_body_bytes)
    application: Any = served
    peers = PeerCounts(limits.max_client_connections, app.edge.trusted)
    return uvicorn.Config(
        application,
        interface="asgi3",
        loop="uvloop",
        http=bound_protocol(largest_bytes, hsts_max_age_s, peers),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        log_level="error",  # a line per malformed request would be the client's to order
        server_header=False,
        date_header=False,
        proxy_headers=False,
        limit_concurrency=limits.max_connections,
        timeout_graceful_shutdown=_SHUTDOWN_S,
    )
