"""Made-up visits of past days to `web.event.v1`, through the collector's encoder, without HTTP.

A row's key hangs on site, seed, day, page load and number alone, so a second run makes the same
rows. Visitors are hashed under salts of the run's own, one per day, which stay on tmpfs until the
run is complete and are then destroyed; a run that was cut short goes on with them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from streams.access_log.import_log import destroy_salts
from streams.collector.minimise import CountryLookup
from streams.collector.payload import Event
from streams.collector.salt import SaltKeeper
from streams.record_packer import RecordPacker
from streams.traffic.past_visits import BackfillPlan, PastVisits, Visit
from streams.traffic.past_writer import PastWriter
from streams.traffic.user_agents import UserAgentRow

_NAME_CHARS: Final = 32


@dataclass(slots=True)
class DayCounts:
    """What was sent of one day; `types` counts its events by type."""

    day: date
    visitors: int = 0
    sessions: int = 0
    types: Counter[type[Event]] = field(default_factory=Counter)

    def add(self, visit: Visit) -> None:
        """Count a visit."""
        self.visitors += not visit.is_return
        self.sessions += 1
        for post in visit.posts:
            self.types.update(map(type, post.events))

    def to_json(self) -> dict[str, Any]:
        """Give the counts as JSON values; the keys are part of the command's interface."""
        return {
            "day": self.day.isoformat(),
            "visitors": self.visitors,
            "sessions": self.sessions,
            "events": self.types.total(),
            "types": {
                str(event.__struct_config__.tag): count
                for event, count in sorted(self.types.items(), key=lambda item: -item[1])
            },
        }


@dataclass(frozen=True, slots=True)
class Backfill:
    """What a run works with."""

    plan: BackfillPlan
    user_agents: Sequence[UserAgentRow]
    countries: CountryLookup
    packer: RecordPacker
    salt_dir: Path

    def send(self, on_visits: Callable[[list[Visit]], None] | None = None) -> list[DayCounts]:
        """Send the visits, day by day; destroy the salts at the end.

        Raises:
            HmaraError: a salt can not be kept, or Kafka did not acknowledge everything; the salts
                stay, and the same command sends the same again: no count changes by it.
        """
        folder = self.salt_dir / name_run(self.plan)
        salts = SaltKeeper(folder)
        writer = PastWriter(self.plan, self.countries, salts)
        drawn = PastVisits(self.plan, self.user_agents)
        counted = []
        for day in self.plan.days:
            counts = DayCounts(day)
            for visits in drawn.draw(day):
                for visit in visits:
                    for written in writer.write(visit):
                        self.packer.add(*written)
                    counts.add(visit)
                if on_visits is not None:
                    on_visits(visits)
            counted.append(counts)
        self.packer.finish()
        salts.forget()
        destroy_salts(folder)
        return counted


def name_run(plan: BackfillPlan) -> str:
    """Return the name of the folder of a run's salts.

    Runs of one site and seed share it, so that one that was cut short yesterday goes on today.
    """
    return hashlib.sha256(f"{plan.site.id}\0{plan.seed}".encode()).hexdigest()[:_NAME_CHARS]
