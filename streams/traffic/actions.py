"""What visitors do on a page of the invented shop: where they click, and what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.collector.payload import Properties

_BITS = 10
_PERMILLE = 1000


class Bits:
    """A page load's own draws: Knuth's MMIX generator, its high bits the best."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def draw(self) -> int:
        """Draw 40 bits."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) % 2**64
        return self._state >> 24


class Target(NamedTuple):
    """What can be clicked, and where on the page most of it lies, in permille."""

    role: str
    label: str
    x: int
    y: int


TARGETS = (
    Target("button", "Add to cart", 780, 310),
    Target("link", "Details", 300, 520),
    Target("link", "Show more", 500, 880),
    Target("link", "Next", 860, 930),
    Target("button", "Subscribe", 520, 960),
    Target("link", "Menu", 60, 30),
    Target("link", "Size guide", 700, 420),
    Target("link", "Home", 150, 20),
)
_LINKED = Target("link", "Where it is made", 320, 700)
_FILE = Target("link", "Care guide", 340, 760)
_SPREAD = 80
_OUTBOUND = (
    "https://makers.example.org/oak-and-ash",
    "https://makers.example.org/glass",
    "https://wool.example.net/mill",
    "https://maps.example.com/our-shop",
    "https://www.instagram.com/invented.shop/",
)
_FILES = (
    "/files/care-guide-wood.pdf",
    "/files/care-guide-wool.pdf",
    "/files/catalogue-2025.pdf",
    "/files/assembly-desk.pdf",
    "/files/colours.zip",
)
_OUTBOUND_PERMILLE, _DOWNLOAD_PERMILLE = 80, 50
"""Of the clicks."""
_FORM_PERMILLE, _CUSTOM_PERMILLE = 30, 70
"""Of the page loads."""
_FORMS = {"/contact": "contact", "/cart": "voucher", "/checkout": "checkout"}
_FORM_PAGE_PERMILLE = 350
_OTHER_FORMS = ("newsletter", "search", "search", "stock-alert")


def is_one_of(bits: int, permille: int) -> bool:
    """Say whether a draw falls into a share."""
    return (bits & 1023) * _PERMILLE >> _BITS < permille


def find_target(bits: int) -> tuple[Target, str]:
    """Return what is clicked, and where it leads away to: a path is a file, '' is nowhere."""
    share, choice = (bits & 1023) * _PERMILLE >> _BITS, bits >> 30
    if share < _OUTBOUND_PERMILLE:
        return _LINKED, _pick(_OUTBOUND, choice)
    if share < _OUTBOUND_PERMILLE + _DOWNLOAD_PERMILLE:
        return _FILE, _pick(_FILES, choice)
    return TARGETS[choice % len(TARGETS)], ""


def find_place(target: Target, bits: int) -> tuple[int, int]:
    """Return where a click on a target hits, in permille of the page."""
    across, down = bits >> 10 & 1023, bits >> 20 & 1023
    return _near(target.x, across), _near(target.y, down)


def find_form(path: str, bits: int) -> str:
    """Return the name of the form that is submitted on a page; '' if none is."""
    form = _FORMS.get(path)
    if form is not None:
        return form if is_one_of(bits, _FORM_PAGE_PERMILLE) else ""
    return _pick(_OTHER_FORMS, bits >> 10) if is_one_of(bits, _FORM_PERMILLE) else ""


def find_custom(bits: int) -> tuple[str, Properties] | None:
    """Return the name and the properties of what the page itself reports; None if nothing."""
    if not is_one_of(bits, _CUSTOM_PERMILLE):
        return None
    number, choice = bits >> 10 & 1023, bits >> 20 & 3
    if choice == 0:
        return "search", {"results": number % 60, "has_filter": number % 3 == 0}
    if choice == 1:
        return "video", {"seconds": number % 90, "part": ("start", "half", "end")[number % 3]}
    price = 9.5 + number % 300
    return "add_to_cart", {"price": price, "quantity": 1 + number % 3, "in_stock": number % 9 > 0}


def _near(middle: int, bits: int) -> int:
    return min(max(middle + (bits * 2 * _SPREAD >> _BITS) - _SPREAD, 0), _PERMILLE)


def _pick(values: Sequence[str], bits: int) -> str:
    return values[bits % len(values)]
