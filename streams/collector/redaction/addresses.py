"""IP addresses in text: dotted quads, IPv6 in every spelling, quads with dashes in host names."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from streams.collector.redaction.kinds import Finding, RedactionKind

_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])"
_QUAD: Final = re.compile(rf"(?<![0-9])(?<![0-9]\.){_OCTET}(?:\.{_OCTET}){{3}}(?![0-9])(?!\.[0-9])")
_DASHED: Final = re.compile(
    rf"(?:(?<=ip-)|(?<=ec2-)){_OCTET}(?:-{_OCTET}){{3}}(?![0-9])(?!-[0-9])", re.IGNORECASE
)
_HOST_DASHED: Final = re.compile(
    rf"(?<![0-9])(?<![0-9]-){_OCTET}(?:-{_OCTET}){{3}}(?![0-9])(?!-[0-9])"
)
_SIX: Final = re.compile(r"[0-9A-Fa-f:]{2,}(?:(?:\.[0-9]{1,3}){3}(?![0-9]))?")
_SIX_GROUPS: Final = 8
_MAX_SIX_CHARS: Final = 45


def find_addresses(text: str) -> Iterator[Finding]:
    """Yield IPv4 and IPv6 addresses; a version of four numbers below 256 is taken for one."""
    for pattern in (_QUAD, _DASHED):
        for match in pattern.finditer(text):
            yield Finding(match.start(), match.end(), RedactionKind.IP)
    if text.count(":") > 1:
        for match in _SIX.finditer(text):
            yield from _find_six(text, *match.span())


def find_host_addresses(host: str) -> Iterator[Finding]:
    """Yield quads that a provider has written into a host name with dashes."""
    for match in _HOST_DASHED.finditer(host):
        yield Finding(match.start(), match.end(), RedactionKind.IP)


def _find_six(text: str, start: int, end: int) -> Iterator[Finding]:
    """Yield the IPv6 address in a run of its signs; parts of a neighbouring word are cut off."""
    if start and text[start - 1].isalnum():
        start = text.find(":", start, end) + 1 or end
    if end < len(text) and text[end].isalnum():
        end = max(text.rfind(":", start, end), start)
    if end - start > _MAX_SIX_CHARS + 2:
        return
    for first, last in ((start, end), (start + 1, end), (start, end - 1), (start + 1, end - 1)):
        is_cut_at_colons = text[start:first] in {"", ":"} and text[last:end] in {"", ":"}
        if is_cut_at_colons and _is_six(text[first:last]):
            yield Finding(first, last, RedactionKind.IP)
            return


def _is_six(text: str) -> bool:
    groups = list(filter(None, text.split(":")))
    if len(groups) < 2 and not text.startswith("::"):  # noqa: PLR2004 - `a::` is C++
        return False
    if len(groups) < _SIX_GROUPS and not any(sign.isdecimal() for sign in text):
        return False  # `dead::beef` may be C++ too
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
