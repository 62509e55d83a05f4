"""The pages of an invented shop, the same for every seed, and the ways that lead to them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING
from urllib.parse import quote

from streams.traffic.dice import Dice, cumulative, zipf_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

_PURPOSE = 2
_SHUFFLE_SEED = 0
_PAGE_FLATNESS = 4.0

_FRONT = (
    ("/", "Home"),
    ("/sale", "Sale"),
    ("/new", "New in"),
    ("/lamps", "Lamps"),
    ("/chairs", "Chairs"),
    ("/blog", "Journal"),
    ("/delivery", "Delivery"),
    ("/contact", "Contact"),
    ("/about", "About us"),
    ("/cart", "Cart"),
    ("/checkout", "Checkout"),
    ("/checkout/thanks", "Thank you"),
)
_KINDS = (
    "lamp", "chair", "table", "shelf", "mirror", "vase", "rug", "clock", "stool", "basket",
    "blanket", "bowl", "candle", "curtain", "desk", "frame", "kettle", "mug", "pillow", "tray",
)  # fmt: skip
_MATERIALS = (
    "oak", "ash", "linen", "wool", "brass", "clay", "glass", "steel", "cork", "felt",
    "birch", "copper", "jute", "marble", "paper", "willow",
)  # fmt: skip
_TONES = (
    "amber", "azure", "coral", "fern", "ivory", "moss", "night", "ochre", "pearl", "rose",
    "rust", "sage", "sand", "slate", "snow", "wine",
)  # fmt: skip
_SIZES = ("small", "tall", "wide", "classic")
_TOPICS = ("mend", "clean", "choose", "paint", "place", "store", "restore", "measure")
_SECTIONS = ("світло", "оселя", "поради", "майстерня", "догляд")
_YEARS = ("2023", "2024", "2025")
_MONTHS = tuple(f"{month:02}" for month in range(1, 13))


@dataclass(frozen=True, slots=True)
class Page:
    """One page: path and query as a browser reports them (percent-encoded), and its title."""

    path: str
    title: str


@dataclass(frozen=True, slots=True)
class Source:
    """One way in: the referrer the browser reports, if any, and the campaign in the address."""

    referrer: str | None
    campaign: str


class Catalogue:
    """Every page in order of popularity."""

    def __init__(self) -> None:
        pages = [Page(path, title) for path, title in _tail()]
        order = Dice(_SHUFFLE_SEED, _PURPOSE).words(len(pages)).argsort(kind="stable")
        front = [Page(path, title) for path, title in _FRONT]
        self.pages: tuple[Page, ...] = (*front, *(pages[place] for place in order.tolist()))
        self._popularity = cumulative(zipf_weights(len(self.pages), flatness=_PAGE_FLATNESS))

    def draw(self, dice: Dice, count: int) -> NDArray[np.int64]:
        """Draw `count` places in `pages`: a few pages get most views, most get few (Zipf)."""
        return dice.pick(self._popularity, count)


def _tail() -> Iterator[tuple[str, str]]:
    for kind, material, tone, size in product(_KINDS, _MATERIALS, _TONES, _SIZES):
        yield (
            f"/shop/{kind}s/{size}-{tone}-{material}-{kind}",
            f"{size} {tone} {material} {kind}".capitalize(),
        )
    for kind, material, page in product(_KINDS, _MATERIALS, range(2, 12)):
        yield f"/shop/{kind}s?material={material}&page={page}", f"{material} {kind}s, page {page}"
    for year, month, topic, kind, material in product(
        _YEARS, _MONTHS, _TOPICS, _KINDS, _MATERIALS[:2]
    ):
        yield (
            f"/blog/{year}/{month}/how-to-{topic}-your-{material}-{kind}",
            f"How to {topic} your {material} {kind} ({month}.{year})",
        )
    for section, year, month in product(_SECTIONS, _YEARS, _MONTHS):
        yield f"/uk/{quote(section)}/{year}/{month}", f"{section}: {month}.{year}"


_WEIGHTED_SOURCES: tuple[tuple[float, Source], ...] = (
    (29, Source(None, "")),
    # search
    (24, Source("https://www.google.com/", "")),
    (3, Source("https://www.bing.com/", "")),
    (2, Source("https://duckduckgo.com/", "")),
    (1, Source("https://www.ecosia.org/", "")),
    (1, Source("https://search.brave.com/", "")),
    # social
    (4, Source("https://www.facebook.com/", "")),
    (2, Source("https://t.co/", "")),
    (2, Source("https://www.pinterest.com/", "")),
    (1, Source("https://www.reddit.com/", "")),
    (1, Source("android-app://org.telegram.messenger/", "")),
    # assistants
    (2, Source("https://chatgpt.com/", "utm_source=chatgpt.com")),
    (1, Source("https://www.perplexity.ai/", "")),
    (0.5, Source("https://gemini.google.com/", "")),
    (0.5, Source("https://claude.ai/", "")),
    # e-mail
    (4, Source(None, "utm_source=newsletter&utm_medium=email&utm_campaign=spring-sale")),
    (3, Source(None, "utm_source=newsletter&utm_medium=email&utm_campaign=welcome")),
    (1, Source("https://mail.google.com/", "")),
    # campaigns
    (
        5,
        Source(
            "https://www.google.com/",
            "utm_source=google&utm_medium=cpc&utm_campaign=brand&utm_term=oak+lamp",
        ),
    ),
    (
        2,
        Source(
            "https://www.bing.com/", "utm_source=bing&utm_medium=cpc&utm_campaign=chairs-autumn"
        ),
    ),
    (
        4,
        Source(
            "https://www.instagram.com/",
            "utm_source=instagram&utm_medium=social&utm_campaign=summer&utm_content=story",
        ),
    ),
    # other sites
    (4, Source("https://home-and-light.example.org/2025/lamps-we-like?ref=list", "")),
    (2, Source("https://forum.example.net/thread/4711", "")),
    (
        1,
        Source(
            "https://partner.example.com/deals",
            "utm_source=partner&utm_medium=referral&utm_campaign=x",
        ),
    ),
)
SOURCES = tuple(source for _, source in _WEIGHTED_SOURCES)
SOURCE_STEPS = cumulative([weight for weight, _ in _WEIGHTED_SOURCES])


def with_campaign(path: str, campaign: str) -> str:
    """Append a campaign's parameters to a path that may already have a query."""
    if not campaign:
        return path
    return f"{path}{'&' if '?' in path else '?'}{campaign}"
