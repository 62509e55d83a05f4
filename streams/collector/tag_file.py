"""Files held in memory: compressed once at the start, each form with an ETag of its own."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Final

import brotli

from schemas.errors import HmaraError
from streams.collector.http import Response
from streams.collector.negotiation import IDENTITY, choose_encoding, has_etag
from streams.collector.problems import Header

TAG_PATH: Final = Path(__file__).parent.parent / "tag" / "dist" / "tag.js"
_SMALLEST_LEVEL: Final = 9
_TAG_MAX_AGE_S: Final = 3_600


class TagFileError(HmaraError):
    """The tag has not been built."""


class StaticFile:
    """What `GET` of an unchanging file answers."""

    def __init__(self, body: bytes, media_type: bytes, max_age_s: int) -> None:
        """Compress the file; forms that are no smaller than it are left out."""
        self._media_type = media_type
        self._cache = (b"cache-control", b"public, max-age=%d" % max_age_s)
        forms = {
            "br": brotli.compress(body),
            "gzip": gzip.compress(body, _SMALLEST_LEVEL, mtime=0),
        }
        self._forms = {name: form for name, form in forms.items() if len(form) < len(body)}
        self._offered = tuple(self._forms)
        self._forms[IDENTITY] = body
        # A strong tag names bytes, so each form has its own (RFC 9110, 8.8.3).
        self._etags = {
            name: f'"{hashlib.sha256(form).hexdigest()[:32]}"' for name, form in self._forms.items()
        }

    def respond(self, if_none_match: str, accept_encoding: str = "") -> Response:
        """Answer in the form that the client likes best, or with 304 if it has that."""
        encoding = choose_encoding(accept_encoding, self._offered)
        etag = self._etags[encoding]
        headers: tuple[Header, ...] = (
            self._cache,
            (b"etag", etag.encode()),
            (b"vary", b"Accept-Encoding"),
        )
        if has_etag(if_none_match, etag):
            return Response(304, headers=headers)
        if encoding != IDENTITY:
            headers = (*headers, (b"content-encoding", encoding.encode()))
        return Response(200, self._forms[encoding], self._media_type, headers)


class TagFile(StaticFile):
    """What `GET /tag.js` answers."""

    def __init__(self, path: Path = TAG_PATH) -> None:
        """Read the file.

        Raises:
            TagFileError: it is not there; says how to build it.
        """
        try:
            body = path.read_bytes()
        except OSError as error:
            message = f"reading tag: {path}: {error.strerror}; `make setup` builds it"
            raise TagFileError(message) from None
        super().__init__(body, b"text/javascript; charset=utf-8", _TAG_MAX_AGE_S)
