"""The body of `POST /v1/events`: its structs, and the bounds of each field."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

MAX_EVENTS: Final = 100
MAX_AGE_MS: Final = 12 * 3_600_000
MAX_URL_CHARS: Final = 2_048
MAX_LABEL_CHARS: Final = 200
MAX_TITLE_CHARS: Final = 512
MAX_ENGAGED_MS: Final = 12 * 3_600_000
MAX_SEQ: Final = 1_000_000
MAX_PIXELS: Final = 100_000
MAX_PROPERTIES: Final = 20
MAX_PROPERTY_KEY_CHARS: Final = 40
MAX_PROPERTY_CHARS: Final = 200
MAX_PURPOSES: Final = 20

Seq = Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQ)]
AgeMs = Annotated[int, msgspec.Meta(ge=0, le=MAX_AGE_MS)]
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_URL_CHARS)]
Label = Annotated[str, msgspec.Meta(max_length=MAX_LABEL_CHARS)]
Permille = Annotated[int, msgspec.Meta(ge=0, le=1000)]
EngagedMs = Annotated[int, msgspec.Meta(ge=0, le=MAX_ENGAGED_MS)]
Pixels = Annotated[int, msgspec.Meta(ge=0, le=MAX_PIXELS)]
SiteId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
PageLoadId = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{16}\Z")]
Language = Annotated[str, msgspec.Meta(max_length=35)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
PropertyKey = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_PROPERTY_KEY_CHARS)]
PropertyText = Annotated[str, msgspec.Meta(max_length=MAX_PROPERTY_CHARS)]
Properties = Annotated[
    dict[PropertyKey, PropertyText | int | float | bool], msgspec.Meta(max_length=MAX_PROPERTIES)
]
Keyboard = Literal["", "qwerty", "qwertz", "azerty", "dvorak", "colemak", "cyrillic", "other"]
Purpose = Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9_]{0,39}\Z")]
Consent = Annotated[
    dict[Purpose, Literal["granted", "denied"]], msgspec.Meta(max_length=MAX_PURPOSES)
]


class _Event(msgspec.Struct, tag_field="type", frozen=True, gc=False, kw_only=True):
    seq: Seq
    url: Url
    age_ms: AgeMs = 0


class PageView(_Event, tag="page_view", frozen=True, gc=False, kw_only=True):
    """A page was shown."""

    referrer: Annotated[str, msgspec.Meta(max_length=MAX_URL_CHARS)] = ""
    title: Annotated[str, msgspec.Meta(max_length=MAX_TITLE_CHARS)] = ""


class Click(_Event, tag="click", frozen=True, gc=False, kw_only=True):
    """Something was clicked; the position is relative to the page."""

    target_role: Annotated[str, msgspec.Meta(max_length=40)] = ""
    target_label: Label = ""
    x_permille: Permille | None = None
    y_permille: Permille | None = None


class Engagement(_Event, tag="engagement", frozen=True, gc=False, kw_only=True):
    """The page was looked at for a while since the last report."""

    engaged_ms: EngagedMs


class PageEnd(_Event, tag="page_end", frozen=True, gc=False, kw_only=True):
    """The page was left or hidden."""

    engaged_ms: EngagedMs = 0
    scroll_permille: Permille | None = None


class Outbound(_Event, tag="outbound", frozen=True, gc=False, kw_only=True):
    """A link to another host was followed; `link` is its address."""

    link: Url


class Download(_Event, tag="download", frozen=True, gc=False, kw_only=True):
    """A link to a file was followed; `link` is its address."""

    link: Url


class FormSubmit(_Event, tag="form_submit", frozen=True, gc=False, kw_only=True):
    """A form was submitted; of the form only its name."""

    form_name: Annotated[str, msgspec.Meta(max_length=100)] = ""


class Custom(_Event, tag="custom", frozen=True, gc=False, kw_only=True):
    """Something the page's author reports by `hmara('event', name, properties)`."""

    name: Name
    properties: Properties = {}


Event = PageView | Click | Engagement | PageEnd | Outbound | Download | FormSubmit | Custom


class Payload(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What one page load sends at once.

    `gpc`, `dnt`, `consent` and `choice` are what the browser and the person said about being
    measured; with the choice `out` every event is dropped. `webdriver` is the browser's own word
    that a program drives it.
    """

    site: SiteId
    page_load_id: PageLoadId
    events: Annotated[list[Event], msgspec.Meta(min_length=1, max_length=MAX_EVENTS)]
    language: Language = ""
    screen: tuple[Pixels, Pixels] | None = None
    viewport: tuple[Pixels, Pixels] | None = None
    keyboard: Keyboard = ""
    webdriver: bool = False
    gpc: bool = False
    dnt: bool = False
    choice: Literal["", "out"] = ""
    consent: Consent = {}


_decoder: Final = msgspec.json.Decoder(Payload)
parse_payload: Final = _decoder.decode
"""Bytes to `Payload`; raises `msgspec.DecodeError` or its subclass `msgspec.ValidationError`,
whose text names the field (`$.events[0].seq`) and never its value."""
