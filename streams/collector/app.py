"""The routes of the collector: ASGI in, the service's decision, an answer out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streams import metrics
from streams.collector.client import Network, find_address
from streams.collector.gather import NotDurableError
from streams.collector.http import (
    ClientGoneError,
    Headers,
    Receive,
    Response,
    Scope,
    Send,
    find_header,
    read_body,
    send_response,
    to_response,
)
from streams.collector.problems import Problem, Reason
from streams.collector.salt import SaltError
from streams.collector.service import Client, CollectorService
from streams.collector.sites import Sites
from streams.collector.tag_file import TagFile

log = structlog.get_logger(__name__)

_PREFLIGHT: Final = Response(
    204,
    headers=(
        (b"access-control-allow-methods", b"POST"),
        (b"access-control-allow-headers", b"content-type"),
        (b"access-control-max-age", b"86400"),
    ),
)
_OK: Final = Response(200, b'{"status":"ok"}', headers=((b"cache-control", b"no-store"),))

# A counter's labels cost more than the counting, and there are few of them.
_requests: Final = cache(metrics.COLLECTOR_REQUESTS.labels)
_accepted: Final = cache(metrics.COLLECTOR_EVENTS_ACCEPTED.labels)

Handler = Callable[[Scope, Receive], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one request, and the proxies that are believed."""

    max_body_bytes: int
    body_timeout_s: float
    trusted: tuple[Network, ...]


class CollectorApp:
    """An ASGI application. `is_ready` says whether Kafka can take events now."""

    def __init__(
        self,
        service: CollectorService,
        sites: Sites,
        tag: TagFile,
        limits: Limits,
        is_ready: Callable[[], Awaitable[bool]],
    ) -> None:
        self._service = service
        self._origins = sites.origins
        self._tag = tag
        self._limits = limits
        self._is_ready = is_ready
        self._routes: Final[dict[str, dict[str, Handler]]] = {
            "/v1/events": {"POST": self._post_events, "OPTIONS": self._preflight},
            "/tag.js": {"GET": self._get_tag, "HEAD": self._get_tag},
            "/healthz": {"GET": self._get_health, "HEAD": self._get_health},
            "/readyz": {"GET": self._get_readiness, "HEAD": self._get_readiness},
            "/metrics": {"GET": self._get_metrics, "HEAD": self._get_metrics},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        route = scope["path"] if scope["path"] in self._routes else "other"
        try:
            response = await self._answer(scope, receive)
        except ClientGoneError:
            return
        except Problem as problem:
            response = to_response(problem)
        except (NotDurableError, SaltError) as error:
            log.warning("not_durable", cause=str(error))
            response = to_response(Problem(Reason.NOT_DURABLE))
        except Exception as error:  # noqa: BLE001 - the process must outlive any request
            # Neither the error's text nor its traceback: both may quote the request.
            log.error("request_failed", error=type(error).__name__, route=route)  # noqa: TRY400
            response = to_response(Problem(Reason.INTERNAL))
        _requests(route, response.status, response.reason).inc()
        await send_response(send, response, self._allow_origin(scope))

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        methods = self._routes.get(scope["path"])
        if methods is None:
            raise Problem(Reason.NOT_FOUND)
        handler = methods.get(scope["method"])
        if handler is None:
            allowed = ", ".join(sorted(methods))
            problem = Problem(Reason.METHOD_NOT_ALLOWED, f"allowed: {allowed}")
            return to_response(problem, ((b"allow", allowed.encode()),))  # RFC 9110, 15.5.6
        return await handler(scope, receive)

    async def _post_events(self, scope: Scope, receive: Receive) -> Response:
        limits = self._limits
        body = await read_body(
            scope, receive, limit=limits.max_body_bytes, timeout_s=limits.body_timeout_s
        )
        peer = scope["client"][0] if scope.get("client") else ""
        forwarded = find_header(scope, b"x-forwarded-for") if limits.trusted else ""
        client = Client(
            find_address(peer, forwarded, limits.trusted),
            find_header(scope, b"user-agent"),
            find_header(scope, b"origin"),
        )
        accepted = self._service.accept(body, client)
        await accepted.durable
        _accepted(accepted.site).inc(accepted.count)
        return Response(202, b'{"accepted":%d,"dropped":{}}' % accepted.count)

    async def _preflight(self, scope: Scope, receive: Receive) -> Response:
        del scope, receive
        return _PREFLIGHT

    async def _get_tag(self, scope: Scope, receive: Receive) -> Response:
        del receive
        return self._tag.respond(find_header(scope, b"if-none-match"))

    async def _get_health(self, scope: Scope, receive: Receive) -> Response:
        del scope, receive
        return _OK

    async def _get_readiness(self, scope: Scope, receive: Receive) -> Response:
        del scope, receive
        if not await self._is_ready():
            raise Problem(Reason.NOT_READY, "Kafka does not answer")
        return _OK

    async def _get_metrics(self, scope: Scope, receive: Receive) -> Response:
        del scope, receive
        return Response(200, generate_latest(), CONTENT_TYPE_LATEST.encode())

    def _allow_origin(self, scope: Scope) -> Headers:
        """Name the page's origin if a site has it, so that the tag may read the answer."""
        origin = find_header(scope, b"origin")
        if origin not in self._origins:
            return [(b"vary", b"Origin")]
        return [(b"vary", b"Origin"), (b"access-control-allow-origin", origin.encode("latin-1"))]
