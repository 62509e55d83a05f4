"""Every pipeline, as the list of its steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from processors.check import check_numbers, check_site, check_time, check_type
from processors.columns import Context, EventColumns, Outcome
from processors.split import to_staging_rows
from schemas.topics import WEB_EVENT, Topic

Step = Callable[[EventColumns, Context], Outcome]
Cut = Callable[[EventColumns, Context], pa.RecordBatch]


@dataclass(frozen=True, slots=True)
class Outlet:
    """Rows for one table: how they are cut out of the events, and where they go."""

    cut: Cut
    database: str
    table: str


@dataclass(frozen=True, slots=True)
class Pipeline:
    """From a topic through steps, in order, to tables; a step's name is its function's."""

    topic: Topic
    steps: tuple[Step, ...]
    outlets: tuple[Outlet, ...]


WEB_EVENTS: Final = Pipeline(
    topic=WEB_EVENT,
    steps=(
        check_type,
        check_site,
        check_time,
        check_numbers,
    ),
    outlets=(Outlet(to_staging_rows, "staging", "hit"),),
)
