"""What is as good as the key of a keyed BLAKE2b: the state after its first block (RFC 7693).

The key alone fills the first block, so that state is the same in every hash under the key, and who
has it goes on from there without the key.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

BLOCK_BYTES: Final = 128
_ROUNDS: Final = 12
_MASK: Final = 2**64 - 1
_BLOCK: Final = struct.Struct("<16Q")
_STATE: Final = struct.Struct("<8Q")
_IV: Final = (
    *(0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1),
    *(0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179),
)
_ORDERS: Final = (
    *("0123456789abcdef", "ea489fd61c02b753", "b8c052fdae367194", "7931dcbe265a40f8"),
    *("905724afe1bc683d", "2c6a0b834d75fe19", "c51fed4a0763928b", "db7ec13950f4862a"),
    *("6fe9b308c2d714a5", "a2847615fb9e3cd0"),
)
_LANES: Final = ("048c", "159d", "26ae", "37bf", "05af", "16bc", "278d", "349e")
_TURNS: Final = ((32, 24), (16, 63))


def begin(key: bytes, digest_size: int) -> bytes:
    """Return the 64 bytes of the state that every hash under the key goes through."""
    first = _IV[0] ^ 0x01010000 ^ (len(key) << 8) ^ digest_size
    state = _compress((first, *_IV[1:]), key.ljust(BLOCK_BYTES, b"\0"), BLOCK_BYTES)
    return _STATE.pack(*state)


def go_on(state: bytes, content: bytes, digest_size: int) -> bytes:
    """Return the digest of at most one block of content, from a state that `begin` returned."""
    block = content.ljust(BLOCK_BYTES, b"\0")
    total = BLOCK_BYTES + len(content)
    return _STATE.pack(*_compress(_STATE.unpack(state), block, total, is_last=True))[:digest_size]


def _compress(
    state: Sequence[int], block: bytes, total: int, *, is_last: bool = False
) -> tuple[int, ...]:
    words, work = _BLOCK.unpack(block), [*state, *_IV]
    work[12] ^= total
    if is_last:
        work[14] ^= _MASK
    for number in range(_ROUNDS):
        order = iter(_ORDERS[number % len(_ORDERS)])
        for lane in _LANES:
            _mix(work, lane, (words[int(next(order), 16)], words[int(next(order), 16)]))
    return tuple(state[place] ^ work[place] ^ work[place + 8] for place in range(8))


def _mix(work: list[int], lane: str, words: tuple[int, int]) -> None:
    a, b, c, d = (int(place, 16) for place in lane)
    for word, (of_d, of_b) in zip(words, _TURNS, strict=True):
        work[a] = (work[a] + work[b] + word) & _MASK
        work[d] = _turn(work[d] ^ work[a], of_d)
        work[c] = (work[c] + work[d]) & _MASK
        work[b] = _turn(work[b] ^ work[c], of_b)


def _turn(word: int, by: int) -> int:
    return (word >> by | word << (64 - by)) & _MASK
