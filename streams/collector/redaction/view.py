"""A text as a reader sees it, with the way back: escapes decoded, look-alikes made equal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_ROUNDS: Final = 3  # an escape of any depth, an entity inside it, an invisible sign inside that
_INVISIBLE: Final = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_NAMED: Final = {"nbsp": " ", "commat": "@", "plus": "+", "period": ".", "hyphen": "-"}
_ESCAPE: Final = re.compile(
    # "%2540" is "%40" escaped again, to any depth
    r"(?P<percent>(?:%(?:25)*[0-9A-Fa-f]{2})+)"
    r"|(?:%(?:25)*|\\)u(?P<unit>[0-9A-Fa-f]{4})"
    r"|&\#(?:(?P<decimal>[0-9]{1,7})|[xX](?P<hex>[0-9A-Fa-f]{1,6}));"
    rf"|&(?P<named>{'|'.join(_NAMED)});"
    rf"|[{_INVISIBLE}]"
)
# At the head of a value it is the sign of a phone number whose `+` nobody escaped.
_BLANK_PLUS: Final = re.compile(r"(?<=[^=:/,;?&(])(?<!%3D)(?<!%3A)\+")
_MAX_CODE: Final = 0x10FFFF
_SURROGATES: Final = range(0xDC80, 0xDD00)  # a byte that is no UTF-8, as `surrogateescape` has it
_UTF8_LIMITS: Final = (0x80, 0x800, 0x10000)


def _make_look_alikes() -> dict[int, str]:
    """Map digits, blanks, dashes and full-width signs of any script to the ASCII ones."""
    codes = range(0x80, 0x10000)  # above, `re` has no fast set
    made = {code: str(int(chr(code))) for code in codes if chr(code).isdecimal()}
    made |= {code: " " for code in range(0x10000) if chr(code).isspace()}
    made |= dict.fromkeys((*range(0x2010, 0x2016), 0x2043, 0x2212, 0xFE58, 0xFE63), "-")
    made |= {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    made |= {0xFE6B: "@", 0x3002: ".", 0xFF61: ".", 0x2024: "."}
    return made


LOOK_ALIKES: Final = _make_look_alikes()


@dataclass(frozen=True, slots=True)
class View:
    """A decoded text; its sign `i` is `raw[starts[i]:ends[i]]`, or `raw[i]` if both are None."""

    text: str
    starts: list[int] | None = None
    ends: list[int] | None = None

    def to_raw(self, start: int, end: int) -> tuple[int, int]:
        """Return where `text[start:end]`, not empty, stands in the raw text."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def read_views(raw: str) -> Iterator[View]:
    """Yield the text decoded, and once more with `+` as the blank that it is in a form's query."""
    yield _decode(raw)
    if "+" in raw:
        yield _decode(_BLANK_PLUS.sub(" ", raw))


def _decode(raw: str) -> View:
    view = View(raw)
    for _ in range(_ROUNDS):
        if not _ESCAPE.search(view.text):
            break
        view = _decode_once(view)
    return View(view.text.translate(LOOK_ALIKES), view.starts, view.ends)


def _decode_once(view: View) -> View:
    text = view.text
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for match in _ESCAPE.finditer(text):
        start, end = match.span()
        pieces.append(text[done:start])
        starts += range(done, start)
        ends += range(done + 1, start + 1)
        for sign, first, last in _read_escape(match):
            pieces.append(sign)
            starts.append(first)
            ends.append(last)
        done = end
    pieces.append(text[done:])
    starts += range(done, len(text))
    ends += range(done + 1, len(text) + 1)
    if view.starts is not None and view.ends is not None:
        starts = [view.starts[place] for place in starts]
        ends = [view.ends[place - 1] for place in ends]
    return View("".join(pieces), starts, ends)


def _read_escape(match: re.Match[str]) -> Iterator[tuple[str, int, int]]:
    """Yield each sign of an escape with its place; an invisible sign yields nothing."""
    start, end = match.span()
    kind = match.lastgroup
    if kind == "percent":
        yield from _read_bytes(match[0], start)
    elif kind == "named":
        yield _NAMED[match[kind]], start, end
    elif kind is not None:
        code = int(match[kind], 10 if kind == "decimal" else 16)
        yield chr(min(code, _MAX_CODE)), start, end


def _read_bytes(escape: str, offset: int) -> Iterator[tuple[str, int, int]]:
    """Yield the signs of a run of `%XX`, read as UTF-8; a byte that is none is a sign by itself."""
    places = [match.end() for match in re.finditer(r"%(?:25)*[0-9A-Fa-f]{2}", escape)]
    octets = bytes(int(escape[place - 2 : place], 16) for place in places)
    first = 0
    for sign in octets.decode("utf-8", "surrogateescape"):
        last = first + _count_bytes(ord(sign))
        yield sign, offset + (places[first - 1] if first else 0), offset + places[last - 1]
        first = last


def _count_bytes(code: int) -> int:
    if code in _SURROGATES:
        return 1
    return 1 + sum(code >= limit for limit in _UTF8_LIMITS)
