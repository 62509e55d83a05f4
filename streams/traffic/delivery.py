"""One post over HTTP: the headers of a browser behind a proxy, and the wait after trouble."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from streams.traffic.answer import Answer, Unavailable, read_answer
from streams.traffic.dice import Dice

if TYPE_CHECKING:
    from streams.traffic.audience import Visitor

_PATH = "/v1/events"
_BACKOFF_PURPOSE = 5
_FIRST_BACKOFF_S = 0.1
_LONGEST_BACKOFF_S = 5.0
_LARGEST_DOUBLING = 6


class Delivery:
    """Sends bodies to one collector through a shared client."""

    def __init__(
        self, http: aiohttp.ClientSession, collector_url: str, origin: str, seed: int
    ) -> None:
        self._http = http
        self._url = URL(collector_url.rstrip("/") + _PATH)
        self._origin = origin
        self._dice = Dice(seed, _BACKOFF_PURPOSE)

    async def post(self, visitor: Visitor, body: bytes) -> Answer:
        """Send one body once; trouble on the way is an answer too, not an exception."""
        headers = {
            "Content-Type": "text/plain;charset=UTF-8",
            "Origin": self._origin,
            "User-Agent": visitor.user_agent,
            "Accept-Language": visitor.accept_language,
            "X-Forwarded-For": visitor.address,
        }
        try:
            async with self._http.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as response:
                content = await response.read()
                retry_after = response.headers.get("Retry-After")
                return read_answer(response.status, retry_after, content, datetime.now(UTC))
        except TimeoutError:
            return Unavailable("no answer in time")
        except (aiohttp.ClientError, OSError) as error:
            return Unavailable(str(error) or type(error).__name__)

    def wait_s(self, answer: Unavailable, attempt: int) -> float:
        """Say how long to wait: as long as the collector asks for, else longer each time."""
        if answer.retry_after_s is not None:
            return max(answer.retry_after_s, _FIRST_BACKOFF_S)
        backoff_s = _FIRST_BACKOFF_S * 2.0 ** min(attempt, _LARGEST_DOUBLING)
        spread = 0.5 + float(self._dice.uniform(1)[0]) / 2
        return min(backoff_s, _LONGEST_BACKOFF_S) * spread
