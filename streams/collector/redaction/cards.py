"""Payment card numbers: 13 to 19 digits of a known issuer, with a right check digit (Luhn)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from stdnum import ean, luhn

from streams.collector.redaction.kinds import Finding, RedactionKind
from streams.collector.redaction.numbers import Number, is_part_of_word

_ISSUERS: Final = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-5]|[68]\d|9\d)\d{11}|3[689]\d{14}"  # Diners Club
    r"|(?:6011|64[4-9]\d|65\d\d)\d{12}(?:\d{3})?"  # Discover
    r"|35(?:2[89]|[3-8]\d)\d{12}"  # JCB
    r"|62\d{14,17}|81\d{14}"  # UnionPay
    r"|220[0-4]\d{12,15}"  # Mir
    r"|9804\d{12}|9792\d{12}"  # Prostir, Troy
    r"|(?:60[0-9]{2}|508[5-9]|82\d\d)\d{12}"  # RuPay
    r"|(?:50(?:18|20|38)|5[678]\d\d|6304|639\d|67\d\d)\d{9,15}"  # Maestro
)
_GAP: Final = re.compile(r"[ ._\-]{1,3}")
_DIGITS: Final = range(13, 20)
_MAX_GROUPS: Final = 6
_EAN_DIGITS: Final = 13
_ROUND: Final = 50
_MIN_GROUP: Final = 3


def find_cards(numbers: list[Number]) -> Iterator[Finding]:
    """Yield the card numbers of runs; a bare number that is a right EAN-13 is a product's."""
    for number in numbers:
        place = 0
        while place < len(number.groups):
            found = _find_at(number, place)
            if found is None:
                place += 1
            else:
                place += len(found.groups)
                yield Finding(found.start, found.end, RedactionKind.CARD)


def _find_at(number: Number, place: int) -> Number | None:
    if place and number.text[number.groups[place][0] - 1] in "-._":
        return None
    sizes = Number(number.text, number.groups[max(0, place - 1) : place + 1]).sizes
    if number.text[number.groups[place][0]] in "01" or sizes[-1] == _MIN_GROUP - 1:
        return None
    if sizes == (1, 1):
        return None  # read out digit by digit, a number begins where the digits begin
    for part in number.starting_at(place, _DIGITS, _MAX_GROUPS if sizes[-1] > 1 else _DIGITS.stop):
        if _is_card(part):
            return part
    return None


def _is_card(part: Number) -> bool:
    digits = part.digits
    return (
        _ISSUERS.fullmatch(digits) is not None
        and all(map(_GAP.fullmatch, part.gaps))
        and _is_grouped(part.sizes)
        and luhn.is_valid(digits)
        and not (len(digits) == _EAN_DIGITS == part.sizes[0] and ean.is_valid(digits))
        and not _is_list_of_round_numbers(part)
        and not is_part_of_word(part.text, part.start, part.end)
    )


def _is_grouped(sizes: tuple[int, ...]) -> bool:
    """Say whether groups are as people write them: of three and more, or digit by digit."""
    return all(size >= _MIN_GROUP for size in sizes[:-1]) or set(sizes) == {1}


def _is_list_of_round_numbers(part: Number) -> bool:
    """Say whether groups are numbers of their own, as in `5000 5100 5200 5300`."""
    return len(part.groups) > 1 and all(
        int(part.text[start:end]) % _ROUND == 0 for start, end in part.groups
    )
