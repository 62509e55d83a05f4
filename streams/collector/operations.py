"""Each address of the collector as its OpenAPI document shows it: what goes in, what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from streams.collector.payload import MAX_URL_CHARS, Payload, SiteId
from streams.collector.problems import Reason
from streams.collector.server_events import ServerPayload

_CONNECTION: Final = (
    Reason.MALFORMED_REQUEST,
    Reason.HEAD_TOO_LARGE,
    Reason.OVERLOADED,
    Reason.INTERNAL,
)
_CLIENT: Final = (*_CONNECTION, Reason.RATE_LIMITED, Reason.HTTPS_REQUIRED)
_BODY: Final = (
    Reason.UNSUPPORTED_MEDIA_TYPE,
    Reason.UNSUPPORTED_ENCODING,
    Reason.BODY_TOO_LARGE,
    Reason.BODY_TOO_SLOW,
    Reason.MALFORMED_JSON,
)
_EVENT: Final = (Reason.INVALID_FIELD, Reason.INVALID_URL, Reason.NOT_DURABLE)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address.

    `media_type` is that of the answer ('' if it has no body), `headers` those of the answer that
    not every answer has.
    """

    path: str
    method: str
    summary: str
    reasons: tuple[Reason, ...] = _CLIENT
    status: int = 200
    media_type: str = "application/json"
    headers: tuple[str, ...] = ()
    body: type[msgspec.Struct] | None = None
    body_types: tuple[str, ...] = ()
    parameters: tuple[dict[str, Any], ...] = ()
    may_redirect: bool = False
    may_be_unchanged: bool = False
    needs_key: bool = False


def _query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": True,
        "description": description,
        "schema": schema,
    }


_FILE: Final = ("ETag", "Cache-Control", "Content-Encoding", "Vary")


def _read(path: str, summary: str, **more: Any) -> tuple[Operation, Operation]:  # noqa: ANN401 - the fields of Operation
    """Return GET, and HEAD, which answers the same without a body."""
    got = Operation(path, "GET", summary, **more)
    head = Operation(path, "HEAD", f"{summary} Only the headers.", **{**more, "media_type": ""})
    return got, head


OPERATIONS: Final = (
    Operation(
        "/v1/events",
        "POST",
        "Take the events of one page load; the answer comes when they are stored.",
        (*_CLIENT, *_BODY, *_EVENT, Reason.UNKNOWN_SITE, Reason.WRONG_ORIGIN),
        status=202,
        headers=("Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Vary"),
        body=Payload,
        body_types=("text/plain", "application/json"),
    ),
    Operation(
        "/v1/events",
        "OPTIONS",
        "Tell a page's browser what it may send (CORS preflight).",
        status=204,
        media_type="",
        headers=(
            "Access-Control-Allow-Origin",
            "Access-Control-Allow-Methods",
            "Access-Control-Allow-Headers",
            "Access-Control-Max-Age",
            "Allow",
        ),
    ),
    Operation(
        "/v1/server-events",
        "POST",
        "Take the events of a site's own server, with one of the site's write keys.",
        (*_CLIENT, *_BODY, *_EVENT, Reason.UNAUTHORIZED, Reason.MISSING_ID),
        status=202,
        body=ServerPayload,
        body_types=("application/json",),
        needs_key=True,
    ),
    *_read(
        "/v1/pixel.gif",
        "Count a page view of a browser that runs no script.",
        reasons=(*_CLIENT, *_EVENT, Reason.UNKNOWN_SITE, Reason.WRONG_ORIGIN),
        media_type="image/gif",
        parameters=(
            _query("site", "The site's id.", msgspec.json.schema(SiteId)),
            _query(
                "path",
                "The page's path, and its query if there is one.",
                {"type": "string", "pattern": "^/", "maxLength": MAX_URL_CHARS},
            ),
        ),
        may_redirect=True,
    ),
    *_read(
        "/tag.js",
        "The tag.",
        media_type="text/javascript",
        headers=_FILE,
        may_redirect=True,
        may_be_unchanged=True,
    ),
    *_read(
        "/openapi.json",
        "This document.",
        headers=_FILE,
        may_redirect=True,
        may_be_unchanged=True,
    ),
    *_read(
        "/.well-known/gpc.json",
        "Say that Global Privacy Control is honoured.",
        headers=("Cache-Control",),
        may_redirect=True,
    ),
    *_read("/healthz", "Say that the process lives.", reasons=_CONNECTION),
    *_read(
        "/readyz",
        "Say whether events can be stored now.",
        reasons=(*_CONNECTION, Reason.NOT_READY),
    ),
    *_read(
        "/metrics", "The figures, for Prometheus.", reasons=_CONNECTION, media_type="text/plain"
    ),
)
