"""Long tokens: UUIDs, digests, JWTs, keys of known services, and words that look drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from streams.collector.redaction.kinds import Finding, RedactionKind
from streams.collector.redaction.letters import weigh

_KNOWN: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"eyJ[\w\-]{8,}(?:\.[\w\-]*){1,4}"  # JWT, JWE
    r"|(?:sk|pk|rk|whsec)_(?:live_|test_)?[A-Za-z0-9]{16,}"
    r"|gh[opsur]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w\-]{16,}"
    r"|xox[abeoprs]-[\w\-]{10,}|xapp-[\w\-]{10,}"
    r"|A(?:KIA|SIA|GPA|IDA|ROA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|AIza[\w\-]{30,}|ya29\.[\w\-]{10,}|1//0[\w\-]{20,}|GOCSPX-[\w\-]{16,}"
    r"|SG\.[\w\-]{16,}\.[\w\-]{16,}|npm_[A-Za-z0-9]{20,}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{16,}"
    r"|(?<=/bot)[0-9]{6,12}:[\w\-]{30,}|[0-9]{8,12}:AA[\w\-]{30,}"  # Telegram
    r")"
    r"|(?<=/bot)[0-9]{6,12}:[\w\-]{30,}"
)
_UUID: Final = re.compile(
    r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{8}(?:[\-_][0-9A-Fa-f]{4}){3}[\-_][0-9A-Fa-f]{12}(?![0-9A-Fa-f])"
)
_HEX: Final = re.compile(r"(?<![0-9A-Za-z])(?:0[xX])?[0-9A-Fa-f]{32,}(?![0-9A-Za-z])")
_PASSWORD: Final = re.compile(
    r"(?:password|passwd|passwort|haslo|parol|пароль|pwd)=(?!\[\w+\])([^\s&#;\"']{6,})",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(
    r"(?:token|session|sess|(?<![a-z])sid|auth|api[_\-]?key|secret|(?<![a-z])sig|signature|nonce"
    r"|otp|csrf|xsrf|ticket|(?<![a-z])(?:code|key|hash|state)|jwt|reset|verify|confirm|invite|magic)"
    r"[A-Za-z_\-\]]{0,16}(?:=|/|: ?)\"?([A-Za-z0-9_\-]{10,})",
    re.IGNORECASE,
)
_RUN: Final = re.compile(r"[A-Za-z0-9_+/\-]{20,}(?:={1,2}(?![A-Za-z0-9]))?")
_PART: Final = re.compile(r"[A-Za-z0-9]+")
_PUNYCODE: Final = re.compile(r"(?<![A-Za-z0-9])xn--[a-z0-9\-]+", re.IGNORECASE)
_ASSET: Final = re.compile(
    r"(?:\.[a-z]{2,8})?\.(?:js|mjs|cjs|css|map|woff2?|ttf|wasm)(?![A-Za-z0-9])", re.IGNORECASE
)
_MIN_CHARS: Final = 20
_MAX_ASSET_CHARS: Final = 64
_MIN_EVIDENCE: Final = 5.0
_MIN_NAMED_EVIDENCE: Final = 6.0
_VALUE_HEADS: Final = frozenset("= :\"'(,\u00ab")
_MIN_REST_EVIDENCE: Final = -1.0
_MIN_WORD_CHARS: Final = 5
_MAX_REST_CHARS: Final = 2
_JOINT_COST: Final = 1.7  # `-` and `_` part words five times as often as they occur by chance
_PADDED_JOINT_COST: Final = 0.5
_CODE_JOINT_COST: Final = 8.0
_SLASH_COST: Final = 4.0


def find_tokens(text: str) -> Iterator[Finding]:
    """Yield long tokens; the digest in the name of a script, style or font is none."""
    if "xn--" in text.lower():
        text = _PUNYCODE.sub(lambda match: "." * len(match[0]), text)
    for pattern in (_KNOWN, _UUID, _HEX):
        for match in pattern.finditer(text):
            if pattern is not _HEX or not _is_asset(text, *match.span()):
                yield Finding(match.start(), match.end(), RedactionKind.TOKEN)
    for match in _PASSWORD.finditer(text):
        yield Finding(match.start(1), match.end(1), RedactionKind.TOKEN)
    for match in _NAMED.finditer(text):
        if _is_drawn(match[1]):
            yield Finding(match.start(1), match.end(1), RedactionKind.TOKEN)
    for match in _RUN.finditer(text):
        yield from _find_drawn(text, *match.span())


def _is_drawn(value: str) -> bool:
    """Say whether a value that its name calls a secret looks like one."""
    joints = sum(map(value.count, "-_"))
    return weigh(value) - joints * _JOINT_COST >= _MIN_NAMED_EVIDENCE


@dataclass(frozen=True, slots=True)
class _Run:
    """Signs of base64 in a row, cut into parts at those that are no letters or digits."""

    text: str
    parts: list[tuple[int, int]]
    is_value: bool  # stands behind `=`, a blank or a quote, so that a `/` need not part a path

    @property
    def is_base64(self) -> bool:
        """Whether it has the signs of base64 that a path has not."""
        return self.is_value and (self.text.endswith("=") or "+" in self.text)


def _find_drawn(text: str, start: int, end: int) -> Iterator[Finding]:
    """Yield the parts of a run that were drawn, with what belongs to them."""
    signs = text[start:end]
    before = text[start - 1] if start else "="
    is_value = before in _VALUE_HEADS and not signs.startswith("/" if not start else "//")
    run = _Run(signs, [part.span() for part in _PART.finditer(signs)], is_value)
    for first, last in _pick_drawn(run):
        low, high = first, last
        while low and _belongs(run, run.parts[low - 1], run.parts[low]):
            low -= 1
        while high + 1 < len(run.parts) and _belongs(run, run.parts[high + 1], run.parts[high]):
            high += 1
        left, right = _take_edges(run, run.parts[low][0], run.parts[high][1])
        is_asset = _is_asset(text, start + left, start + right)
        if _is_long_and_mixed(signs[left:right]) and not is_asset:
            yield Finding(start + left, start + right, RedactionKind.TOKEN)


def _pick_drawn(run: _Run) -> Iterator[tuple[int, int]]:
    """Yield first and last part of the stretches with the most evidence (Kadane's sums)."""
    best = total = 0.0
    begin = first = last = 0
    for place, (left, right) in enumerate(run.parts):
        total -= _cost_of_gap(run, place)
        if total <= 0:
            if best >= _MIN_EVIDENCE:
                yield first, last
            best, total, begin = 0.0, 0.0, place
        total += weigh(run.text[left:right])
        if total > best:
            best, first, last = total, begin, place
    if best >= _MIN_EVIDENCE:
        yield first, last


def _cost_of_gap(run: _Run, place: int) -> float:
    """Return the evidence against chance of the signs before a part.

    Only base64 has signs that part words as well, and it is of mixed case; between codes of one
    case (`n3092-90nr0c61`) they part codes.
    """
    left, right = run.parts[place]
    previous = run.parts[place - 1] if place else (0, 0)
    gap = run.text[previous[1] : left]
    if run.is_base64:
        return len(gap) * (_PADDED_JOINT_COST if run.text.endswith("=") else _JOINT_COST)
    if _is_mixed(run.text[slice(*previous)]) or _is_mixed(run.text[left:right]):
        return sum(_SLASH_COST if sign == "/" else _JOINT_COST for sign in gap)
    return len(gap) * _CODE_JOINT_COST


def _is_mixed(word: str) -> bool:
    """Say whether a word has letters of both cases."""
    return word != word.lower() and word != word.upper()


def _belongs(run: _Run, part: tuple[int, int], drawn: tuple[int, int]) -> bool:
    """Say whether a part beside a drawn one is more of it: short or mixed, and no word."""
    gap = run.text[min(part[1], drawn[1]) : max(part[0], drawn[0])]
    if "/" in gap and not run.is_value:
        return False
    word, beside = run.text[part[0] : part[1]], run.text[drawn[0] : drawn[1]]
    if word.isdecimal() or (word.isalpha() and word.islower()):
        is_tail = gap == "_" and part > drawn  # `id_…` and `…-2` have a meaning of their own
        is_short = len(word) <= _MAX_REST_CHARS and (is_tail or len(beside) < _MIN_CHARS)
        return is_short and _is_mixed(beside)
    is_odd = _is_mixed(word) and len(word) < _MIN_WORD_CHARS and not word.istitle()
    return _is_mixed(beside) and (is_odd or weigh(word) > _MIN_REST_EVIDENCE)


def _take_edges(run: _Run, left: int, right: int) -> tuple[int, int]:
    """Take in the signs of base64 that a run begins or ends with."""
    text = run.text
    signs = "+/=" if run.is_base64 else "-_" if _is_mixed(text[left:right]) else "="
    if not text[:left].strip(signs):
        left = 0
    if not text[right:].strip(signs):
        right = len(text)
    while right < len(text) and text[right] in "+=":
        right += 1
    return left, right


def _is_long_and_mixed(word: str) -> bool:
    """Say whether a word is long enough, and has digits or letters of both cases."""
    has_digit = any(map(str.isdigit, word))
    return len(word) >= _MIN_CHARS and (has_digit or _is_mixed(word))


def _is_asset(text: str, start: int, end: int) -> bool:
    return end - start <= _MAX_ASSET_CHARS and _ASSET.match(text, end) is not None
