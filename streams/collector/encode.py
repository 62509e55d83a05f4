"""Parsed events to the bytes they travel as: minimised, redacted, hashed under the day's salt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from schemas.errors import HmaraError
from streams.collector.avro_writer import (
    LONGS,
    NO_DETAILS,
    NOWHERE,
    forget_texts,
    write_click,
    write_custom,
    write_form,
    write_link,
    write_long,
    write_measures,
    write_string,
    write_target,
    write_time,
)
from streams.collector.pages import PageReducer, ReducedUrl
from streams.collector.payload import (
    Click,
    Custom,
    Download,
    Engagement,
    Event,
    FormSubmit,
    Outbound,
    PageEnd,
    PageView,
    Properties,
)
from streams.collector.redact import Redactor
from streams.collector.salt import HITS_PER_HASH
from streams.collector.sites import Site
from streams.collector.stamp import Stamp

_US_PER_MS: Final = 1_000
_MAX_TARGETS: Final = 8_192
_NO_HITS: Final[tuple[int, ...]] = ()
_NAMES: Final[dict[type[Event], bytes]] = {
    PageView: write_string("page_view"),
    Click: write_string("click"),
    Engagement: write_string("engagement"),
    PageEnd: write_string("page_end"),
    Outbound: write_string("outbound"),
    Download: write_string("download"),
    FormSubmit: write_string("form_submit"),
    Custom: write_string("custom"),
}


class InvalidUrlError(HmaraError):
    """An event's url is no http(s) URL; `field` is its JSON path."""

    def __init__(self, position: int, name: str) -> None:
        self.field = f"$.events[{position}].{name}"
        super().__init__(f"reading url: {self.field} is no http(s) URL")


class ReferrerSpamError(HmaraError):
    """A page view names a referrer that only wants to be seen in statistics."""


class EventEncoder:
    """Encodes the events of requests; knows no clock, no client and no salt of its own."""

    def __init__(
        self, pages: PageReducer, redactor: Redactor, is_spam: Callable[[str], bool]
    ) -> None:
        self._pages = pages
        self._redactor = redactor
        self._redact = redactor.redact_text
        self._is_spam = is_spam
        self._targets: dict[tuple[str, str], bytes] = {}
        self._writers: Final[dict[type[Event], Callable[[Any], bytes]]] = {
            Click: self._write_click,
            Engagement: _write_engagement,
            PageEnd: _write_page_end,
            Outbound: self._write_link,
            Download: self._write_link,
            FormSubmit: self._write_form,
            Custom: self._write_custom,
        }

    def begin(self) -> None:
        """Begin a request: what redaction may cost is counted anew."""
        self._redactor.begin()

    def forget(self) -> None:
        """Let go of every text that is remembered."""
        self._targets.clear()
        forget_texts()
        self._pages.forget()
        self._redactor.forget()

    def encode(self, events: Sequence[Event], page_load_id: bytes, stamp: Stamp) -> bytes:
        """Encode the events of one page load, one after another.

        Raises:
            InvalidUrlError: the url or the link of an event is none.
            ReferrerSpamError: a view's referrer is spam.
            UnicodeEncodeError: a text holds half a surrogate pair.
        """
        salt, request, received_at_us = stamp.salt, stamp.request, stamp.received_at_us
        page_load = write_long(salt.hash_page_load(page_load_id))
        block, hits = -1, _NO_HITS
        address, url = "", None
        written: list[bytes] = []
        for position, event in enumerate(events):
            if event.url != address or url is None:
                address, url = event.url, self._pages.reduce_url(event.url, stamp.site)
                if url is None:
                    raise InvalidUrlError(position, "url")
            seq, kind = event.seq, type(event)
            if seq // HITS_PER_HASH != block:
                block = seq // HITS_PER_HASH
                hits = salt.hash_hits(page_load_id, block)
            write = self._writers.get(kind)
            if write is None:
                page, details = self._write_view(event, url, stamp.site), NO_DETAILS
            else:
                page, details = url.written, write(event)
                if not details:
                    raise InvalidUrlError(position, "link")
            written += (
                write_long(hits[seq % HITS_PER_HASH]),
                page_load,
                LONGS[seq],
                _NAMES[kind],
                write_time(received_at_us - event.age_ms * _US_PER_MS),
                page,
                details,
                request,
            )
        return b"".join(written)

    def _write_view(self, event: Any, url: ReducedUrl, site: Site) -> bytes:  # noqa: ANN401 - a PageView, known by its type
        source = self._pages.reduce_referrer(event.referrer, url.host, site)
        if source.host and self._is_spam(source.host):
            raise ReferrerSpamError
        return self._pages.write_view(url, event.title, source)

    def _write_click(self, event: Click) -> bytes:
        role, label = event.target_role, event.target_label
        target = self._targets.get((role, label)) or self._write_target(role, label)
        x, y = event.x_permille, event.y_permille
        return write_click(target, NOWHERE if x is None else x, NOWHERE if y is None else y)

    def _write_target(self, role: str, label: str) -> bytes:
        """Write what was clicked; remember it if nothing in it was redacted."""
        clean = self._redact(role), self._redact(label)
        target = write_target(*clean)
        if clean == (role, label):
            if len(self._targets) >= _MAX_TARGETS:
                self._targets.clear()
            self._targets[clean] = target
        return target

    def _write_link(self, event: Outbound | Download) -> bytes:
        """Write a link's details; nothing if its target is no http(s) URL."""
        link = self._pages.reduce_link(event.link)
        return b"" if link is None else write_link(*link)

    def _write_form(self, event: FormSubmit) -> bytes:
        return write_form(self._redact(event.form_name))

    def _write_custom(self, event: Custom) -> bytes:
        return write_custom(self._redact(event.name), self._to_texts(event.properties))

    def _to_texts(self, properties: Properties) -> dict[str, str]:
        """Return the properties as texts, keys and values redacted; none takes another's place."""
        texts: dict[str, str] = {}
        for key, value in properties.items():
            clean = self._redact(key)
            while clean in texts:
                clean += "'"
            texts[clean] = self._redact(_to_text(value))
        return texts


def _to_text(value: str | float | bool) -> str:  # noqa: FBT001 - a JSON value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _write_engagement(event: Engagement) -> bytes:
    return write_measures(NOWHERE, event.engaged_ms)


def _write_page_end(event: PageEnd) -> bytes:
    scroll = event.scroll_permille
    return write_measures(NOWHERE if scroll is None else scroll, event.engaged_ms)
