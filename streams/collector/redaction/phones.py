"""Phone numbers: international ones, and those of one region as its people write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import phonenumbers

from schemas.errors import HmaraError
from streams.collector.redaction.budget import Budget
from streams.collector.redaction.kinds import Finding, RedactionKind
from streams.collector.redaction.numbers import Number, is_part_of_word

_DIGITS: Final = range(8, 16)  # at most 15: E.164
_EXIT_DIGITS: Final = range(10, 18)  # behind 00
_BLOCK_DIGITS: Final = 4
_MAX_GROUPS: Final = 6
_MAX_GROUPS_ABROAD: Final = 8
_OLD_TRUNK: Final = "80"  # the trunk prefix of Ukraine until 2009 and its 0, still written
_PLUS: Final = re.compile(r"\+[ (]{0,2}\Z")
_GAP: Final = re.compile(r"[ ().\-_]{1,4}")
_ABROAD_GAP: Final = re.compile(r"[ ().\-_/]{1,4}")
_OWN_ZERO: Final = re.compile(r"\(0\)")  # +44 (0)20: not dialled from abroad
_OTHER_NUMBER: Final = re.compile(r"(?:isbn|asin|/dp|gp/product)[^0-9A-Za-z]{1,3}\Z", re.IGNORECASE)
_SAID_PHONE: Final = re.compile(
    r"(?:phone|whatsapp|viber|msisdn|wa\.me|(?<![a-z])(?:tel|mob|mobile|cell|telefon)"
    r"|(?<!\w)(?:тел|моб|телефон))"
    r"[^0-9A-Za-z]{0,4}\Z",
    re.IGNORECASE,
)
_TIME: Final = re.compile(r":[0-9]")
_LOOK_BACK_CHARS: Final = 24


class RegionError(HmaraError):
    """A phone region that no numbering plan is known for."""


class PhoneFinder:
    """Looks for numbers of the world with `+` or `00`, and for those of a region without."""

    def __init__(self, region: str) -> None:
        code = phonenumbers.country_code_for_region(region)
        metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
        if not code or metadata is None:
            message = f"finding phone numbers: {region!r} is no region (ISO 3166 alpha-2)"
            raise RegionError(message)
        self._region = region
        self._code = str(code)
        self._trunk: str = metadata.national_prefix or ""
        self._heads = frozenset(head[0] for head in (self._code, self._trunk, _OLD_TRUNK) if head)

    def find(self, numbers: list[Number], budget: Budget) -> Iterator[Finding]:
        """Yield the phone numbers among runs of digits."""
        for number in numbers:
            place = 0
            while place < len(number.groups):
                found = self._find_at(number, place, budget)
                if found is None:
                    place += 1
                    continue
                start, part = found
                place += len(part.groups)
                yield Finding(start, part.end, RedactionKind.PHONE)

    def _find_at(self, number: Number, place: int, budget: Budget) -> tuple[int, Number] | None:
        """Return where a number that begins with a group starts, signs before it included."""
        text, start = number.text, number.groups[place][0]
        before = text[max(0, start - _LOOK_BACK_CHARS) : start]
        plus = _PLUS.search(before)
        if plus is not None:
            part = self._find_abroad(number, place, "", budget)
            if part is not None:
                return start - len(before) + plus.start(), part
        if (place and _is_inside(number, place)) or _OTHER_NUMBER.search(before):
            return None
        if text.startswith("00", start):
            part = self._find_abroad(number, place, "00", budget)
        else:
            part = self._find_own(number, place, budget)
        if part is None:
            return None
        return start - (before.endswith("(") and ")" in text[start : part.end]), part

    def _find_abroad(
        self, number: Number, place: int, prefix: str, budget: Budget
    ) -> Number | None:
        """Return the longest part that is an international number behind its prefix."""
        allowed = _EXIT_DIGITS if prefix else _DIGITS
        for part in number.starting_at(place, allowed, _MAX_GROUPS_ABROAD):
            shown = _OWN_ZERO.sub("", number.text[part.start : part.end])
            digits = "".join(filter(str.isdecimal, shown))[len(prefix) :]
            if not digits or not all(map(_ABROAD_GAP.fullmatch, part.gaps)):
                continue
            if prefix and digits[0] in "01" and len(part.groups) == 1:
                continue  # a padded number; in North America nobody writes 001 in one piece
            if prefix and is_part_of_word(part.text, part.start, part.end):
                continue
            if not budget.may_check() or _is_valid(f"+{digits}", None):
                return part
        return None

    def _find_own(self, number: Number, place: int, budget: Budget) -> Number | None:
        """Return the longest part that is a number of the region, or that its label calls one."""
        start = number.groups[place][0]
        before = number.text[max(0, start - _LOOK_BACK_CHARS) : start]
        is_said = _SAID_PHONE.search(before) is not None
        if not is_said and self._trunk and number.text[start] not in self._heads:
            return None
        for part in number.starting_at(place, _DIGITS, _MAX_GROUPS):
            if not _is_grouped(part) or is_part_of_word(part.text, part.start, part.end):
                continue
            tries = self._read_own(part, is_said=is_said)
            if any(not budget.may_check() or _is_valid(*attempt) for attempt in tries):
                return part
        return None

    def _read_own(self, part: Number, *, is_said: bool) -> Iterator[tuple[str, str | None]]:
        """Yield what a number without `+` may mean, with the region to read it in."""
        digits, is_cut = part.digits, len(part.groups) > 1
        if digits.startswith(self._code) and (len(self._code) > 2 or is_cut):  # noqa: PLR2004
            yield f"+{digits}", None
        if self._trunk and digits.startswith(self._trunk):
            yield digits, self._region
        elif digits.startswith(_OLD_TRUNK) and self._code == "380":
            yield digits[1:], self._region
        elif is_said or (is_cut and not self._trunk):
            yield digits, self._region
        if is_said:
            yield f"+{digits}", None


def _is_inside(number: Number, place: int) -> bool:
    """Say whether a group goes on with what stands before: after a dash, or in blocks of four."""
    (first, last), (start, end) = number.groups[place - 1 : place + 1]
    return number.text[start - 1] in "-._" or (last - first == end - start == _BLOCK_DIGITS)


def _is_grouped(part: Number) -> bool:
    """Say whether groups are as people write phone numbers; decimals and ISBNs are not."""
    sizes, gaps = part.sizes, part.gaps
    if len(sizes) == 1:
        return _TIME.match(part.text, part.end) is None
    if len(sizes) > _MAX_GROUPS or 1 in sizes[1:] or not all(map(_GAP.fullmatch, gaps)):
        return False
    if sizes[0] == 1:
        return gaps[0] != "." and sizes[1] <= 4  # noqa: PLR2004 - 0 67 …, 8 (0512) …
    if sizes[0] == 2:  # noqa: PLR2004
        return set(sizes) == {2} or part.digits[0] != "0"
    return True


def _is_valid(number: str, region: str | None) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False
