"""An oracle in plain Python: hits to sessions to sums, written without a look at the SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

GAP = timedelta(minutes=30)


@dataclass
class Sums:
    """What one group of hits adds up to."""

    visitors: set[int] = field(default_factory=set)
    sessions: set[tuple[int, int]] = field(default_factory=set)
    views: int = 0
    entries: int = 0
    exits: int = 0
    bounces: int = 0
    engaged_ms: int = 0

    def to_row(self) -> tuple[int, ...]:
        """Return the sums in the order of the cells' columns."""
        counts = (len(self.visitors), len(self.sessions), self.views, self.entries, self.exits)
        return (*counts, self.bounces, self.engaged_ms)


@dataclass(frozen=True)
class Hit:
    """One hit, as far as the oracle looks."""

    visitor: int
    at: datetime
    seq: int
    key: int
    type: str
    path: str
    engaged_ms: int
    device: str

    @property
    def order(self) -> tuple[datetime, int, int]:
        """What orders a visitor's hits."""
        return self.at, self.seq, self.key


def read_hits(rows: Iterable[tuple[Any, ...]]) -> list[Hit]:
    """Return the hits, in the order of each visitor's events."""
    hits = [Hit(*row) for row in rows]
    return sorted(hits, key=lambda hit: (hit.visitor, hit.order))


def cut_sessions(hits: list[Hit]) -> list[list[Hit]]:
    """Cut ordered hits where the visitor changes or half an hour passes."""
    sessions: list[list[Hit]] = []
    for hit in hits:
        last = sessions[-1][-1] if sessions else None
        if last is None or last.visitor != hit.visitor or hit.at - last.at >= GAP:
            sessions.append([])
        sessions[-1].append(hit)
    return sessions


def sum_by(sessions: list[list[Hit]], name: str) -> dict[str, Sums]:
    """Return the sums by an attribute of the hits."""
    sums: dict[str, Sums] = defaultdict(Sums)
    for number, session in enumerate(sessions):
        views = [hit for hit in session if hit.type == "page_view"]
        for hit in session:
            into = sums[getattr(hit, name)]
            into.visitors.add(hit.visitor)
            into.sessions.add((hit.visitor, number))
            into.engaged_ms += hit.engaged_ms
        for view in views:
            sums[getattr(view, name)].views += 1
        if views:
            sums[getattr(views[0], name)].entries += 1
            sums[getattr(views[-1], name)].exits += 1
            sums[getattr(views[0], name)].bounces += len(views) == 1
    return sums
