"""E-mail addresses, also in the forms that pages write against harvesters."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from streams.collector.redaction.kinds import Finding, RedactionKind

_MAX_LOCAL_CHARS: Final = 64
_LOCAL_SIGNS: Final = frozenset("._+-'^`~$*")
_MARKS: Final = "\u0300-\u036f\u0591-\u06df\u0900-\u0e7f"  # vowel signs, that \w leaves out
_LABEL: Final = rf"[^\W_](?:[^\W_]|[\-{_MARKS}])*"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_LITERAL: Final = re.compile(r"(\[)?((?:[0-9]{1,3}\.){3}[0-9]{1,3})(?(1)\]|(?![0-9]))")
_TOP: Final = re.compile(rf"xn--[a-z0-9\-]+|(?:[^\W\d_]|[{_MARKS}]){{2,}}", re.IGNORECASE)
_SCALE: Final = re.compile(r"[0-9]x\b")  # icon@2x.png
_FILE_TYPE: Final = re.compile(
    r"avif|bmp|css|csv|gif|gz|html?|ico|jpe?g|jsx?|json|less|map|mjs|mp[34]|pdf|php|png|scss|svg"
    r"|tgz|tiff?|tsx?|ttf|txt|vue|webm|webp|woff2?|xml",
    re.IGNORECASE,
)
_SPELLED_AT: Final = re.compile(
    r" ?[\[({<] ?(?:@|at|ät|arroba|собака|małpa) ?[\])}>] ?",
    re.IGNORECASE,
)
_SPELLED_DOT: Final = r"(?: ?[\[({<] ?(?:\.|dot|крапка|точка|punkt|kropka) ?[\])}>] ?|\.)"
_SPELLED_DOMAIN: Final = re.compile(rf"{_LABEL}(?:{_SPELLED_DOT}{_LABEL})+", re.IGNORECASE)
_IN_WORDS: Final = re.compile(
    r" at ([\w\-]{1,63}(?: dot [\w\-]{1,63}){0,3} dot"
    r" (?:com|org|net|edu|gov|info|io|dev|eu|ua|pl|de|fr|uk|укр))\b",
    re.IGNORECASE,
)
_USERINFO: Final = re.compile(r"(?<=//)[^/@\s?#:]{1,64}:[^/@\s?#]{0,64}@")


def find_emails(text: str) -> Iterator[Finding]:
    """Yield addresses, and a URL's user name with its password."""
    place = text.find("@")
    while place >= 0:
        yield from _find_around(text, place)
        place = text.find("@", place + 1)
    for match in _SPELLED_AT.finditer(text):
        domain = _SPELLED_DOMAIN.match(text, match.end())
        yield from _join(text, match.start(), domain.end() if domain else None)
    for match in _IN_WORDS.finditer(text):
        yield from _join(text, match.start(), match.end())
    for match in _USERINFO.finditer(text):
        yield Finding(match.start(), match.end(), RedactionKind.EMAIL)


def _find_around(text: str, place: int) -> Iterator[Finding]:
    """Yield the address of one `@`, if there is one; blanks may stand after or around it."""
    after = place + 1
    if text.startswith(" ", after):
        after += 1
        if text.startswith(" ", place - 1):
            place -= 1
            first = _find_local(text, place)
            if not _is_written_small(text[first:place]):
                return
    yield from _join(text, place, _end_domain(text, after))


def _is_written_small(local: str) -> bool:
    """Say whether a word before ` @ ` is a mailbox and not the capitalised name of an event."""
    return local == local.lower()


def _join(text: str, place: int, end: int | None) -> Iterator[Finding]:
    if end is None:
        return
    start = _find_local(text, place)
    if start < place:
        yield Finding(start, end, RedactionKind.EMAIL)


def _find_local(text: str, place: int) -> int:
    """Return where the local part that ends at `place` begins."""
    start = place
    while start and place - start < _MAX_LOCAL_CHARS and _is_local(text[start - 1]):
        start -= 1
    while start < place and text[start] in ".'`*~":
        start += 1
    return start


def _is_local(sign: str) -> bool:
    return sign in _LOCAL_SIGNS or unicodedata.category(sign)[0] in "LNM"


def _end_domain(text: str, place: int) -> int | None:
    """Return where the domain that begins at `place` ends; None if there is none."""
    literal = _LITERAL.match(text, place)
    if literal is not None and _is_address(literal[2]):
        return literal.end()
    match = _DOMAIN.match(text, place)
    if match is None or _SCALE.match(match[0]):
        return None
    labels = match[0].split(".")
    if labels[0].isdecimal() and labels[1].isdecimal():
        return None  # a version, as in jquery@3.7.1
    end = match.end()
    while len(labels) > 1:
        label = labels.pop()
        end -= len(label) + 1
        top = _TOP.match(label)
        if top is not None and _FILE_TYPE.fullmatch(label) is None:
            return end + 1 + top.end()
    return None


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True
