"""What a run of synthetic traffic did: counted while it runs, reported as a value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Ending = Literal["complete", "duration", "stopped", "collector_unavailable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendReport:
    """Counts of one run; events = accepted + dropped + rejected + unanswered, once it has ended."""

    seed: int
    events: int
    """Events sent at least once, each counted once."""
    posts: int
    accepted: int
    """Sum of `accepted` in the 2xx answers, without those to posts sent a second time."""
    dropped: dict[str, int]
    """Events by the reason the 2xx answers name."""
    rejected: dict[tuple[int, str], int]
    """Events by status and reason of the answer that refused their post."""
    unanswered: int
    """Events of posts given up without a final answer; they may have been stored."""
    retries: int
    resent_posts: int
    resent_accepted: int
    seconds: float
    ending: Ending | None
    """Why it ended; None while it runs."""
    last_trouble: str
    """What made the latest retry necessary; empty if none did."""

    @property
    def is_clean(self) -> bool:
        """Tell whether every post got a 2xx answer, those sent twice included."""
        return not self.rejected and not self.unanswered and self.ending != "collector_unavailable"

    def to_json(self) -> dict[str, object]:
        """Give the report as JSON values; the keys are part of the command's interface."""
        return {
            "seed": self.seed,
            "events": self.events,
            "posts": self.posts,
            "accepted": self.accepted,
            "dropped": self.dropped,
            "rejected": [
                {"status": status, "reason": reason, "events": events}
                for (status, reason), events in sorted(self.rejected.items())
            ],
            "unanswered": self.unanswered,
            "retries": self.retries,
            "resent_posts": self.resent_posts,
            "resent_accepted": self.resent_accepted,
            "seconds": round(self.seconds, 3),
            "ending": self.ending,
            "last_trouble": self.last_trouble,
        }


@dataclass(slots=True)
class Tally:
    """The running counts behind a report."""

    events: int = 0
    posts: int = 0
    accepted: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    rejected: Counter[tuple[int, str]] = field(default_factory=Counter)
    unanswered: int = 0
    retries: int = 0
    resent_posts: int = 0
    resent_accepted: int = 0
    last_trouble: str = ""

    def report(self, *, seed: int, seconds: float, ending: Ending | None) -> SendReport:
        """Copy the counts of this moment into a report."""
        return SendReport(
            seed=seed,
            events=self.events,
            posts=self.posts,
            accepted=self.accepted,
            dropped=dict(self.dropped),
            rejected=dict(self.rejected),
            unanswered=self.unanswered,
            retries=self.retries,
            resent_posts=self.resent_posts,
            resent_accepted=self.resent_accepted,
            seconds=seconds,
            ending=ending,
            last_trouble=self.last_trouble,
        )
