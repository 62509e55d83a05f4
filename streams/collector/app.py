"""The routes of the collector: ASGI in, the service's decision, an answer out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Final

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streams import metrics
from streams.collector.client import Client, is_loopback
from streams.collector.edge import Edge
from streams.collector.gather import NotDurableError
from streams.collector.hints import (
    find_page_origin,
    has_gpc,
    has_opted_out,
    is_headless,
    read_key,
)
from streams.collector.http import (
    ClientGoneError,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    head_of,
    read_body,
    read_request,
    secure_headers,
    send_response,
    to_json,
    to_response,
)
from streams.collector.https_only import HTTPS_PORT, answer_plain, is_plain
from streams.collector.openapi import write_document
from streams.collector.pixel import PIXEL
from streams.collector.problems import Header, Problem, Reason
from streams.collector.salt import SaltError
from streams.collector.service import Accepted, CollectorService
from streams.collector.sites import Sites
from streams.collector.tag_file import StaticFile

log = structlog.get_logger(__name__)

EVENTS: Final = "/v1/events"
PIXEL_PATH: Final = "/v1/pixel.gif"
SERVER_EVENTS: Final = "/v1/server-events"
TAG: Final = "/tag.js"
_SHARED: Final = frozenset({EVENTS, PIXEL_PATH, TAG})
"""What pages of other origins load."""
_FOR_OPERATORS: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked from close by and often: over plain http too, and on the same machine without a limit."""
_EVENT_TYPES: Final = (b"text/plain", b"application/json")
_JSON_ONLY: Final = (b"application/json",)
_DOCUMENT_MAX_AGE_S: Final = 300

_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"content-type"),
    (b"access-control-max-age", b"86400"),
)
_VARY_ORIGIN: Final = (b"vary", b"Origin")
_EXPOSED: Final = (b"access-control-expose-headers", b"x-request-id, retry-after")
_NO_STORE: Final = ((b"cache-control", b"no-store"),)
_OK: Final = Response(200, b'{"status":"ok"}', headers=_NO_STORE)
_GPC: Final = Response(
    200,
    b'{"gpc":true,"lastUpdate":"2026-11-24"}',  # the day on which its reading last changed
    headers=((b"cache-control", b"public, max-age=86400"),),
)

# A counter's labels cost more than the counting, and there are few of them.
_requests: Final = cache(metrics.COLLECTOR_REQUESTS.labels)
_accepted: Final = cache(metrics.COLLECTOR_EVENTS_ACCEPTED.labels)
_dropped: Final = cache(metrics.COLLECTOR_EVENTS_DROPPED.labels)

Handler = Callable[[Request, bytes], Awaitable[Response]]
"""Takes a request and the packed address of its client."""


