"""The built tag, held in memory with its ETag."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from schemas.errors import HmaraError
from streams.collector.http import Response

TAG_PATH: Final = Path(__file__).parent.parent / "tag" / "dist" / "tag.js"
_CACHE: Final = (b"cache-control", b"public, max-age=3600")


class TagFileError(HmaraError):
    """The tag has not been built."""


class TagFile:
    """What `GET /tag.js` answers."""

    def __init__(self, path: Path = TAG_PATH) -> None:
        """Read the file.

        Raises:
            TagFileError: it is not there; says how to build it.
        """
        try:
            self._body = path.read_bytes()
        except OSError as error:
            message = f"reading tag: {path}: {error.strerror}; `make setup` builds it"
            raise TagFileError(message) from None
        self._etag = f'"{hashlib.sha256(self._body).hexdigest()[:32]}"'

    def respond(self, if_none_match: str) -> Response:
        """Answer with the tag, or with 304 if the client has it."""
        headers = (_CACHE, (b"etag", self._etag.encode()))
        if self._etag in if_none_match:
            return Response(304, headers=headers)
        return Response(200, self._body, b"text/javascript; charset=utf-8", headers)
