"""Who visits: a fixed number of visitors, each with its browser, address and language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from streams.traffic.dice import Dice, cumulative, zipf_weights
from streams.traffic.keyboards import find_keyboard
from streams.traffic.networks import NETWORKS, ipv4_text, ipv6_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from streams.collector.payload import Keyboard
    from streams.traffic.user_agents import UserAgentRow

VISITORS = 100_000
_PURPOSE = 1
_VISITOR_FLATNESS = 200.0
_IPV6_SHARE = 0.2
_HOME_LANGUAGE_SHARE = 0.7  # the others keep the language their browser was observed with
# Odd, so that its multiples are all different in any number of low bits: no two of 2**18 visitors
# share an address, since no block is smaller.
_HOST_STEP = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Visitor:
    """What one visitor's requests have in common."""

    user_agent: str
    accept_language: str
    address: str
    language: str
    screen: tuple[int, int]
    viewport: tuple[int, int]
    keyboard: Keyboard


class Audience:
    """All visitors of one seed; small arrays, from which one visitor at a time is written out."""

    def __init__(
        self, seed: int, user_agents: Sequence[UserAgentRow], size: int = VISITORS
    ) -> None:
        dice = Dice(seed, _PURPOSE)
        self._user_agents = user_agents
        self._browser = dice.pick(cumulative([row.weight for row in user_agents]), size)
        self._network = dice.pick(cumulative([entry.weight for entry in NETWORKS]), size)
        self._host = np.arange(size, dtype=np.uint64) * _HOST_STEP + dice.words(1)
        self._is_ipv6 = dice.uniform(size) < _IPV6_SHARE
        self._is_at_home = dice.uniform(size) < _HOME_LANGUAGE_SHARE
        self._layout = dice.uniform(size)
        self._popularity = cumulative(zipf_weights(size, flatness=_VISITOR_FLATNESS))

    def draw(self, dice: Dice, count: int) -> NDArray[np.int64]:
        """Draw who comes next, `count` times: a few come often, most once (Zipf)."""
        return dice.pick(self._popularity, count)

    def visitor(self, index: int) -> Visitor:
        """Write out the visitor of one index in [0, size)."""
        row = self._user_agents[int(self._browser[index])]
        network = NETWORKS[int(self._network[index])]
        language = network.language if self._is_at_home[index] else row.language
        word = int(self._host[index])
        return Visitor(
            user_agent=row.user_agent,
            accept_language=accept_language(language),
            address=(
                ipv6_text(network.v6, word) if self._is_ipv6[index] else ipv4_text(network.v4, word)
            ),
            language=language,
            screen=(row.screen_width, row.screen_height),
            viewport=(row.viewport_width, row.viewport_height),
            keyboard=find_keyboard(row, language, float(self._layout[index])),
        )


def accept_language(language: str) -> str:
    """Write the header a browser sends for its language: the region, the language, then English."""
    base = language.partition("-")[0]
    if base == language:
        return language
    if base == "en":
        return f"{language},en;q=0.9"
    return f"{language},{base};q=0.9,en;q=0.8"
