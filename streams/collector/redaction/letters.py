"""How much a word looks drawn at random rather than written: the evidence of its neighbours."""

from __future__ import annotations

from typing import Final

# Row by row, from "aa" to "zz": how usual a pair of letters is, from 0 (a word hardly ever has it)
# to 9, in steps of 5/9 of a natural logarithm around what chance would give. Counted over word
# lists of English, fourteen other European languages, and transliterated Ukrainian and Russian.
_PAIRS: Final = (
    "678844657579894729897743657220700162061261064160003080317009716512810536500023"
    "822382228234247305536210446578656464687946399856464550015400600400610423400020"
    "721270446024246206536010108132700260242470052451205085777563456879752788562336"
    "600160004010014000304000008110700670351372055562205093359333934745830156630052"
    "962281107013537602426100409468858584543682027864207446674455536779561987676245"
    "802171236016127508455000300000000000000000000050000094569463925566840577743064"
    "836383278175447613796420539242921690453483077673206365556343645767350777342234"
    "801170007023046003323000507000500150000340022010003020203000300010130004000100"
    "6243511241545544046534205372026015501224410111321031"
)
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_DIGIT_BESIDE_LETTER: Final = 2.0
_CAPITAL_INSIDE: Final = 1.6


def _make_evidence() -> dict[str, float]:
    """Map pairs of signs to the logarithm of how much more usual they are by chance."""
    made: dict[str, float] = {}
    for place, usual in enumerate(_PAIRS):
        left, right = _LETTERS[place // 26], _LETTERS[place % 26]
        evidence = 0.0 if left == right else 3.0 - int(usual) * 5 / 9
        made[left + right] = made[left.upper() + right.upper()] = evidence
        made[left.upper() + right] = evidence
        made[left + right.upper()] = _CAPITAL_INSIDE
    for letter in _LETTERS + _LETTERS.upper():
        for digit in "0123456789":
            made[letter + digit] = made[digit + letter] = _DIGIT_BESIDE_LETTER
    return made


_EVIDENCE: Final = _make_evidence()


def weigh(word: str) -> float:
    """Return the evidence (log-likelihood ratio) that a word was drawn; below 0 it was written."""
    find = _EVIDENCE.get
    return sum([find(word[place : place + 2], 0.0) for place in range(len(word) - 1)])
