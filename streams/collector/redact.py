"""Replaces what identifies a person in free text, paths and hosts, before anything leaves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final
from urllib.parse import unquote

from streams.collector.redaction.addresses import find_addresses, find_host_addresses
from streams.collector.redaction.budget import Budget
from streams.collector.redaction.cards import find_cards
from streams.collector.redaction.emails import find_emails
from streams.collector.redaction.ibans import find_ibans
from streams.collector.redaction.kinds import Finding, RedactionKind
from streams.collector.redaction.numbers import find_numbers
from streams.collector.redaction.phones import PhoneFinder
from streams.collector.redaction.tokens import find_tokens
from streams.collector.redaction.view import LOOK_ALIKES, read_views

__all__ = ["RedactionKind", "Redactor"]

MAX_REMEMBERED: Final = 20_000
_MAX_REMEMBERED_CHARS: Final = 512
_MAX_PASSES: Final = 4
_MAX_DIGITS: Final = 160
_ORDER: Final = {kind: place for place, kind in enumerate(RedactionKind)}

# Each finding has one of these signs, or seven digits, or three dots; a text without is let through
# at once. One set of first signs, then a look around: that is what `re` searches fastest.
_FIRST: Final = r"@0-9A-Z:%\\&(\[{<="
_LOOK: Final = (
    r"(?:(?<=[0-9])(?:(?=[A-Za-z])|(?<=[A-Za-z].))"
    r"|(?<=[A-Z])(?:(?<=[a-z].)|(?<=A)(?=[KS]IA[A-Z]))"
    r"|(?<![0-9A-Z])(?:(?<=@)"
    r"|(?<=:)(?=[0-9A-Fa-f]{0,4}:)"
    r"|(?<=%)(?=[0-9A-Fa-f]{2}|u)"
    r"|(?<=\\)(?=u)"
    r"|(?<=&)(?=\#|nbsp;|commat;|plus;|period;|hyphen;)"
    r"|(?<=[(\[{<])(?=\ ?(?:[@aаAА]|ät|соб|СОБ|ma[lł]))"  # noqa: RUF001 - Cyrillic is meant
    r"|(?i:(?<=word=|sswd=|wort=|aslo=|arol=|роль=|.pwd=))))"
)
_OTHER_SIGNS: Final = "".join(
    sorted(chr(code) for code, sign in LOOK_ALIKES.items() if sign not in "- ")
)
_SUSPECT: Final = re.compile(rf"[{_FIRST}]{_LOOK}")
_SUSPECT_ANYWHERE: Final = re.compile(rf"[{_FIRST}{_OTHER_SIGNS}](?:(?<=[{_OTHER_SIGNS}])|{_LOOK})")
_SEVEN_DIGITS: Final = re.compile(r"[0-9](?<![0-9]{2})(?:[^0-9]{0,4}+[0-9]){6}")
_DOTTED: Final = re.compile(r"[0-9](?:\.[0-9]{1,3}){3}")
_QUAD_DOTS: Final = 3
_QUAD_DASHES: Final = 3


@dataclass(frozen=True, slots=True)
class _Look:
    """How a text is looked at: as a host or not, and at whose cost."""

    budget: Budget
    is_host: bool


class Redactor:
    """Replaces identifiers by `[email]`, `[phone]`, `[card]`, `[iban]`, `[ip]` and `[token]`.

    Takes any `str`, never raises, and redacting twice changes nothing more. `count` is called once
    for each thing replaced. Texts without findings are remembered, the others never.

    Args:
        count: hears of each thing replaced.
        phone_regions: where people write phone numbers without a country code (ISO 3166 alpha-2).

    Raises:
        RegionError: a phone region is unknown.
    """

    def __init__(
        self, count: Callable[[RedactionKind], None], phone_regions: Sequence[str] = ("UA",)
    ) -> None:
        self._count = count
        self._phones = tuple(map(PhoneFinder, phone_regions))
        self._budget: Budget | None = None
        self._clean: set[str] = set()
        self._clean_hosts: set[str] = set()

    def begin(self) -> None:
        """Begin a request: what its texts may cost together is counted anew.

        Where nothing ever begins, each text has a budget of its own.
        """
        self._budget = Budget()

    def forget(self) -> None:
        """Let go of the texts that are remembered."""
        self._clean.clear()
        self._clean_hosts.clear()

    def redact_text(self, text: str) -> str:
        """Redact a title, a label, a name, a campaign value or a property's key or value."""
        return text if text in self._clean else self._redact(text, self._clean)

    def redact_path(self, path: str) -> str:
        """Redact a path or a query string; what is not replaced stays byte for byte."""
        return path if path in self._clean else self._redact(path, self._clean)

    def redact_host(self, host: str) -> str:
        """Redact a host: labels that are tokens, and addresses also when written with dashes."""
        return host if host in self._clean_hosts else self._redact(host, self._clean_hosts)

    def _redact(self, text: str, clean: set[str]) -> str:
        is_host = clean is self._clean_hosts
        if not is_suspect(text, is_host=is_host):
            _remember(text, clean)
            return text
        look = _Look(self._budget or Budget(), is_host)
        if not look.budget.may_read(len(text)) or is_flood(text):
            return self._replace_whole()
        findings = self._find(text, look)
        if not findings:
            _remember(text, clean)
            return text
        for _ in range(_MAX_PASSES):
            text = _replace(text, findings)
            for finding in findings:
                self._count(finding.kind)
            findings = self._find(text, look) if is_suspect(text, is_host=is_host) else []
            if not findings:
                return text
        # Each pass uncovers more: nobody writes so, and nothing of it is worth keeping.
        return self._replace_whole()

    def _replace_whole(self) -> str:
        self._count(RedactionKind.TOKEN)
        return f"[{RedactionKind.TOKEN}]"

    def _find(self, raw: str, look: _Look) -> list[Finding]:
        """Return findings by their places in the raw text, in order, without overlaps."""
        found: list[Finding] = []
        for view in read_views(raw):
            if look.is_host or not is_ordinary(view.text):
                found += (
                    Finding(*view.to_raw(each.start, each.end), each.kind)
                    for each in self._find_all(view.text, look)
                )
        return _merge(found)

    def _find_all(self, text: str, look: _Look) -> Iterable[Finding]:
        numbers = list(find_numbers(text))
        return chain(
            find_emails(text),
            find_ibans(text),
            find_cards(numbers),
            *(finder.find(numbers, look.budget) for finder in self._phones),
            find_addresses(text),
            find_host_addresses(text) if look.is_host else (),
            find_tokens(text),
        )


