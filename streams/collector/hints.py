"""What headers say about a client besides who it is: a program, a choice, the page it is on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CHOICE_COOKIE: Final = b"hmara_choice"
_OPT_OUT: Final = CHOICE_COOKIE + b"=out"


def is_headless(headers: Mapping[bytes, bytes]) -> bool:
    """Say whether the client hints name a headless browser."""
    return b"Headless" in headers.get(b"sec-ch-ua", b"")


def has_opted_out(headers: Mapping[bytes, bytes]) -> bool:
    """Say whether the cookie of the person's own choice says no."""
    cookies = headers.get(b"cookie", b"")
    if CHOICE_COOKIE not in cookies:
        return False
    return any(part.strip() == _OPT_OUT for part in cookies.replace(b",", b";").split(b";"))


def has_gpc(headers: Mapping[bytes, bytes]) -> bool:
    """Say whether Global Privacy Control is on: one of several headers says exactly `1`."""
    values = headers.get(b"sec-gpc")
    return values is not None and b"1" in (value.strip() for value in values.split(b","))


def find_page_origin(headers: Mapping[bytes, bytes]) -> str:
    """Return the origin of the page that loads an image: named, or that of the referrer, or ''."""
    origin = headers.get(b"origin", b"")
    if not origin:
        scheme, _, rest = headers.get(b"referer", b"").partition(b"://")
        host = rest.partition(b"/")[0].partition(b"?")[0].partition(b"#")[0]
        if scheme in {b"http", b"https"} and host:
            origin = scheme + b"://" + host
    return origin.decode("latin-1")


def read_key(headers: Mapping[bytes, bytes]) -> str:
    """Return the key of `Authorization: Bearer ...` (RFC 6750, 2.1), or ''."""
    scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
    return key.strip().decode("latin-1") if scheme.lower() == b"bearer" else ""