class CollectorApp:
    """An ASGI application. `is_ready` says whether Kafka can take events now."""

    def __init__(
        self,
        service: CollectorService,
        sites: Sites,
        tag: StaticFile,
        edge: Edge,
        is_ready: Callable[[], Awaitable[bool]],
    ) -> None:
        self._service = service
        self._sites = sites
        self.edge = edge
        self._limits = edge.limits
        self._is_ready = is_ready
        self._shared_headers, self._own_headers = (
            secure_headers(is_shared=is_shared, hsts_max_age_s=edge.hsts_max_age_s)
            for is_shared in (True, False)
        )
        self._cors: Final = {
            origin.encode(): self._allow(origin.encode())
            for site in sites.by_id.values()
            for origin in site.origins
        }
        self.routes: Final = self._lay_routes(tag)

    def _lay_routes(self, tag: StaticFile) -> dict[str, dict[str, Handler]]:
        document = write_document(self._limits)
        reading: dict[str, Handler] = {
            TAG: _serve(tag),
            "/openapi.json": _serve(StaticFile(document, b"application/json", _DOCUMENT_MAX_AGE_S)),
            "/.well-known/gpc.json": _always(_GPC),
            "/healthz": _always(_OK),
            "/readyz": self._get_readiness,
            "/metrics": self._get_metrics,
        }
        return {
            EVENTS: {"POST": self._post_events},
            SERVER_EVENTS: {"POST": self._post_server_events},
            # HEAD is safe (RFC 9110, 9.2.1): it shows the picture's headers and counts nobody.
            PIXEL_PATH: {"GET": self._get_pixel, "HEAD": _always(PIXEL)},
            **{path: {"GET": handler, "HEAD": handler} for path, handler in reading.items()},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = read_request(scope, receive)
        route = request.path if request.path in self.routes else "other"
        try:
            response = await self._answer(request)
        except ClientGoneError:
            return
        except Problem as problem:
            response = to_response(problem, request.id)
        except (NotDurableError, SaltError) as error:
            log.warning("not_durable", cause=str(error), request_id=request.id)
            response = to_response(Problem(Reason.NOT_DURABLE), request.id)
        except Exception as error:  # noqa: BLE001 - the process must outlive any request
            # Neither the error's text nor its traceback: both may quote the request.
            log.error(  # noqa: TRY400
                "request_failed", error=type(error).__name__, route=route, request_id=request.id
            )
            response = to_response(Problem(Reason.INTERNAL), request.id)
        _requests(route, response.status, response.reason).inc()
        headers = head_of(response, request.id, self._headers_of(request))
        await send_response(send, response, headers)

    async def _answer(self, request: Request) -> Response:
        edge = self.edge
        address = edge.find_client(request)
        if request.path not in _FOR_OPERATORS or not is_loopback(address):
            edge.limit(address)
        if (
            edge.requires_https
            and request.path not in _FOR_OPERATORS
            and is_plain(request, edge.trusted)
        ):
            return answer_plain(request, self.routes, HTTPS_PORT)
        methods = self.routes.get(request.path)
        if methods is None:
            raise Problem(Reason.NOT_FOUND)
        handler = methods.get(request.method)
        if handler is not None:
            return await handler(request, address)
        allowed = ", ".join(sorted((*methods, "OPTIONS")))
        allow = (b"allow", allowed.encode())  # RFC 9110, 15.5.6
        if request.method != "OPTIONS":
            raise Problem(Reason.METHOD_NOT_ALLOWED, f"allowed: {allowed}", (allow,))
        return Response(204, headers=(allow, *(_PREFLIGHT if request.path == EVENTS else ())))

    async def _post_events(self, request: Request, address: bytes) -> Response:
        limits = self._limits
        body = await read_body(
            request,
            media_types=_EVENT_TYPES,
            limit=limits.max_body_bytes,
            timeout_s=limits.body_timeout_s,
        )
        client = _to_client(request, address, request.find(b"origin"))
        return await _settle(self._service.accept(body, client))

    async def _post_server_events(self, request: Request, address: bytes) -> Response:
        del address
        key = read_key(request.headers)
        if not key:  # before its body is read
            raise Problem(Reason.UNAUTHORIZED)
        limits = self._limits
        body = await read_body(
            request,
            media_types=_JSON_ONLY,
            limit=limits.max_server_body_bytes,
            timeout_s=limits.body_timeout_s,
        )
        return await _settle(self._service.accept_server_events(body, key))

    async def _get_pixel(self, request: Request, address: bytes) -> Response:
        client = _to_client(request, address, find_page_origin(request.headers))
        await _settle(self._service.accept_pixel(request.query, client))
        return PIXEL

    async def _get_readiness(self, request: Request, address: bytes) -> Response:
        del request, address
        if not await self._is_ready():
            raise Problem(Reason.NOT_READY, "Kafka does not answer")
        return _OK

    async def _get_metrics(self, request: Request, address: bytes) -> Response:
        del request, address
        return Response(200, generate_latest(), CONTENT_TYPE_LATEST.encode(), _NO_STORE)

    def _headers_of(self, request: Request) -> tuple[Header, ...]:
        """Return the headers of a place; events name the page's origin, if a site has it."""
        if request.path not in _SHARED:
            return self._own_headers
        if request.path != EVENTS:
            return self._shared_headers
        origin = request.headers.get(b"origin", b"")
        if (headers := self._cors.get(origin)) is not None:
            return headers
        if self._sites.has_origin(origin.decode("latin-1")):
            return self._allow(origin)
        return (*self._shared_headers, _VARY_ORIGIN)

    def _allow(self, origin: bytes) -> tuple[Header, ...]:
        allowed = (b"access-control-allow-origin", origin)
        return (*self._shared_headers, _VARY_ORIGIN, allowed, _EXPOSED)


def _always(response: Response) -> Handler:
    async def handle(request: Request, address: bytes) -> Response:
        del request, address
        return response

    return handle


def _serve(file: StaticFile) -> Handler:
    async def handle(request: Request, address: bytes) -> Response:
        del address
        return file.respond(request.find(b"if-none-match"), request.find(b"accept-encoding"))

    return handle


def _to_client(request: Request, address: bytes, origin: str) -> Client:
    headers = request.headers
    return Client(
        address,
        request.find(b"user-agent"),
        origin,
        is_headless=is_headless(headers),
        has_opted_out=has_opted_out(headers),
        has_gpc=has_gpc(headers),
        has_dnt=headers.get(b"dnt") == b"1",
    )


async def _settle(accepted: Accepted) -> Response:
    """Wait until the events are durable, count them, and say how many there were."""
    if accepted.durable is not None:
        await accepted.durable
    if accepted.count:
        _accepted(accepted.site).inc(accepted.count)
    if not accepted.dropped:
        return Response(202, b'{"accepted":%d,"dropped":{}}' % accepted.count)
    for reason, count in accepted.dropped.items():
        _dropped(accepted.site, reason.value).inc(count)
    dropped = {reason.value: count for reason, count in accepted.dropped.items()}
    return Response(202, to_json({"accepted": accepted.count, "dropped": dropped}))