def is_suspect(text: str, *, is_host: bool) -> bool:
    """Say whether a text has a sign of any finding; of a host, also that of a dashed address."""
    return not is_ordinary(text) or (is_host and text.count("-") >= _QUAD_DASHES)


def is_ordinary(text: str) -> bool:
    """Say whether a text has no sign that any finding needs; False says nothing."""
    suspect = _SUSPECT if text.isascii() else _SUSPECT_ANYWHERE
    return (
        suspect.search(text) is None
        and _SEVEN_DIGITS.search(text) is None
        and " dot " not in text
        and (text.count(".") < _QUAD_DOTS or _DOTTED.search(text) is None)
    )


def _remember(text: str, clean: set[str]) -> None:
    if len(text) <= _MAX_REMEMBERED_CHARS:
        if len(clean) >= MAX_REMEMBERED:
            clean.clear()
        clean.add(text)


def is_flood(text: str) -> bool:
    """Say whether a text has more digits than any that a person reads; each costs a look.

    Nothing of it is worth keeping, and it must not buy much of our time.
    """
    return len(text) > _MAX_DIGITS and sum(map(str.isdigit, unquote(text))) > _MAX_DIGITS


def _merge(found: list[Finding]) -> list[Finding]:
    """Join findings that overlap; the weightier kind names the whole."""
    merged: list[Finding] = []
    for each in sorted(found, key=lambda finding: finding.start):
        if merged and each.start < merged[-1].end:
            last = merged.pop()
            kind = min(last.kind, each.kind, key=_ORDER.__getitem__)
            merged.append(Finding(last.start, max(last.end, each.end), kind))
        else:
            merged.append(each)
    return merged


def _replace(text: str, findings: list[Finding]) -> str:
    pieces: list[str] = []
    done = 0
    for finding in findings:
        pieces += (text[done : finding.start], f"[{finding.kind}]")
        done = finding.end
    return "".join((*pieces, text[done:]))
