"""The picture that a page without scripts loads to be counted."""

from __future__ import annotations

from typing import Final

from streams.collector.http import Response

GIF: Final = bytes.fromhex(
    "474946383961"  # GIF89a
    "01000100800000"  # one by one, with a table of two colours
    "000000ffffff"
    "21f90401000000002c00000000010001000002024401003b"  # one point of the first, transparent
)
PIXEL: Final = Response(200, GIF, b"image/gif", ((b"cache-control", b"no-store"),))
