"""What a collector answers to one post, read from status, headers and body; no sockets here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

_RETRY_STATUSES = frozenset({429, 503})
_UNREADABLE = "unreadable_answer"


@dataclass(frozen=True, slots=True)
class Taken:
    """A 2xx answer: how many events were accepted, and how many dropped for which reason."""

    accepted: int
    dropped: dict[str, int]


@dataclass(frozen=True, slots=True)
class Refused:
    """A final answer that took nothing."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """No answer, or one that asks to come again, at a time or (None) without saying when."""

    trouble: str
    retry_after_s: float | None = None


Answer = Taken | Refused | Unavailable


class _TakenBody(msgspec.Struct):
    accepted: int
    dropped: dict[str, int] = {}


class _ProblemBody(msgspec.Struct):
    reason: str = ""


def read_answer(status: int, retry_after: str | None, body: bytes, now: datetime) -> Answer:
    """Read one answer; `now` (aware) is what a Retry-After date counts from."""
    if status in _RETRY_STATUSES:
        return Unavailable(f"HTTP {status} {_reason(body)}".rstrip(), _seconds(retry_after, now))
    if status // 100 != 2:  # noqa: PLR2004 - the class of success
        return Refused(status, _reason(body))
    try:
        taken = msgspec.json.decode(body, type=_TakenBody)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Refused(status, _UNREADABLE)
    return Taken(taken.accepted, taken.dropped)


def _reason(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_ProblemBody).reason
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)
