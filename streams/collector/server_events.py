"""The body of `POST /v1/server-events`: what a site's own servers report."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec

from streams.collector.payload import (
    MAX_EVENTS,
    MAX_TITLE_CHARS,
    MAX_URL_CHARS,
    AgeMs,
    Language,
    Name,
    Properties,
    SiteId,
    Url,
)

MAX_ADDRESS_CHARS: Final = 45
MAX_USER_AGENT_CHARS: Final = 1_024


class ServerClient(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Whose request the server was answering; forgotten like the collector's own clients.

    Without it an event belongs to no visitor of its own: all such events of a site and day count as
    one, so that a server can not make many visitors of one.
    """

    address: Annotated[str, msgspec.Meta(min_length=2, max_length=MAX_ADDRESS_CHARS)]
    user_agent: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_USER_AGENT_CHARS)]
    language: Language = ""

    def __repr__(self) -> str:
        return "ServerClient(…)"


class _ServerEvent(msgspec.Struct, tag_field="type", frozen=True, gc=False, kw_only=True):
    """One event; `id` is the sender's, and a retry repeats it."""

    id: UUID | None = None
    age_ms: AgeMs = 0
    client: ServerClient | None = None


class ServerView(_ServerEvent, tag="page_view", frozen=True, gc=False, kw_only=True):
    """A page was delivered, to a client that runs no tag."""

    url: Url
    title: Annotated[str, msgspec.Meta(max_length=MAX_TITLE_CHARS)] = ""
    referrer: Annotated[str, msgspec.Meta(max_length=MAX_URL_CHARS)] = ""


class ServerCustom(_ServerEvent, tag="custom", frozen=True, gc=False, kw_only=True):
    """Something that the site's author reports, on a page or (without `url`) on none."""

    url: Annotated[str, msgspec.Meta(max_length=MAX_URL_CHARS)] = ""
    name: Name
    properties: Properties = {}


ServerEvent = ServerView | ServerCustom


class ServerPayload(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a server sends at once."""

    site: SiteId
    events: Annotated[list[ServerEvent], msgspec.Meta(min_length=1, max_length=MAX_EVENTS)]


_decoder: Final = msgspec.json.Decoder(ServerPayload)
parse_server_payload: Final = _decoder.decode
"""Bytes to `ServerPayload`; raises as `parse_payload` does."""
