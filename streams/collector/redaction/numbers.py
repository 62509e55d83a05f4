"""Runs of digits in groups, the ground on which card and phone numbers are looked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_RUN: Final = re.compile(r"[0-9](?:[ ()./_\-]{0,4}[0-9])*")
_GROUP: Final = re.compile(r"[0-9]+")
_LETTERS_BEFORE: Final = re.compile(r"[A-Za-z0-9]*\Z")
_LETTERS_AFTER: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_HEX_OR_MIXED: Final = re.compile(r"[0-9A-Fa-f]*\Z|.*[A-Za-z][0-9]|.*[0-9][A-Za-z]")
_MIN_DIGITS: Final = 7
_MAX_WORD_CHARS: Final = 32


@dataclass(frozen=True, slots=True)
class Number:
    """Neighbouring groups of a run, by their places; `gaps` are the separators between them."""

    text: str
    groups: tuple[tuple[int, int], ...]

    @property
    def start(self) -> int:
        """Where the first group begins."""
        return self.groups[0][0]

    @property
    def end(self) -> int:
        """Where the last group ends."""
        return self.groups[-1][1]

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many digits each group has."""
        return tuple([end - start for start, end in self.groups])

    @property
    def digits(self) -> str:
        """All digits."""
        return "".join(self.text[start:end] for start, end in self.groups)

    @property
    def gaps(self) -> tuple[str, ...]:
        """What stands between the groups, one less than there are groups."""
        return tuple(
            self.text[left[1] : right[0]]
            for left, right in zip(self.groups, self.groups[1:], strict=False)
        )

    def starting_at(self, place: int, digits: range, most_groups: int) -> Iterator[Number]:
        """Yield the parts that begin with a group and have so many digits, the longest first."""
        found: list[Number] = []
        count = 0
        for last in range(place, min(place + most_groups, len(self.groups))):
            count += self.groups[last][1] - self.groups[last][0]
            if count >= digits.stop:
                break
            if count >= digits.start:
                found.append(Number(self.text, self.groups[place : last + 1]))
        return reversed(found)


def find_numbers(text: str) -> Iterator[Number]:
    """Yield every run of seven digits and more, as long as only separators stand between."""
    for match in _RUN.finditer(text):
        groups = tuple(group.span() for group in _GROUP.finditer(text, *match.span()))
        if sum(end - start for start, end in groups) >= _MIN_DIGITS:
            yield Number(text, groups)


def is_part_of_word(text: str, start: int, end: int) -> bool:
    """Say whether the digits are the inside of a mixed or hexadecimal word, such as a digest."""
    before = _LETTERS_BEFORE.search(text, max(0, start - _MAX_WORD_CHARS), start)
    if before is not None and before[0] and _HEX_OR_MIXED.match(before[0]):
        return True
    after = _LETTERS_AFTER.match(text, end, end + _MAX_WORD_CHARS)
    return after is not None and _HEX_OR_MIXED.match(after[0]) is not None
