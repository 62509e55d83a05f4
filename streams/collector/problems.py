"""Everything a request can be refused for: the reason, the status, the sentence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from schemas.errors import HmaraError


class Reason(StrEnum):
    """Machine-readable reasons; part of the HTTP interface."""

    MALFORMED_REQUEST = "malformed_request"
    HEAD_TOO_LARGE = "head_too_large"
    HTTPS_REQUIRED = "https_required"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    BODY_TOO_LARGE = "body_too_large"
    BODY_TOO_SLOW = "body_too_slow"
    MALFORMED_JSON = "malformed_json"
    INVALID_FIELD = "invalid_field"
    UNAUTHORIZED = "unauthorized"
    UNKNOWN_SITE = "unknown_site"
    WRONG_ORIGIN = "wrong_origin"
    INVALID_URL = "invalid_url"
    MISSING_ID = "missing_id"
    NOT_DURABLE = "not_durable"
    NOT_READY = "not_ready"
    INTERNAL = "internal"


Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a reason is answered with; a problem may have a better value for a header."""

    status: HTTPStatus
    title: str
    headers: tuple[Header, ...] = ()


_COME_AGAIN: Final = ((b"retry-after", b"2"),)
_CLOSE: Final = (b"connection", b"close")

ANSWERS: Final = {
    Reason.MALFORMED_REQUEST: _Answer(HTTPStatus.BAD_REQUEST, "This is not HTTP/1.1.", (_CLOSE,)),
    Reason.HEAD_TOO_LARGE: _Answer(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "The address and the headers are too large.",
        (_CLOSE,),
    ),
    Reason.HTTPS_REQUIRED: _Answer(HTTPStatus.FORBIDDEN, "This is taken over https only."),
    Reason.RATE_LIMITED: _Answer(
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many requests came from this address; send them again, more slowly.",
        _COME_AGAIN,
    ),
    Reason.OVERLOADED: _Answer(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Too many connections are open; come again.",
        (*_COME_AGAIN, _CLOSE),
    ),
    Reason.NOT_FOUND: _Answer(HTTPStatus.NOT_FOUND, "There is nothing here."),
    Reason.METHOD_NOT_ALLOWED: _Answer(
        HTTPStatus.METHOD_NOT_ALLOWED, "This address does not take that method."
    ),
    Reason.UNSUPPORTED_MEDIA_TYPE: _Answer(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body is of a type that is not taken here."
    ),
    Reason.UNSUPPORTED_ENCODING: _Answer(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must not be compressed."
    ),
    Reason.BODY_TOO_LARGE: _Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large."),
    Reason.BODY_TOO_SLOW: _Answer(HTTPStatus.REQUEST_TIMEOUT, "The body came too slowly."),
    Reason.MALFORMED_JSON: _Answer(HTTPStatus.BAD_REQUEST, "The body is not JSON."),
    Reason.INVALID_FIELD: _Answer(
        HTTPStatus.UNPROCESSABLE_ENTITY, "A field is missing or out of its bounds."
    ),
    Reason.UNAUTHORIZED: _Answer(
        HTTPStatus.UNAUTHORIZED,
        "Events of a server need a write key of the site.",
        ((b"www-authenticate", b"Bearer"),),  # RFC 6750, 3
    ),
    Reason.UNKNOWN_SITE: _Answer(HTTPStatus.NOT_FOUND, "No such site is served here."),
    Reason.WRONG_ORIGIN: _Answer(
        HTTPStatus.FORBIDDEN, "This origin is not one of the site's origins."
    ),
    Reason.INVALID_URL: _Answer(
        HTTPStatus.UNPROCESSABLE_ENTITY, "The url of an event is no http(s) URL."
    ),
    Reason.MISSING_ID: _Answer(
        HTTPStatus.BAD_REQUEST, "Each event of a server needs an id, a UUID that a retry repeats."
    ),
    Reason.NOT_DURABLE: _Answer(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The events could not be stored now; send them again.",
        _COME_AGAIN,
    ),
    Reason.NOT_READY: _Answer(
        HTTPStatus.SERVICE_UNAVAILABLE, "The collector is not ready.", _COME_AGAIN
    ),
    Reason.INTERNAL: _Answer(HTTPStatus.INTERNAL_SERVER_ERROR, "The collector made a mistake."),
}
"""The one table from reasons to HTTP."""


class Problem(HmaraError):  # noqa: N818 - the name of RFC 9457
    """A refused request; `detail` may name a field, never its value."""

    def __init__(self, reason: Reason, detail: str = "", headers: tuple[Header, ...] = ()) -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
        self._headers = headers

    @property
    def status(self) -> HTTPStatus:
        """The status of the answer."""
        return ANSWERS[self.reason].status

    @property
    def title(self) -> str:
        """The sentence of the answer."""
        return ANSWERS[self.reason].title

    @property
    def headers(self) -> tuple[Header, ...]:
        """The answer's own headers: those of the table, or better values for them, and others."""
        own = {name for name, _ in self._headers}
        kept = (header for header in ANSWERS[self.reason].headers if header[0] not in own)
        return (*kept, *self._headers)
